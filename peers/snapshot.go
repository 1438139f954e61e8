package peers

import (
	"cmp"
	"iter"
	"slices"
)

// snapshot is immutable: readers take it without waiting for a writer.
type snapshot struct {
	sorted []Peer // by name
	byID   map[ID]Peer
}

// newSnapshot works out each peer's State from the versions that the device took.
func newSnapshot(peers iter.Seq[Peer], applied map[ID]int64) *snapshot {
	type entry struct {
		Peer
		folded string
	}
	var entries []entry
	s := &snapshot{byID: make(map[ID]Peer)}
	for p := range peers {
		p.State = stateOf(p, applied)
		s.byID[p.ID] = p
		entries = append(entries, entry{p, p.Name.folded()})
	}
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.folded, b.folded), cmp.Compare(a.ID, b.ID))
	})
	for _, e := range entries {
		s.sorted = append(s.sorted, e.Peer)
	}
	return s
}

func stateOf(p Peer, applied map[ID]int64) State {
	version, in := applied[p.ID]
	switch {
	case p.Enabled && in && version == p.Version:
		return Active
	case !p.Enabled && !in:
		return Disabled
	}
	return Pending
}
