package filter

import (
	"encoding/binary"
	"time"
)

// Large tells whether large packets reach a peer: somewhere on many a way they
// don't while small ones do, and nobody says so (a black hole, RFC 2923). One TCP
// segment at a time is watched until the peer has confirmed it.
type Large struct {
	Passed   uint64 // confirmed by the peer
	Repeated uint64 // sent again, since it was not
}

const (
	// largeSize is the size of packets, in bytes, that a narrow way may lose: with
	// WireGuard's headers around them, 1,280 is what every IPv6 link takes.
	largeSize = 1100
	// watchEvery is how often a segment is watched where they pass.
	watchEvery = time.Second
	// watchLongest is how long one may be unconfirmed before another is watched.
	watchLongest = 20 * time.Second
)

// watch is the segment that is watched.
type watch struct {
	Large
	fl         *flow // nil: none
	first, end uint32
	next       time.Duration // when another one may be watched
}

// note looks at a packet of fl that the peer has sent or gets. Only flows that
// the peer opened are looked at.
func (w *watch) note(fl *flow, p *packet, dir direction, now time.Duration) {
	switch {
	case dir == fromPeer:
		if fl == w.fl {
			w.confirm(p, now)
		}
	case p.size >= largeSize && (fl == w.fl || now >= w.next):
		w.send(fl, p, now)
	}
}

// confirm looks whether a packet from the peer says that the segment has arrived.
func (w *watch) confirm(p *packet, now time.Duration) {
	if p.frag.is() || p.flags&tcpACK == 0 || len(p.body) < headerTCP {
		return
	}
	if int32(binary.BigEndian.Uint32(p.body[8:])-w.end) >= 0 {
		w.Passed++
		w.fl, w.next = nil, now+watchEvery
	}
}

// send counts the watched segment when it is sent again, and begins to watch one.
func (w *watch) send(fl *flow, p *packet, now time.Duration) {
	if p.proto != protoTCP || p.frag.is() || len(p.body) < headerTCP {
		return
	}
	first := binary.BigEndian.Uint32(p.body[4:])
	if fl == w.fl && first == w.first {
		w.Repeated++
		return
	}
	if now < w.next {
		return
	}
	data := len(p.body) - int(p.body[12]>>4)*4
	w.fl, w.first, w.end, w.next = fl, first, first+uint32(data), now+watchLongest
}
