package upnp

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"time"
)

// igdSession is one WAN connection of one router.
type igdSession struct {
	conn   connection
	who    Router
	events *url.URL // where its events are subscribed to; nil: it offers none
	bootID uint32   // of the answer that led here: the seam for noticing restarts
	caller

	worked time.Duration // the lease that the router accepted last; valid when known
	known  bool
	offers bool // the router was asked what it offers

	stirring stirring
	address  netip.Addr // what it said last
}

func (s *igdSession) router() Router { return s.who }

func (s *igdSession) external(ctx context.Context) (netip.Addr, answer) {
	var text string
	a := s.call(ctx, "GetExternalIPAddress", func(ctx context.Context) (err error) {
		text, err = s.conn.GetExternalIPAddressCtx(ctx)
		return err
	})
	if !a.ok() {
		return netip.Addr{}, a
	}
	addr, err := netip.ParseAddr(text)
	if err != nil || !addr.Is4() || addr.IsUnspecified() {
		return netip.Addr{}, answer{}
	}
	if s.address.IsValid() && addr != s.address {
		s.stirring.soon = true // many load their firewall anew then
	}
	s.address = addr
	return addr, answer{}
}

// add walks the ladder of leases (3600 s, permanent, a week), because routers
// that want only permanent ones say 725 or 402 to any other, and some say 402
// to permanent ones. It looks before it asks: some routers let a newcomer
// overwrite another host's entry, and we are not to take any.
func (s *igdSession) add(ctx context.Context, w want) (grant, answer) {
	switch e, a := s.entry(ctx, w.port); {
	case a.outcome == moved, a.outcome == silent:
		return grant{}, a
	case !a.ok(), e.ours(w): // free, a router that can't be asked, or ours to renew
	case e.leadsTo(w):
		return grant{verified: true, foreign: true}, answer{}
	default:
		return grant{}, withHolder(answer{outcome: conflict, problem: "the port is taken on the router"}, e, w)
	}
	ladder := s.ladder(w.lease)
	var a answer
	for _, lease := range ladder {
		a = s.addPortMapping(ctx, w, lease)
		if a.outcome == conflict {
			var g grant
			if g, a = s.settle(ctx, w, lease, a); g.foreign {
				return g, a
			}
		}
		if a.ok() {
			s.worked, s.known = lease, true
			return s.readBack(ctx, w, lease)
		}
		if a.outcome != badLease && a.outcome != badArgument {
			break
		}
	}
	s.known = false
	if a.outcome == notAllowed {
		a.offered = s.offer(ctx, w)
	}
	return grant{}, a
}

// anyAdder is a service that gives a port of its own choice (WANIPConnection:2).
type anyAdder interface {
	AddAnyPortMappingCtx(ctx context.Context, remote string, external uint16, protocol string, internal uint16,
		client string, enabled bool, description string, leaseSeconds uint32) (reserved uint16, err error)
}

// offer asks once which port the router would give, where its rules don't allow ours:
// some allow a range. It is given back at once, to be asked for on both sides. Zero
// means none.
func (s *igdSession) offer(ctx context.Context, w want) uint16 {
	c, ok := s.conn.(anyAdder)
	if !ok || s.offers {
		return 0
	}
	s.offers = true
	var port uint16
	a := s.call(ctx, "AddAnyPortMapping", func(ctx context.Context) (err error) {
		port, err = c.AddAnyPortMappingCtx(ctx, anyHost, w.port, udp, w.port, w.client.String(), true,
			w.description, uint32(endingLease/time.Second))
		return err
	})
	if !a.ok() || port == 0 {
		return 0
	}
	w.port = port
	if e, a := s.entry(ctx, port); a.ok() && e.description == w.description && e.addr() == w.client {
		s.deletePortMapping(ctx, port)
	}
	return port
}

