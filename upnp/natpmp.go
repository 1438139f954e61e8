package upnp

import (
	"context"
	"net/netip"
	"time"
)

// natpmp is the NAT Port Mapping Protocol, RFC 6886.
type natpmp struct{ port uint16 }

func (p *natpmp) probe(ctx context.Context, gw Gateway) (session, answer) {
	s := &natpmpSession{server: netip.AddrPortFrom(gw.Addr, p.port), self: gw.Self}
	if _, a := s.external(ctx); a.outcome == moved || a.outcome == silent || a.outcome == unsupported || a.outcome == broken {
		return nil, a
	}
	return s, answer{} // a router without an internet connection is one, too
}

// natpmpSession is a router that answered.
type natpmpSession struct {
	server netip.AddrPort
	self   netip.Addr
	epoch  epoch
}

func (s *natpmpSession) router() Router { return Router{Via: "NAT-PMP", ID: s.server.Addr().String()} }

// ask makes one request. A server that has lost its state says so by its epoch:
// the outcome is then notThere, whatever else it said.
func (s *natpmpSession) ask(ctx context.Context, request []byte, fits func(natpmpReply) bool) (natpmpReply, answer) {
	var r natpmpReply
	err := exchange(ctx, s.server, netip.AddrPortFrom(s.self, 0), request, func(b []byte) bool {
		got, err := parseNATPMP(b)
		if err != nil || got.opcode != request[1] || got.result == natpmpSuccess && !fits(got) {
			return false // late, or nothing to us
		}
		r = got
		return true
	})
	if err != nil {
		return r, answerOf("NAT-PMP", err)
	}
	return r, natpmpAnswer(r.result)
}

func (s *natpmpSession) external(ctx context.Context) (netip.Addr, answer) {
	r, a := s.ask(ctx, natpmpExternalRequest(), func(natpmpReply) bool { return true })
	if a.outcome == moved || a.outcome == silent {
		return netip.Addr{}, a
	}
	if s.epoch.natpmp(time.Now(), r.epoch) {
		return netip.Addr{}, answer{outcome: notThere, problem: "the router restarted"}
	}
	if r.address.IsUnspecified() {
		r.address = netip.Addr{}
	}
	return r.address, a
}

// add asks for the same port outside. A router that gives another one is asked to
// take that back: codes have ours in them.
func (s *natpmpSession) add(ctx context.Context, w want) (grant, answer) {
	lease := w.lease
	if lease == 0 {
		lease = longLease // zero would take it away
	}
	r, a := s.ask(ctx, natpmpMapRequest(w.port, lease), func(r natpmpReply) bool { return r.internal == w.port })
	if a.outcome == moved || a.outcome == silent {
		return grant{}, a
	}
	s.epoch.natpmp(time.Now(), r.epoch) // what was lost has just been made anew
	switch {
	case !a.ok():
		return grant{}, a
	case r.external != w.port:
		s.remove(ctx, w)
		return grant{}, otherPort("NAT-PMP", r.external)
	case r.lifetime <= 0:
		return grant{}, answer{outcome: broken, problem: "NAT-PMP: the mapping has no lifetime"}
	}
	return grant{lease: min(r.lifetime, lease)}, answer{}
}

// check makes the mapping again: this protocol knows no question.
func (s *natpmpSession) check(ctx context.Context, w want) (grant, answer) { return s.add(ctx, w) }

func (s *natpmpSession) remove(ctx context.Context, w want) answer {
	_, a := s.ask(ctx, natpmpMapRequest(w.port, 0), func(r natpmpReply) bool { return r.internal == w.port && r.lifetime == 0 })
	return a
}

// sweep finds nothing: this protocol has no list.
func (s *natpmpSession) sweep(context.Context, want) (int, answer) { return 0, answer{} }
