package upnp

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// tableReader is a session that can look at the router's table: UPnP's.
type tableReader interface {
	session
	entry(ctx context.Context, port uint16) (entry, answer)
	deletePortMapping(ctx context.Context, port uint16) answer
	rows(ctx context.Context, most int) (list []row, complete bool, a answer)
	deleteEntry(ctx context.Context, remote string, port uint16, protocol string) answer
}

// witnessed is a session of PCP or NAT-PMP on a router that also answers to UPnP.
// The mapping is made, renewed and removed by the one, and looked at by the other;
// never made by both.
type witnessed struct {
	session
	witness tableReader
	seen    bool // the witness saw the entry: its absence is news. Some routers show only UPnP's own
	gone    bool // the witness doesn't answer any more

	address netip.Addr // the router's, as the witness said last
	askedAt time.Time  // when it was asked for that
}

// unwitnessed is the protocol's own session.
func unwitnessed(s session) session {
	if w, ok := s.(*witnessed); ok {
		return w.session
	}
	return s
}

// read is the witness's view of our port.
func (s *witnessed) read(ctx context.Context, w want) (entry, answer) {
	e, a := s.witness.entry(ctx, w.port)
	s.gone = a.outcome == moved || a.outcome == silent
	return e, a
}

func (s *witnessed) router() Router {
	r := s.session.router()
	r.Name, r.ID = s.witness.router().Name, s.witness.router().ID
	return r
}

// external asks the witness where the protocol itself doesn't tell yet. PCP tells the
// address with the mapping only, and some routers begin no new epoch when theirs
// changes: a minute at most after the witness told of another one, the mapping is
// asked for again, and brings it. Two that never agree cost one such request.
func (s *witnessed) external(ctx context.Context) (netip.Addr, answer) {
	addr, a := s.session.external(ctx)
	if a.outcome == unsupported {
		return s.witness.external(ctx)
	}
	if _, repeats := s.session.(*pcpSession); !a.ok() || !repeats || s.gone || time.Since(s.askedAt) < addressEvery-epochEvery/2 {
		return addr, a
	}
	s.askedAt = time.Now()
	seen, told := s.witness.external(ctx)
	if !told.ok() || !seen.IsValid() || seen == s.address {
		return addr, a
	}
	if s.address = seen; seen != addr {
		return netip.Addr{}, answer{outcome: notThere, problem: "the router has another address"}
	}
	return addr, a
}

// add looks before it asks, because these protocols can't say whose the port is.
func (s *witnessed) add(ctx context.Context, w want) (grant, answer) {
	switch e, a := s.read(ctx, w); {
	case !a.ok(): // free, or a table that can't be read
	case !e.leadsTo(w) && (e.description == w.description || e.proven(w)):
		// Ours for an address or port of before: UPnP is the way to remove it.
		s.witness.deletePortMapping(ctx, w.port)
	case !e.leadsTo(w):
		return grant{}, withHolder(answer{outcome: conflict, problem: "the port is taken on the router"}, e, w)
	case e.description == w.description:
		s.witness.deletePortMapping(ctx, w.port) // ours by UPnP: one entry is enough
	case !s.ours(e, w):
		s.seen = true
		return grant{verified: true, foreign: true}, answer{}
	}
	g, a := s.session.add(ctx, w)
	if !a.ok() || s.gone {
		return g, a
	}
	w.held = true
	seen, looked := s.look(ctx, w)
	switch {
	case looked.ok():
		g.verified = seen.verified
	case looked.outcome == conflict:
		looked.denied = true
		return grant{}, looked
	case looked.outcome == notThere && s.seen:
		return grant{}, answer{outcome: notThere, problem: "the router said yes, but keeps no such entry", denied: true}
	}
	return g, answer{}
}

// ours reports whether an entry that leads to us was made by PCP or NAT-PMP, which
// have no description of ours: the router's own one begins with the protocol's name
// (miniupnpd), or there is none. An entry made by hand has a name.
func (s *witnessed) ours(e entry, w want) bool {
	name := strings.ToUpper(e.description)
	return w.held || name == "" || strings.HasPrefix(name, "PCP") ||
		strings.HasPrefix(name, "NAT-PMP") || strings.HasPrefix(name, "NATPMP")
}

// look reads the entry by UPnP.
func (s *witnessed) look(ctx context.Context, w want) (grant, answer) {
	e, a := s.read(ctx, w)
	switch {
	case !a.ok():
		return grant{}, a
	case e.leadsTo(w):
		s.seen = true
		return grant{lease: e.lease, verified: true, foreign: !s.ours(e, w)}, answer{}
	case e.addr() == w.client:
		return grant{}, answer{outcome: notThere, problem: "the router's entry leads to another port of ours"}
	}
	return grant{}, withHolder(answer{outcome: conflict, problem: "the router's entry leads elsewhere"}, e, w)
}

// check looks, and unless the entry is somebody else's or gone it asks by the
// protocol, too: a router whose firewall was loaded anew goes on showing what it
// doesn't do any more (miniupnpd), until it is asked for it again.
func (s *witnessed) check(ctx context.Context, w want) (grant, answer) {
	g, a := s.look(ctx, w)
	if a.outcome == conflict || a.outcome == notThere && s.seen || a.ok() && g.foreign {
		return g, a
	}
	if again, told := s.session.check(ctx, w); !a.ok() || !told.ok() {
		return again, told
	}
	return g, a
}

// sweep is the witness's: only UPnP can list.
func (s *witnessed) sweep(ctx context.Context, w want) (int, answer) { return s.witness.sweep(ctx, w) }

// wantsWitness reports whether UPnP is worth looking for once more: it was too slow
// to be waited for, or it left while the protocol in use stayed. What PCP and
// NAT-PMP make is better seen than believed.
func (k *keeper) wantsWitness() bool {
	if time.Now().Before(k.nextWitness) {
		return false
	}
	if w, ok := k.session.(*witnessed); ok {
		return w.gone
	}
	_, looks := k.session.(tableReader)
	return k.cut && !looks
}

func (k *keeper) findWitness(ctx context.Context) {
	k.nextWitness = time.Now().Add(witnessEvery)
	i := slices.IndexFunc(k.side.protocols, func(p protocol) bool { _, ok := p.(*igd); return ok })
	if i < 0 {
		return
	}
	s, a := k.side.protocols[i].probe(ctx, k.gw)
	witness, ok := s.(tableReader)
	if !a.ok() || !ok {
		k.m.log.Debug("nobody can read the router's table", "problem", a.problem)
		return
	}
	k.cut, k.nextWitness = false, time.Time{}
	now := &witnessed{session: unwitnessed(k.session), witness: witness}
	for i, c := range k.candidates {
		switch _, looks := c.(tableReader); {
		case c == k.session:
			k.candidates[i] = now
		case looks:
			k.candidates[i] = witness
		}
	}
	if !slices.Contains(k.candidates, session(witness)) {
		k.candidates = append(k.candidates, witness)
	}
	if k.maker == k.session {
		k.maker = now
	}
	k.session = now
	k.hearEvents()
	k.sweep(ctx)
}
