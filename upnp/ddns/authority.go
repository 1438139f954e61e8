package ddns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

var (
	errForeignAnswer    = errors.New("the answer is to another question")
	errNotAuthoritative = errors.New("the answer is not the server's own: something on the way answers DNS in its place")
)

// authority asks the servers of a zone what they say, past all caches.
type authority struct {
	name, zone string // zone may be empty
	seams      seams
}

const (
	mostServers = 4 // of a zone that are asked
	serverTime  = 3 * time.Second
)

// view is what one server says.
type view struct {
	server  string
	a, aaaa []netip.Addr
	alias   string // the name is a CNAME
}

// shows reports whether a wanted address is there, exact whether nothing else is.
func (v view) shows(want Records) bool {
	return (!want.A.IsValid() || slices.Contains(v.a, want.A)) && (!want.AAAA.IsValid() || slices.Contains(v.aaaa, want.AAAA))
}

func (v view) exact(want Records) bool {
	return v.shows(want) && len(v.a) == count(want.A) && len(v.aaaa) == count(want.AAAA)
}

func count(a netip.Addr) int {
	if a.IsValid() {
		return 1
	}
	return 0
}

// records are the view's first addresses.
func (v view) records() Records {
	var r Records
	if len(v.a) > 0 {
		r.A = v.a[0]
	}
	if len(v.aaaa) > 0 {
		r.AAAA = v.aaaa[0]
	}
	return r
}

// words say what the server has for the name.
func (v view) words() string {
	if v.alias != "" {
		return "an alias of " + clean(v.alias)
	}
	all := slices.Concat(v.a, v.aaaa)
	if len(all) == 0 {
		return "no address"
	}
	var list []string
	for _, a := range all[:min(len(all), 4)] {
		list = append(list, a.String())
	}
	return strings.Join(list, ", ")
}

// ask returns a view of each server that answered; the error says why none did.
func (a *authority) ask(ctx context.Context) ([]view, error) {
	ctx, cancel := context.WithTimeout(ctx, a.seams.timeout)
	defer cancel()
	servers, err := a.servers(ctx)
	if err != nil {
		return nil, err
	}
	var views []view
	var last error
	for _, s := range servers[:min(len(servers), mostServers)] {
		v, err := a.askServer(ctx, s)
		if err != nil {
			last = fmt.Errorf("asking the zone's server %s: %s", clean(s), cause(err))
			continue
		}
		views = append(views, v)
	}
	if len(views) == 0 {
		return nil, last
	}
	return views, nil
}

// servers finds the zone's name servers: those of the name, or of the nearest name
// above it that has any. Top-level domains are not asked.
func (a *authority) servers(ctx context.Context) ([]string, error) {
	names := parents(a.name)
	if a.zone != "" {
		names = []string{a.zone}
	}
	var last error
	for _, name := range names {
		found, err := a.seams.resolver.LookupNS(ctx, name+".")
		var missing *net.DNSError
		switch {
		case ctx.Err() != nil:
			return nil, fmt.Errorf("finding the name servers of %s: no answer in time", name)
		case err != nil && !(errors.As(err, &missing) && missing.IsNotFound):
			// Home routers' resolvers fail oddly at names without NS: go on above.
			last = fmt.Errorf("finding the name servers of %s: %s", name, cause(err))
		case last == nil:
			last = fmt.Errorf("finding the name servers of %s: the DNS knows none", a.name)
		}
		var servers []string
		for _, ns := range found {
			servers = append(servers, strings.TrimSuffix(ns.Host, "."))
		}
		if len(servers) > 0 {
			slices.Sort(servers)
			return servers, nil
		}
	}
	return nil, last
}

func (a *authority) askServer(ctx context.Context, server string) (view, error) {
	ctx, cancel := context.WithTimeout(ctx, serverTime)
	defer cancel()
	v := view{server: server}
	for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
		resp, err := a.query(ctx, server, qtype)
		if err != nil {
			return v, err
		}
		v.take(a.name, resp)
	}
	return v, nil
}

// query asks over UDP, and again over TCP when the answer did not fit (RFC 7766).
func (a *authority) query(ctx context.Context, server string, qtype uint16) (*dns.Msg, error) {
	m := new(dns.Msg).SetQuestion(dns.Fqdn(a.name), qtype).SetEdns0(udpSize, false)
	m.RecursionDesired = false
	var resp *dns.Msg
	for _, network := range []string{"udp", "tcp"} {
		conn, err := a.seams.guard().dialContext(ctx, network, net.JoinHostPort(server, "53"))
		if err != nil {
			return nil, err
		}
		if resp, err = exchangeOn(ctx, conn, m, nil); err != nil {
			return nil, err
		}
		if !resp.Truncated {
			break
		}
	}
	if resp.Rcode != dns.RcodeSuccess && resp.Rcode != dns.RcodeNameError {
		return nil, fmt.Errorf("it answers with %s", rcode(resp.Rcode))
	}
	if !resp.Authoritative {
		return nil, errNotAuthoritative
	}
	return resp, nil
}

// take adds an answer's records of the name itself.
func (v *view) take(name string, resp *dns.Msg) {
	for _, rr := range resp.Answer {
		if !strings.EqualFold(strings.TrimSuffix(rr.Header().Name, "."), name) {
			continue
		}
		switch rr := rr.(type) {
		case *dns.A:
			if ip, ok := netip.AddrFromSlice(rr.A.To4()); ok {
				v.a = append(v.a, ip)
			}
		case *dns.AAAA:
			if ip, ok := netip.AddrFromSlice(rr.AAAA); ok {
				v.aaaa = append(v.aaaa, ip)
			}
		case *dns.CNAME:
			v.alias = strings.TrimSuffix(rr.Target, ".")
		}
	}
}
