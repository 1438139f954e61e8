package filter

import (
	"bytes"
	"slices"
)

// Traffic counts what passed.
type Traffic struct{ Packets, Bytes uint64 }

// Drops counts what did not pass, by reason.
type Drops [reasons]uint64

// Of returns how many packets were dropped for r.
func (d Drops) Of(r Reason) uint64 {
	if r >= reasons {
		return 0
	}
	return d[r]
}

// Total returns how many packets were dropped.
func (d Drops) Total() uint64 {
	var n uint64
	for _, c := range d {
		n += c
	}
	return n
}

// PeerCounters is what was counted of one peer since it is there.
type PeerCounters struct {
	ID       ID
	FromPeer Traffic
	ToPeer   Traffic
	Drops    Drops
	Flows    int // open now
	Large    Large
}

// Snapshot is what was counted up to one moment. It never changes.
type Snapshot struct {
	Peers     []PeerCounters // by their IDs
	Strangers Drops          // packets that belong to no peer
	Flows     int            // open now, of all peers
}

// Snapshot returns the counters.
func (f *Filter) Snapshot() Snapshot {
	p := f.policy.Load()
	s := Snapshot{Peers: make([]PeerCounters, 0, len(p.ids)), Flows: int(f.total.Load())}
	for _, m := range p.ids {
		s.Peers = append(s.Peers, m.counters())
	}
	slices.SortFunc(s.Peers, func(a, b PeerCounters) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	for r := range s.Strangers {
		s.Strangers[r] = f.strangers[r].Load()
	}
	return s
}

func (m *member) counters() PeerCounters {
	m.mu.Lock()
	defer m.mu.Unlock()
	return PeerCounters{
		ID: m.id, FromPeer: m.counts.traffic[fromPeer], ToPeer: m.counts.traffic[toPeer],
		Drops: m.counts.drops, Flows: len(m.table.flows), Large: m.watch.Large,
	}
}
