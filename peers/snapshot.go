package peers

import (
	"cmp"
	"iter"
	"slices"
	"time"
)

// snapshot is immutable: readers take it without waiting for a writer.
type snapshot struct {
	sorted []Peer // by name
	byID   map[ID]Peer
}

// newSnapshot works out each peer's State from the versions that the device took.
func newSnapshot(peers iter.Seq[Peer], applied map[ID]int64, now time.Time) *snapshot {
	s := &snapshot{byID: make(map[ID]Peer)}
	for p := range peers {
		p.State = stateOf(p, applied, now)
		s.byID[p.ID] = p
		s.sorted = append(s.sorted, p)
	}
	slices.SortFunc(s.sorted, func(a, b Peer) int {
		return cmp.Or(cmp.Compare(a.folded, b.folded), cmp.Compare(a.ID, b.ID))
	})
	return s
}

func stateOf(p Peer, applied map[ID]int64, now time.Time) State {
	version, in := applied[p.ID]
	switch {
	case p.wanted(now) && in && version == p.Version:
		return Active
	case p.wanted(now) || in:
		return Pending
	case !p.Enabled:
		return Disabled
	}
	return Expired
}
