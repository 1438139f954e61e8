package netstack

import (
	"encoding/binary"
	"math"

	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"homeward/tunnel/internal/segment"
)

// cutter makes segments of the stack's packets. Those that follow each other in
// one stream are joined first, so that the segments are full.
type cutter struct {
	taken [segment.Batch]*stack.PacketBuffer
	n     int // of taken
	runs  [segment.Batch]chain
	count int // of runs
	at    int // the run that is handed out

	large   segment.Large
	cutting bool // the run at the turn
}

// chain is one packet of the stack, or several that follow each other.
type chain struct {
	ip, tcp []byte   // headers; those of the newest packet
	first   [4]byte  // sequence number of the oldest packet
	pieces  [][]byte // payload; of what is not to be cut, the whole packet
	size    int      // of the payload
	mss     int      // 0: not to be cut
}

func (c *cutter) empty() bool { return c.at == c.count }

// fill waits for packets; it says no when the queue is closed.
func (c *cutter) fill(q *queue) bool {
	c.n = q.take(c.taken[:], segment.Batch)
	c.at, c.count, c.cutting = 0, 0, false
	for _, p := range c.taken[:c.n] {
		c.add(p)
	}
	return c.n > 0
}

// add puts p behind the chain that it continues, or begins one.
func (c *cutter) add(p *stack.PacketBuffer) {
	next := &c.runs[c.count]
	next.begin(p)
	for i := c.count - 1; i >= 0 && next.mss > 0; i-- {
		before := &c.runs[i]
		if before.sameStream(next) {
			if before.join(next) {
				return
			}
			break // nothing overtakes what came before
		}
	}
	c.count++
}

func (r *chain) begin(p *stack.PacketBuffer) {
	*r = chain{pieces: r.pieces[:0], mss: gsoMSS(p)}
	skip := 0
	if r.mss > 0 {
		r.ip, r.tcp, r.size = p.NetworkHeader().Slice(), p.TransportHeader().Slice(), p.Data().Size()
		skip = p.HeaderSize()
		copy(r.first[:], r.tcp[4:])
	}
	for _, s := range p.AsSlices() {
		if skip >= len(s) {
			skip -= len(s)
			continue
		}
		r.pieces = append(r.pieces, s[skip:])
		skip = 0
	}
}

func (r *chain) sameStream(n *chain) bool {
	return r.mss > 0 && len(r.ip) == len(n.ip) && string(r.tcp[:4]) == string(n.tcp[:4]) && string(r.addresses()) == string(n.addresses())
}

func (r *chain) addresses() []byte {
	if len(r.ip) == header.IPv6MinimumSize {
		return r.ip[8:]
	}
	return r.ip[12:]
}

// join takes n, of the same stream, if it follows.
func (r *chain) join(n *chain) bool {
	const plain = byte(header.TCPFlagAck)
	flags := func(c *chain) byte { return c.tcp[13] &^ byte(header.TCPFlagPsh) }
	if r.mss != n.mss || r.size == 0 || n.size == 0 || len(r.tcp) != len(n.tcp) || r.ip[1] != n.ip[1] || flags(r) != plain || flags(n) != plain ||
		binary.BigEndian.Uint32(r.first[:])+uint32(r.size) != binary.BigEndian.Uint32(n.tcp[4:]) {
		return false
	}
	r.ip, r.tcp = n.ip, n.tcp
	r.size += n.size
	r.pieces = append(r.pieces, n.pieces...)
	return true
}

// handOut writes what comes next, as far as bufs reach.
func (c *cutter) handOut(bufs [][]byte, sizes []int, offset int) int {
	n := 0
	for n < len(bufs) && !c.empty() {
		b := bufs[n][offset:]
		if c.cutting {
			sizes[n] = c.large.Next(b)
			if c.cutting = c.large.Count() > 0 && sizes[n] > 0; !c.cutting {
				c.at++
			}
		} else {
			r := &c.runs[c.at]
			if r.mss > 0 {
				copy(r.tcp[4:], r.first[:])
				if c.cutting = c.large.Begin(r.ip, r.tcp, r.pieces, r.mss); !c.cutting {
					c.at++ // nothing that could be sent: TCP will send it again
				}
				continue
			}
			sizes[n] = r.whole(b)
			c.at++
		}
		if sizes[n] > 0 {
			n++
		}
	}
	if c.empty() {
		c.release()
	}
	return n
}

// whole writes a packet that is not to be cut.
func (r *chain) whole(b []byte) int {
	n := 0
	for _, p := range r.pieces {
		n += copy(b[n:], p)
	}
	return n
}

// release gives the packets back.
func (c *cutter) release() {
	for i := range c.runs[:c.count] {
		r := &c.runs[i]
		clear(r.pieces)
		*r = chain{pieces: r.pieces[:0]}
	}
	for i, p := range c.taken[:c.n] {
		p.DecRef()
		c.taken[i] = nil
	}
	c.at, c.count, c.n = 0, 0, 0
}

// gsoMSS is the size of the segments that p is to be cut into; 0 says that it is
// whole. The stack leaves the checksum to us even where there is nothing to cut.
func gsoMSS(p *stack.PacketBuffer) int {
	switch o := p.GSOOptions; {
	case o.Type != stack.GSOTCPv4 && o.Type != stack.GSOTCPv6:
		return 0
	case o.MSS == 0: // the handshake
		return math.MaxUint16
	default:
		return int(o.MSS)
	}
}

// segments is how many packets p becomes.
func segments(p *stack.PacketBuffer) int {
	mss := gsoMSS(p)
	if mss == 0 {
		return 1
	}
	return max(1, (p.Data().Size()+mss-1)/mss)
}
