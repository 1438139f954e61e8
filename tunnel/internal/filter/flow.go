package filter

import (
	"net/netip"
	"time"
)

// key tells the flows of a peer apart. self is an address of the peer that
// opened the flow. All fields together have no gap, so that hashing is one pass.
type key struct {
	self, remote         netip.Addr
	selfPort, remotePort uint16
	proto                uint32
}

// forwardKey is that of the flow to which p belongs if its opener sent it.
func (p *packet) forwardKey() key {
	return key{self: p.src, remote: p.dst, selfPort: p.srcPort, remotePort: p.dstPort, proto: uint32(p.proto)}
}

// replyKey is that of the flow to which p belongs if it answers its opener.
func (p *packet) replyKey() key {
	return key{self: p.dst, remote: p.src, selfPort: p.dstPort, remotePort: p.srcPort, proto: uint32(p.proto)}
}

// phase is how far a flow has come. It decides how long the flow is kept
// without a packet, and which flows go first when there are too many.
type phase uint8

const (
	opening     phase = iota // TCP before the third packet of the handshake
	asking                   // UDP and others that nobody answered
	short                    // DNS and echo: one question, one answer
	closing                  // TCP after both ends or a reset
	talking                  // UDP and others, answered
	established              // TCP
	phases
)

// idle is how long a flow without packets is remembered, by phase. These are
// longer than what the netstack plane waits for: it must be the first to end.
var idle = [phases]time.Duration{
	opening:     30 * time.Second,
	asking:      time.Minute,
	short:       35 * time.Second,
	closing:     15 * time.Second,
	talking:     3 * time.Minute,   // RFC 4787, REQ-5: not less than two
	established: 130 * time.Minute, // RFC 5382, REQ-5: not less than 124
}

// disposable phases go first when there are too many flows.
func (ph phase) disposable() bool { return ph <= closing }

// flow is one entry of a table.
type flow struct {
	key
	seen       time.Duration // of the last packet, to within touchEvery
	phase      phase
	answered   bool
	ended      [2]bool // TCP: a FIN from the opener, from the other side
	gone       bool    // no longer in the table
	prev, next *flow   // in the queue of its phase
}

// has says whether p, which the flow's opener sent or not, belongs to it.
func (fl *flow) has(p *packet, opener bool) bool {
	if fl.proto != uint32(p.proto) {
		return false
	}
	if opener {
		return fl.selfPort == p.srcPort && fl.remotePort == p.dstPort && fl.self == p.src && fl.remote == p.dst
	}
	return fl.selfPort == p.dstPort && fl.remotePort == p.srcPort && fl.self == p.dst && fl.remote == p.src
}

// dnsPort is where names are looked up.
const dnsPort = 53

// firstPhase is that of a new flow.
func (k *key) firstPhase() phase {
	switch {
	case k.proto == protoTCP:
		return opening
	case k.proto == protoICMP || k.proto == protoICMPv6, k.proto == protoUDP && k.remotePort == dnsPort:
		return short
	}
	return asking
}

// Flags of TCP.
const (
	tcpFIN = 0x01
	tcpSYN = 0x02
	tcpRST = 0x04
	tcpACK = 0x10
)

// after says in which phase the flow is after p, which its opener sent or not.
func (fl *flow) after(p *packet, opener bool) phase {
	if !opener {
		fl.answered = true
	}
	switch {
	case fl.proto == protoTCP:
		return fl.afterTCP(p.flags, opener)
	case fl.phase == asking && fl.answered:
		return talking
	}
	return fl.phase
}

// afterTCP follows a connection as far as its lifetime needs it. Sequence
// numbers are left to both ends.
func (fl *flow) afterTCP(flags uint8, opener bool) phase {
	switch {
	case flags&tcpRST != 0:
		return closing
	case opener && flags&(tcpSYN|tcpACK) == tcpSYN && fl.phase == closing:
		fl.answered, fl.ended = false, [2]bool{}
		return opening // the same ports again
	case flags&tcpFIN != 0:
		side := 0
		if !opener {
			side = 1
		}
		fl.ended[side] = true
		if fl.ended[0] && fl.ended[1] {
			return closing
		}
	}
	if fl.phase == opening && opener && fl.answered && flags&tcpACK != 0 {
		return established
	}
	return fl.phase
}