func (s *igdSession) addPortMapping(ctx context.Context, w want, lease time.Duration) answer {
	return s.call(ctx, "AddPortMapping", func(ctx context.Context) error {
		return s.conn.AddPortMappingCtx(ctx, anyHost, w.port, udp, w.port, w.client.String(), true,
			w.description, uint32(lease/time.Second))
	})
}

// settle looks who has the port after 718 or 729. IGD 1 routers say 718 also for
// "not permitted" and some to the owner of the entry.
func (s *igdSession) settle(ctx context.Context, w want, lease time.Duration, refusal answer) (grant, answer) {
	e, a := s.entry(ctx, w.port)
	switch {
	case a.outcome == notThere && refusal.code == codeConflict:
		return grant{}, answer{outcome: notAllowed, problem: refusal.problem + ", though nobody has the port"}
	case !a.ok():
		return grant{}, refusal
	case e.ours(w):
		if a := s.deletePortMapping(ctx, w.port); !a.ok() && a.outcome != notThere {
			if e.leadsTo(w) {
				return grant{}, answer{} // it is what we want; the read-back says for how long
			}
			return grant{}, withHolder(refusal, e, w)
		}
		return grant{}, s.addPortMapping(ctx, w, lease)
	case e.leadsTo(w):
		return grant{verified: true, foreign: true}, answer{}
	}
	return grant{}, withHolder(refusal, e, w)
}

// readBack looks at the entry that was just made. The router's remaining time
// counts when it is less than what we asked for.
func (s *igdSession) readBack(ctx context.Context, w want, lease time.Duration) (grant, answer) {
	g, a := s.look(ctx, w)
	switch a.outcome {
	case done:
	case notThere:
		return grant{}, answer{outcome: notThere, problem: "the router said yes, but keeps no such entry", denied: true}
	case conflict:
		a.denied = true
		return grant{}, a
	default: // it can't be asked, or not now: believe the yes
		return grant{lease: lease}, answer{}
	}
	if lease > 0 && (g.lease <= 0 || g.lease > lease) {
		g.lease = lease
	}
	g.foreign = false // we made it just now, even if the router changed the description
	return g, answer{}
}

// check looks, and now and then makes the router look, too.
func (s *igdSession) check(ctx context.Context, w want) (grant, answer) {
	g, a := s.look(ctx, w)
	if !a.ok() || g.foreign || !s.stirring.due(time.Now()) || !s.stir(ctx, w) {
		return g, a
	}
	if g, a = s.look(ctx, w); a.outcome == notThere {
		s.stirring.often = time.Now().Add(stirFor)
		a = answer{outcome: notThere, problem: "the router's firewall was loaded anew, which its program has not noticed"}
	}
	return g, a
}

// look reads our entry.
func (s *igdSession) look(ctx context.Context, w want) (grant, answer) {
	e, a := s.entry(ctx, w.port)
	switch {
	case !a.ok():
		return grant{}, a
	case e.leadsTo(w):
	case e.addr() == w.client:
		return grant{}, answer{outcome: notThere, problem: fmt.Sprintf("the router's entry leads to our port %d, enabled: %t", e.internal, e.enabled)}
	default:
		return grant{}, withHolder(answer{outcome: conflict, problem: "the router's entry leads elsewhere"}, e, w)
	}
	return grant{lease: e.lease, verified: true, foreign: !e.ours(w)}, answer{}
}

// remove reads the entry first: what isn't ours stays.
func (s *igdSession) remove(ctx context.Context, w want) answer {
	e, a := s.entry(ctx, w.port)
	switch {
	case a.outcome == notThere:
		return answer{}
	case a.ok() && !e.ours(w):
		return answer{} // nothing of ours is left
	case a.outcome == moved || a.outcome == silent:
		return a
	}
	if a = s.deletePortMapping(ctx, w.port); a.outcome == notThere {
		return answer{}
	}
	return a
}

func (s *igdSession) deletePortMapping(ctx context.Context, port uint16) answer {
	return s.deleteEntry(ctx, anyHost, port, udp)
}
