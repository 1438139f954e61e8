package filter

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Limits bounds what peers can make the filter remember. A flow costs about
// 250 bytes.
type Limits struct {
	Total           int // flows of all peers
	PerPeer         int
	PerPeerHalfOpen int // of these, flows that nobody answered, and those about to end
}

// DefaultLimits are at most about 8 MiB.
func DefaultLimits() Limits { return Limits{Total: 32768, PerPeer: 8192, PerPeerHalfOpen: 1024} }

// Config is what a Filter needs. Addresses are required.
type Config struct {
	// Addresses are our own inside the tunnel, with the tunnel's prefix lengths.
	Addresses []netip.Prefix
	Limits    Limits               // zero means DefaultLimits
	Clock     func() time.Duration // time since some moment; nil means the real one
}

// Filter decides what peers may reach. Until SetPeers it knows nobody, and
// until SetHost it takes every address outside of the tunnel for the box's own.
type Filter struct {
	limits    Limits
	clock     func() time.Duration
	policy    atomic.Pointer[policy]
	total     atomic.Int64           // flows
	changes   atomic.Uint64          // see Changes
	strangers [reasons]atomic.Uint64 // drops that belong to no peer

	mu sync.Mutex // makes changes of policy one after another
}

// New makes a Filter that lets nothing through.
func New(cfg Config) (*Filter, error) {
	if cfg.Limits == (Limits{}) {
		cfg.Limits = DefaultLimits()
	}
	if l := cfg.Limits; l.Total < 1 || l.PerPeer < 1 || l.PerPeerHalfOpen < 1 {
		return nil, fmt.Errorf("making the packet filter: limits %+v: all must be positive", l)
	}
	if len(cfg.Addresses) == 0 {
		return nil, errors.New("making the packet filter: there is no address of the tunnel's own")
	}
	if cfg.Clock == nil {
		start := time.Now()
		cfg.Clock = func() time.Duration { return time.Since(start) }
	}
	f := &Filter{limits: cfg.Limits, clock: cfg.Clock}
	f.policy.Store(&policy{tunnel: slices.Clone(cfg.Addresses)})
	return f, nil
}

// sweepEvery is how long a flow may be remembered beyond its time.
const sweepEvery = 5 * time.Second

// Run forgets what was quiet for too long, until ctx ends.
func (f *Filter) Run(ctx context.Context) error {
	t := time.NewTicker(sweepEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
			f.sweep()
		}
	}
}

func (f *Filter) sweep() {
	now := f.clock()
	for _, m := range f.policy.Load().ids {
		m.mu.Lock()
		m.table.sweep(now)
		m.pieces.sweep(now)
		m.mu.Unlock()
	}
}

// check says what is wrong with p by itself.
func (p *Peer) check() error {
	if err := p.Access.Check(); err != nil {
		return fmt.Errorf("peer %v: access: %w", p.ID, err)
	}
	for _, a := range p.Addresses {
		if !a.IsValid() || a.Zone() != "" || isDisguised(a) || isSpecial(a) {
			return fmt.Errorf("peer %v: %v is no address for a peer", p.ID, a)
		}
	}
	return nil
}

// add makes m known by the name and the addresses that the i-th of list has.
// Whether they were known already, the size of the map says: looking first would
// double what a thousand peers cost.
func (p *policy) add(m *member, list []Peer, i int) error {
	peer, before := &list[i], len(p.ids)
	if p.ids[peer.ID] = m; len(p.ids) == before {
		return fmt.Errorf("peer %v occurs twice", peer.ID)
	}
	for _, a := range peer.Addresses {
		before := len(p.peers)
		if p.peers[a] = m; len(p.peers) == before {
			other := slices.IndexFunc(list, func(o Peer) bool { return slices.Contains(o.Addresses, a) })
			return fmt.Errorf("address %v is given to %v and to %v", a, list[other].ID, peer.ID)
		}
	}
	return nil
}

// SetPeers makes the given peers the only ones, with the given access. A list
// with a mistake changes nothing. When it returns, open flows that are no
// longer allowed have ended; the others go on.
func (f *Filter) SetPeers(list []Peer) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	old := f.policy.Load()
	next := &policy{tunnel: old.tunnel, host: old.host, look: old.look, peers: make(map[netip.Addr]*member, 2*len(list)), ids: make(map[ID]*member, len(list))}
	type turn struct {
		member  *member
		wanted  *Peer // nil: it stays as it is
		is      bool  // there already
		recheck bool
	}
	turns := make([]turn, len(list))
	for i := range list {
		p := &list[i]
		m, is := old.ids[p.ID]
		if !is {
			m = &member{id: p.ID, table: table{limits: f.limits, total: &f.total}}
		}
		same := is && m.is(p) // and was checked then
		err := next.add(m, list, i)
		if err == nil && !same {
			err = p.check()
		}
		if err != nil {
			return fmt.Errorf("setting the filter's peers: %w", err)
		}
		turns[i] = turn{member: m, is: is, recheck: p.Access.Peers} // what leads to other peers ends when those leave
		if !same {
			own := Peer{p.ID, slices.Clone(p.Addresses), p.Access.clone()}
			turns[i].wanted, turns[i].recheck = &own, true
		}
	}
	f.policy.Store(next)
	for _, t := range turns {
		if t.is && t.wanted != nil {
			f.changes.Add(1)
		}
		t.member.follow(next, t.wanted, t.recheck)
	}
	for id, m := range old.ids {
		if next.ids[id] == nil {
			m.leave()
		}
	}
	return nil
}

// is says whether m is already what p says. Only changes of policy write what
// it reads, and these come one after another.
func (m *member) is(p *Peer) bool {
	return slices.Equal(m.addresses, p.Addresses) && m.access.equal(&p.Access)
}

// SetHost says where the box is at home. When it returns, open flows that are
// no longer allowed have ended.
func (f *Filter) SetHost(h Host) {
	f.mu.Lock()
	defer f.mu.Unlock()
	old := f.policy.Load()
	if old.host != nil && old.host.equal(&h) {
		return
	}
	next := *old
	next.host = newHost(h)
	f.changes.Add(1)
	f.publish(&next)
}

// Flow is one flow of a peer, as the planes know it.
type Flow struct {
	Peer     netip.Addr // who opened it
	Remote   netip.AddrPort
	Protocol uint8 // of the upper layer, by its IANA number
}

// Allows says whether fl may be open now.
func (f *Filter) Allows(fl Flow) bool {
	p := f.policy.Load()
	m := p.peers[fl.Peer]
	if m == nil {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	k := key{self: fl.Peer, remote: fl.Remote.Addr(), remotePort: fl.Remote.Port(), proto: uint32(fl.Protocol)}
	return m.policy != nil && m.policy.decide(m, &k) == passed
}

// Changes counts changes of what peers may reach. Peers that come or go don't
// count. The same number means: Allows says of the same peers what it said.
func (f *Filter) Changes() uint64 { return f.changes.Load() }

// publish makes next, with the members of before, the policy: first for new packets,
// then for the flows that are open.
func (f *Filter) publish(next *policy) {
	f.policy.Store(next)
	for _, m := range next.ids {
		m.follow(next, nil, true)
	}
}

// isForeign says that a is a peer's address and not that of the one meant.
func (p *policy) isForeign(a, meant netip.Addr) bool { return a != meant && p.peers[a] != nil }
