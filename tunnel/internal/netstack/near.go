package netstack

import (
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
)

const (
	// near is the round trip up to which a peer is near.
	near = 10 * time.Millisecond
	// nearBuffer is what is sent ahead to a near peer, in bytes: 1.6 Gb/s at the
	// longest such round trip. More would only lie in queues.
	nearBuffer = 2 << 20
)

// suitNear fits a connection whose handshake has shown that the peer is near.
//
// The stack's Cubic begins with HyStart, which takes a round trip that grows by
// half of itself for a full line, and grows by a segment in two round trips from
// then on. On a short way our own batches take as long as that: the window is
// still small, and stays so for seconds. Reno begins without it. On a short way
// Cubic would go by Reno's window later on, too (RFC 9438, section 4.3).
func suitNear(ep tcpip.Endpoint, s *stack.Stack) {
	var seen tcpip.TCPInfoOption
	if ep.GetSockOpt(&seen) != nil || seen.RTT == 0 || seen.RTT > near {
		return
	}
	reno := tcpip.CongestionControlOption("reno")
	if ep.SetSockOpt(&reno) != nil { // every stack has it
		return
	}
	ep.SocketOptions().SetSendBufferSize(min(nearBuffer, int64(tcp.GetTCPSendBufferLimits(s).Max)), true)
}
