package upnp

import (
	"context"
	"fmt"
	"net/netip"
	"time"
)

// natpmp is the NAT Port Mapping Protocol, RFC 6886.
type natpmp struct {
	port uint16
}

func (p *natpmp) name() string { return "NAT-PMP" }

// probe asks for the router's address (section 3.2): that has no effect, and every
// server answers it.
func (p *natpmp) probe(ctx context.Context, gw Gateway) (session, answer) {
	s := &pmpSession{at: control{gw: gw, port: p.port}}
	r, a := s.ask(ctx, pmpExternalRequest(), func(r pmpReply) bool { return r.op == pmpOpExternal })
	if !a.ok() {
		return nil, a
	}
	if a := r.code.answer(); a.outcome == unsupported {
		return nil, a
	}
	return s, answer{} // a server without an address, or switched off, says so again when asked to map
}

// pmpSession is a NAT-PMP server.
type pmpSession struct {
	at    control
	epoch epoch
	lost  bool // the table was lost since the last add
}

func (s *pmpSession) router() Router { return Router{Via: "NAT-PMP"} }

// ask sends a request and notes the epoch of the answer.
func (s *pmpSession) ask(ctx context.Context, request []byte, mine func(pmpReply) bool) (pmpReply, answer) {
	var r pmpReply
	a := s.at.ask(ctx, request, func(b []byte) bool {
		got, err := parsePMP(b)
		if err != nil || !mine(got) {
			return false
		}
		r = got
		return true
	})
	if a.ok() && r.code != pmpUnsupportedVersion && s.epoch.next(r.epoch, time.Now(), false) {
		s.lost = true
	}
	return r, a
}

// external asks for the address, which is also how a restart is noticed: every
// answer tells the epoch.
func (s *pmpSession) external(ctx context.Context) (netip.Addr, answer) {
	r, a := s.ask(ctx, pmpExternalRequest(), func(r pmpReply) bool { return r.op == pmpOpExternal })
	if !a.ok() {
		return netip.Addr{}, a
	}
	if s.lost {
		return netip.Addr{}, restarted
	}
	if a := r.code.answer(); !a.ok() {
		return netip.Addr{}, a
	}
	if r.external.IsUnspecified() {
		return netip.Addr{}, answer{}
	}
	return r.external, answer{}
}

// restarted is the answer when an epoch began anew.
var restarted = answer{outcome: notThere, problem: "the router restarted"}

// add asks for the mapping, section 3.3. A router that can't give the port gives
// another one, which is given back at once: see Elsewhere.
func (s *pmpSession) add(ctx context.Context, w want) (grant, answer) {
	r, a := s.ask(ctx, pmpMapRequest(w.port, w.lease), func(r pmpReply) bool { return s.mine(r, w) })
	if !a.ok() {
		return grant{}, a
	}
	s.lost = false // what follows is about the table as it is now
	if a := r.code.answer(); !a.ok() {
		return grant{}, a
	}
	if r.mapped != w.port || r.lifetime == 0 {
		s.remove(ctx, w)
		return grant{}, notAsAsked(r.mapped, w)
	}
	return grant{lease: min(r.lifetime, maxGrant)}, answer{}
}

// mine reports whether an answer is one to a request for the mapping. A refusal
// may be too short to name the port.
func (s *pmpSession) mine(r pmpReply, w want) bool {
	return r.op == pmpOpMapUDP && (r.internal == w.port || r.internal == 0 && r.code != pmpSuccess)
}

// maxGrant bounds a lease whatever the router says: RFC 6887 advises clients to
// believe in no more than a day.
const maxGrant = 24 * time.Hour

// notAsAsked is the answer when the router granted something else than the port.
func notAsAsked(port uint16, w want) answer {
	if port == w.port {
		return answer{outcome: broken, problem: "the router granted the port for no time"}
	}
	return answer{outcome: conflict, offered: port, problem: fmt.Sprintf("the router has port %d taken and offered %d", w.port, port)}
}

// check asks for the mapping once more: these protocols have no other way to look,
// and asking again puts back what a router tidied away.
func (s *pmpSession) check(ctx context.Context, w want) (grant, answer) { return s.add(ctx, w) }

// remove takes the mapping away, section 3.4.
func (s *pmpSession) remove(ctx context.Context, w want) answer {
	r, a := s.ask(ctx, pmpDeleteRequest(w.port), func(r pmpReply) bool { return s.mine(r, w) })
	if !a.ok() {
		return a
	}
	return r.code.answer()
}

// sweep can do nothing: the protocol can't list, and deleting "all" would hit other
// programs of this machine. What an earlier run left ends with its lease.
func (s *pmpSession) sweep(context.Context, want) (int, answer) {
	return 0, answer{outcome: unsupported}
}
