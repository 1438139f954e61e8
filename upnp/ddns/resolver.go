package ddns

import (
	"context"
	"crypto/x509"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"
)

// Resolver finds the addresses of hosts and the name servers of zones.
// *net.Resolver is one. Names come with a dot at the end.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
	LookupNS(ctx context.Context, name string) ([]*net.NS, error)
}

// seams are the ways out to the network and to chance, which tests replace.
type seams struct {
	resolver Resolver
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
	allow    func(netip.Addr) bool
	roots    *x509.CertPool // nil means the system's
	jitter   func(time.Duration) time.Duration
	// timeout is of one request.
	timeout time.Duration
}

const requestTime = 10 * time.Second

func realSeams(r Resolver) seams {
	if r == nil {
		r = net.DefaultResolver
	}
	return seams{
		resolver: r,
		dial:     (&net.Dialer{}).DialContext,
		allow:    mayDial,
		jitter:   addJitter,
		timeout:  requestTime,
	}
}

// addJitter lengthens a pause by up to a fifth, so that a thousand homes that lost
// one provider together don't come back together.
func addJitter(d time.Duration) time.Duration { return d + rand.N(d/5+1) }

func (s seams) guard() guard { return guard{resolver: s.resolver, dial: s.dial, allow: s.allow} }
