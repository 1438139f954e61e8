package ddns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// mayDial is the address filter: only public addresses, and those that a NAT64
// makes of public ones in a home without IPv4 (RFC 6052 section 2.1).
func mayDial(a netip.Addr) bool {
	if nat64 := netip.MustParsePrefix("64:ff9b::/96"); nat64.Contains(a) {
		b := a.As16()
		return isPublic(netip.AddrFrom4([4]byte(b[12:])))
	}
	return isPublic(a)
}

// errRefusedAddress is the filter's answer. The config is at fault, or somebody
// between us and the DNS.
type errRefusedAddress struct {
	host string
	addr netip.Addr
}

func (e *errRefusedAddress) Error() string {
	return fmt.Sprintf("%s leads to %s, which is not an address on the internet", e.host, e.addr)
}

// errNoSuchHost is a host that cannot be found.
type errNoSuchHost struct {
	host  string
	cause error
}

func (e *errNoSuchHost) Error() string { return "finding " + e.host + ": " + cause(e.cause) }
func (e *errNoSuchHost) Unwrap() error { return e.cause }

// cause is the reason of a failed exchange without the addresses that net repeats.
func cause(err error) string {
	var d *net.DNSError
	var timeout net.Error
	switch {
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	case errors.As(err, &d):
		return clean(d.Name + ": " + d.Err)
	}
	return clean(err.Error())
}

// dialEach is the least time for one of several addresses.
const dialEach = 3 * time.Second

// guard dials by name: it resolves, keeps the allowed addresses and dials exactly
// those, so that a second answer of the DNS cannot lead elsewhere.
type guard struct {
	resolver Resolver
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
	allow    func(netip.Addr) bool
}

func (g guard) dialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("dialling %q: %w", address, err)
	}
	all, err := g.lookup(ctx, host)
	if err != nil {
		return nil, &errNoSuchHost{host, err}
	}
	var last error = &errNoSuchHost{host, errors.New("it has no addresses")}
	for _, a := range all {
		if !g.allow(a) {
			last = &errRefusedAddress{host, a}
			continue
		}
		one, cancel := context.WithTimeout(ctx, dialEach)
		conn, err := g.dial(one, network, net.JoinHostPort(a.String(), port))
		cancel()
		if err == nil {
			return conn, nil
		}
		last = err
		if ctx.Err() != nil {
			break
		}
	}
	return nil, last
}

func (g guard) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a.Unmap()}, nil
	}
	all, err := g.resolver.LookupNetIP(ctx, "ip", host+".") // the dot keeps search lists away
	for i := range all {
		all[i] = all[i].Unmap()
	}
	return all, err
}
