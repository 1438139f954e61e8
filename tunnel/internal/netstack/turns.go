package netstack

import (
	"hash/maphash"

	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

const (
	// turnFlows is how many flows are told apart. Those that fall together share
	// a turn, and keep their order.
	turnFlows = 256
	// turnBytes is what a flow may send at its turn: one of the stack's largest packets.
	turnBytes = 1 << 16
)

// turns keeps the packets of flows, and says whose turn it is: deficit round
// robin, in which flows that just began go before those that are at it
// (RFC 8290, section 4.1).
type turns struct {
	seed  maphash.Seed
	flows [turnFlows]flowTurn
	slots [queueLength]slot
	free  int16 // first of the slots without a packet
	begun list  // flows that just began
	at    list  // those that are at it
}

// slot is a packet and the next one of its flow, or of the free ones.
type slot struct {
	p    *stack.PacketBuffer
	next int16
}

// flowTurn is a flow's packets and its place among the others.
type flowTurn struct {
	first, last int16 // slots; none when there is no packet
	next        int16 // flow in the same list
	credit      int   // bytes that it may send before the others' turn
	listed      bool
}

// list is a row of flows.
type list struct{ first, last int16 }

// none ends a list.
const none = -1

func newTurns() turns {
	t := turns{seed: maphash.MakeSeed(), begun: list{none, none}, at: list{none, none}}
	for i := range t.slots {
		t.slots[i].next = int16(i) + 1
	}
	t.slots[queueLength-1].next = none
	for i := range t.flows {
		t.flows[i].first = none
	}
	return t
}

// of returns the flow that p belongs to: its addresses, protocol and, where those are
// to be seen, ports.
func (t *turns) of(p *stack.PacketBuffer) int {
	ip, rest := p.NetworkHeader().Slice(), p.TransportHeader().Slice()
	if len(ip) == 0 { // passed on from peer to peer, as it came
		ip, rest = apart(p)
	}
	var key [37]byte // two addresses, ports, protocol
	switch {
	case len(ip) < header.IPv4MinimumSize:
		return 0
	case header.IPVersion(ip) == header.IPv4Version:
		copy(key[:], ip[12:20])
		key[36] = ip[9]
	case len(ip) >= header.IPv6MinimumSize:
		copy(key[:], ip[8:40])
		key[36] = ip[6]
	}
	if proto := key[36]; (proto == uint8(header.TCPProtocolNumber) || proto == uint8(header.UDPProtocolNumber)) && len(rest) >= 4 {
		copy(key[32:36], rest)
	}
	return int(maphash.Bytes(t.seed, key[:]) % turnFlows)
}

// apart finds the two headers of a packet that nobody has parsed. Behind options, and
// in all fragments but the first, it finds no second one.
func apart(p *stack.PacketBuffer) (ip, rest []byte) {
	pieces := p.AsSlices()
	if len(pieces) == 0 {
		return nil, nil
	}
	b := pieces[0]
	switch size := len(b); {
	case size >= header.IPv4MinimumSize && b[0] == header.IPv4Version<<4|header.IPv4MinimumSize/4:
		if header.IPv4(b).FragmentOffset() == 0 {
			rest = b[header.IPv4MinimumSize:]
		}
	case size >= header.IPv6MinimumSize && header.IPVersion(b) == header.IPv6Version:
		rest = b[header.IPv6MinimumSize:]
	}
	return b, rest
}

// has says whether the flow has packets here.
func (t *turns) has(flow int) bool { return t.flows[flow].first != none }

// push adds a packet to its flow. There has to be a free slot.
func (t *turns) push(flow int, p *stack.PacketBuffer) {
	i := t.free
	t.free = t.slots[i].next
	t.slots[i] = slot{p, none}
	f := &t.flows[flow]
	if f.first == none {
		f.first = i
	} else {
		t.slots[f.last].next = i
	}
	f.last = i
	if !f.listed {
		f.listed, f.credit = true, turnBytes
		t.append(&t.begun, int16(flow))
	}
}

// next returns the packet whose turn it is. There has to be one.
func (t *turns) next() *stack.PacketBuffer {
	for {
		from := &t.begun
		if from.first == none {
			from = &t.at
		}
		flow := from.first
		f := &t.flows[flow]
		switch {
		case f.credit <= 0:
			f.credit += turnBytes
		case f.first != none:
			return t.slots[f.first].p
		case from == &t.at || t.at.first == none:
			t.shift(from)
			f.listed = false
			continue
		}
		// A flow that ran out goes through the others' row once, so that it
		// cannot always be a new one.
		t.shift(from)
		t.append(&t.at, flow)
	}
}

// pop takes the packet that next returned.
func (t *turns) pop() *stack.PacketBuffer {
	from := &t.begun
	if from.first == none {
		from = &t.at
	}
	f := &t.flows[from.first]
	i := f.first
	p := t.slots[i].p
	f.first = t.slots[i].next
	f.credit -= p.Size()
	t.slots[i] = slot{next: t.free}
	t.free = i
	return p
}

func (t *turns) append(l *list, flow int16) {
	t.flows[flow].next = none
	if l.first == none {
		l.first = flow
	} else {
		t.flows[l.last].next = flow
	}
	l.last = flow
}

func (t *turns) shift(l *list) { l.first = t.flows[l.first].next }
