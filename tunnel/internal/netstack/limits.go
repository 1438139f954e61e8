package netstack

import "time"

// Limits bounds what peers can make the plane hold at one time, in total and
// for one peer address. The defaults suit a board with 512 MiB of memory in
// ordinary use; a flow of TCP or UDP costs at most two buffers of 32 or 64 KiB
// of our own besides what the stack queues for it.
type Limits struct {
	// Dials are TCP connections that the host has not established yet.
	Dials, DialsPerSource int
	// TCP are connections of any state, those being dialled included.
	TCP, TCPPerSource int
	// UDP are flows by source and destination address and port.
	UDP, UDPPerSource int
	// Echoes are ping flows by source, destination and identifier.
	Echoes, EchoesPerSource int
}

// DefaultLimits returns the Limits that Open uses.
func DefaultLimits() Limits {
	return Limits{
		Dials: 256, DialsPerSource: 64,
		TCP: 4096, TCPPerSource: 1024,
		UDP: 2048, UDPPerSource: 512,
		Echoes: 256, EchoesPerSource: 32,
	}
}

const (
	// dialTimeout is shorter than the patience of most clients (Linux gives up
	// after 130 s), so that a dead host does not hold a slot for long.
	dialTimeout = 15 * time.Second

	udpIdle  = 2 * time.Minute  // RFC 4787, REQ-5: not less than two minutes
	dnsIdle  = 30 * time.Second // one question, one answer
	echoIdle = 30 * time.Second

	dnsPort = 53
)
