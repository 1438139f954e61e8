package filter

import (
	"net/netip"
	"time"
)

// session judges the packets of one batch. It holds the lock of at most one
// member at a time, and keeps it for as long as packets of the same peer follow
// each other. Its end must be called.
type session struct {
	f      *Filter
	policy *policy
	now    time.Duration
	held   *member

	last   netip.Addr // whose peer was looked up last
	member *member

	packet packet
}

// begin is for sessions that live on the stack: s must be zero.
func (s *session) begin(f *Filter) {
	s.f, s.policy, s.now = f, f.policy.Load(), f.clock()
}

func (s *session) end() {
	if s.held != nil {
		s.held.mu.Unlock()
		s.held = nil
	}
}

// hold takes the lock of m, which may be nil.
func (s *session) hold(m *member) {
	if s.held == m {
		return
	}
	s.end()
	if m != nil {
		m.mu.Lock()
		s.held = m
	}
}

func (s *session) find(a netip.Addr) *member {
	if a != s.last {
		s.last, s.member = a, s.policy.peers[a]
	}
	return s.member
}

// judge says why the packet b must be dropped, and counts it.
func (s *session) judge(b []byte, dir direction) Reason {
	p := &s.packet
	r := p.parse(b)
	whose := p.src
	if dir == toPeer {
		whose = p.dst
	}
	m := s.find(whose)
	if r == passed {
		r = s.decide(m, p, dir)
	}
	s.count(m, dir, p.size, r)
	return r
}

func (s *session) count(m *member, dir direction, size int, r Reason) {
	if m == nil {
		s.f.strangers[r].Add(1)
		return
	}
	s.hold(m)
	if r != passed {
		m.counts.drops[r]++
		return
	}
	t := &m.counts.traffic[dir]
	t.Packets++
	t.Bytes += uint64(size)
}

func (s *session) decide(m *member, p *packet, dir direction) Reason {
	switch {
	case m == nil && dir == fromPeer:
		return Spoofed
	case m == nil:
		return Unsolicited
	case p.frag.later():
		return s.continues(p, dir)
	case p.isICMP() && !p.isEchoRequest() && !p.isEchoReply():
		return s.related(p, dir)
	}
	fl, opener := s.lookup(p, dir)
	if fl == nil {
		var r Reason
		if fl, r = s.open(m, p, dir); r != passed {
			return r
		}
		opener = true
	}
	// s.held is the member that has opened the flow.
	if p.frag.is() {
		if r := s.held.pieces.begin(dir, p, fl, opener, s.now); r != passed {
			return r
		}
	}
	s.held.table.note(fl, p, opener, s.now)
	if opener == (dir == fromPeer) {
		s.held.watch.note(fl, p, dir, s.now)
	}
	return passed
}

// lookup finds the flow of p and says whether p comes from who opened it. It
// leaves the opener's lock held.
func (s *session) lookup(p *packet, dir direction) (fl *flow, opener bool) {
	// The likely way round comes first; the other one is for two peers.
	opener = dir == fromPeer
	if fl = s.lookupAs(p, opener); fl == nil {
		opener = !opener
		fl = s.lookupAs(p, opener)
	}
	return fl, opener
}

func (s *session) lookupAs(p *packet, opener bool) *flow {
	self := p.dst
	if opener {
		self = p.src
	}
	m := s.find(self)
	if m == nil || p.isICMP() && p.isEchoRequest() != opener {
		return nil
	}
	s.hold(m)
	return m.table.find(p, opener, s.now)
}

// open begins a flow with p, if the peer m may have it.
func (s *session) open(m *member, p *packet, dir direction) (*flow, Reason) {
	switch {
	case dir == toPeer:
		return nil, Unsolicited
	case p.isICMP() && !p.isEchoRequest():
		return nil, Unrelated
	}
	k := p.forwardKey()
	s.hold(m)
	// The table's policy counts, not the session's: it may be newer.
	if m.policy == nil {
		return nil, Spoofed
	}
	if r := m.policy.decide(m, &k); r != passed {
		return nil, r
	}
	if p.proto == protoTCP && p.flags&tcpRST != 0 {
		return nil, Unrelated // nothing is there that it could end
	}
	if !s.room(m) {
		return nil, Full
	}
	// room may have let go of the lock for a moment.
	if m.policy == nil || m.policy.decide(m, &k) != passed {
		return nil, Spoofed
	}
	if fl := m.table.find(p, true, s.now); fl != nil {
		return fl, passed
	}
	return m.table.add(k, s.now), passed
}

// room makes room for a flow of m: at the peer's own expense if it has used up
// what is its, and when all is full at the expense of who has most.
func (s *session) room(m *member) bool {
	if !m.table.room(s.now) {
		return false
	}
	if s.f.total.Load() < int64(s.f.limits.Total) {
		return true
	}
	largest := m
	for _, other := range s.policy.ids {
		if other.table.size.Load() > largest.table.size.Load() {
			largest = other
		}
	}
	s.hold(largest)
	ok := largest.table.dropOldest(s.now)
	s.hold(m)
	return ok
}

// continues says whether a later fragment belongs to a datagram whose first one
// has passed.
func (s *session) continues(p *packet, dir direction) Reason {
	for _, a := range []netip.Addr{p.src, p.dst} {
		m := s.find(a)
		if m == nil {
			continue
		}
		s.hold(m)
		if d := m.pieces.find(dir, p, s.now); d != nil {
			return m.pieces.next(d, &p.frag)
		}
	}
	return Fragmented
}

// related says whether an ICMP error is about a packet of a flow which has
// passed here in the other direction, between the same two.
func (s *session) related(p *packet, dir direction) Reason {
	q := new(packet)
	if p.frag.is() || !p.isError() || !p.quote(q) {
		return Unrelated
	}
	// An error goes to the sender of what it is about. From a peer it comes as
	// the one to whom that was sent; to a peer, any router may report.
	if q.src != p.dst || dir == fromPeer && q.dst != p.src {
		return Unrelated
	}
	if dir == toPeer && s.policy.isForeign(p.src, q.dst) {
		return Unrelated
	}
	if fl, _ := s.lookup(q, dir.opposite()); fl == nil {
		return Unrelated
	}
	return passed
}
