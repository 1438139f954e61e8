package filter

import (
	"net/netip"
	"slices"
	"time"
)

const (
	maxDatagrams = 32               // in pieces at one time, of one peer
	maxPieces    = 8                // separate runs of one datagram
	datagramLife = 30 * time.Second // RFC 1122, section 3.3.2, asks for 60 at most
)

// datagram is one that comes in fragments, whose first one has passed.
type datagram struct {
	dir      direction
	src, dst netip.Addr
	proto    uint8 // IPv4 only: its identifiers are counted by protocol
	id       uint32
	flow     *flow
	opener   bool // its sender has opened the flow
	began    time.Duration
	end      int // of the whole, once the last fragment came
	seen     []span
}

// span is a run of bytes that came, from inclusive, to exclusive.
type span struct{ from, to int }

// datagrams remembers the flows to which later fragments belong, oldest first.
type datagrams []*datagram

func (p *packet) fragmentProto() uint8 {
	if p.src.Is4() {
		return p.proto
	}
	return 0
}

func (ds *datagrams) find(dir direction, p *packet, now time.Duration) *datagram {
	ds.sweep(now)
	for _, d := range *ds {
		if d.id == p.frag.id && d.dir == dir && d.src == p.src && d.dst == p.dst && d.proto == p.fragmentProto() {
			return d
		}
	}
	return nil
}

// begin remembers the flow of a first fragment.
func (ds *datagrams) begin(dir direction, p *packet, fl *flow, opener bool, now time.Duration) Reason {
	if ds.find(dir, p, now) != nil {
		return Fragmented // a second beginning would overlap the first
	}
	if len(*ds) >= maxDatagrams {
		ds.remove((*ds)[0])
	}
	*ds = append(*ds, &datagram{
		dir: dir, src: p.src, dst: p.dst, proto: p.fragmentProto(), id: p.frag.id,
		flow: fl, opener: opener, began: now, seen: []span{{0, p.frag.to}},
	})
	return passed
}

// next says whether a later fragment belongs to d and overlaps nothing.
func (ds *datagrams) next(d *datagram, f *fragment) Reason {
	if d.flow.gone || d.end > 0 && (f.to > d.end || !f.more) || !f.more && f.to < d.seen[len(d.seen)-1].to {
		return Fragmented
	}
	at, _ := slices.BinarySearchFunc(d.seen, f.from, func(s span, from int) int { return s.from - from })
	if at == 0 || d.seen[at-1].to > f.from || at < len(d.seen) && d.seen[at].from < f.to {
		return Fragmented
	}
	if !d.join(at, f) {
		return Fragmented
	}
	if !f.more {
		d.end = f.to
	}
	if d.end > 0 && len(d.seen) == 1 {
		ds.remove(d) // complete: the identifier may be used again
	}
	return passed
}

// join adds f before the run with index at, which is not the first.
func (d *datagram) join(at int, f *fragment) bool {
	before, touches := &d.seen[at-1], at < len(d.seen) && d.seen[at].from == f.to
	switch {
	case before.to == f.from && touches:
		before.to = d.seen[at].to
		d.seen = slices.Delete(d.seen, at, at+1)
	case before.to == f.from:
		before.to = f.to
	case touches:
		d.seen[at].from = f.from
	case len(d.seen) >= maxPieces:
		return false
	default:
		d.seen = slices.Insert(d.seen, at, span{f.from, f.to})
	}
	return true
}

func (ds *datagrams) remove(d *datagram) {
	*ds = slices.DeleteFunc(*ds, func(o *datagram) bool { return o == d })
	if len(*ds) == 0 {
		*ds = nil
	}
}

// sweep forgets datagrams that did not become whole in time.
func (ds *datagrams) sweep(now time.Duration) {
	for len(*ds) > 0 && now-(*ds)[0].began > datagramLife {
		ds.remove((*ds)[0])
	}
}
