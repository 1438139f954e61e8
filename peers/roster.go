package peers

import (
	"cmp"
	"slices"
	"time"
)

// roster is all peers, in two orders. It is immutable, and so are the peers behind
// its pointers: another one shares all peers but those that differ.
type roster struct {
	byID   []*Peer
	byName []*Peer
}

func newRoster(all []Peer) roster {
	r := roster{make([]*Peer, 0, len(all)), nil}
	for _, p := range all {
		r.byID = append(r.byID, &p)
	}
	slices.SortFunc(r.byID, func(a, b *Peer) int { return cmp.Compare(a.ID, b.ID) })
	r.byName = slices.Clone(r.byID)
	slices.SortFunc(r.byName, compareNames)
	return r
}

func compareNames(a, b *Peer) int {
	return cmp.Or(cmp.Compare(a.folded, b.folded), cmp.Compare(a.ID, b.ID))
}

func compareID(p *Peer, id ID) int { return cmp.Compare(p.ID, id) }

// get returns the peer of that number.
func (r roster) get(id ID) (Peer, bool) {
	i, ok := slices.BinarySearchFunc(r.byID, id, compareID)
	if !ok {
		return Peer{}, false
	}
	return *r.byID[i], true
}

// with is r with p, in the place of the peer of the same number if there is one.
func (r roster) with(p Peer) roster {
	r = r.without(p.ID)
	i, _ := slices.BinarySearchFunc(r.byID, p.ID, compareID)
	r.byID = slices.Insert(r.byID, i, &p)
	i, _ = slices.BinarySearchFunc(r.byName, &p, compareNames)
	r.byName = slices.Insert(r.byName, i, &p)
	return r
}

// without is a copy of r without the peer of that number.
func (r roster) without(id ID) roster {
	other := func(p *Peer) bool { return p.ID != id }
	return roster{filter(r.byID, other), filter(r.byName, other)}
}

// filter copies what is kept, with room for one more.
func filter(list []*Peer, keep func(*Peer) bool) []*Peer {
	out := make([]*Peer, 0, len(list)+1)
	for _, p := range list {
		if keep(p) {
			out = append(out, p)
		}
	}
	return out
}

// snapshot is what readers see, without waiting for a writer. It is immutable.
type snapshot struct {
	roster
	lastID  ID           // the greatest that was ever given
	applied map[ID]int64 // versions of the peers that the device took last
	leaving map[ID]time.Time
}

// state says whether what is wanted of p is true in the device.
func (s *snapshot) state(p Peer, now time.Time) State {
	version, in := s.applied[p.ID]
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
