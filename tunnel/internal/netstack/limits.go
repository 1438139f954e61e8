package netstack

import (
	"fmt"
	"time"
)

// Limits bounds what peers can make the plane hold at one time, in total and
// for one peer address. The defaults suit a board with 512 MiB of memory, half
// of it ours, in ordinary use; a flow of TCP costs at most two buffers of 32 KiB
// of our own besides what the stack queues for it, one of UDP some KiB.
type Limits struct {
	// Dials are TCP connections that the host has not established yet.
	Dials, DialsPerSource int
	// TCP are connections of any state, those being dialled included.
	TCP, TCPPerSource int
	// UDP are flows by source and destination address and port.
	UDP, UDPPerSource int
	// Echoes are ping flows by source, destination and identifier.
	Echoes, EchoesPerSource int
	// Buffer is what the stack queues for a TCP connection at most, each way, in bytes.
	Buffer int
}

// DefaultLimits returns the Limits of a process that may use defaultMemory.
func DefaultLimits() Limits {
	return Limits{
		Dials: 256, DialsPerSource: 64,
		TCP: 4096, TCPPerSource: 1024,
		UDP: 2048, UDPPerSource: 512,
		Echoes: 256, EchoesPerSource: 32,
		Buffer: 4 << 20, // 300 Mb/s at 100 ms
	}
}

const defaultMemory = 256 << 20

// LimitsFor returns the Limits of a process that may use so many bytes: a
// quarter of the defaults at least, and four times as much at most.
func LimitsFor(memory int64) Limits {
	if memory == 0 {
		memory = defaultMemory
	}
	memory = min(max(memory, defaultMemory/4), defaultMemory*4)
	l := DefaultLimits()
	for _, n := range []*int{&l.Dials, &l.DialsPerSource, &l.TCP, &l.TCPPerSource, &l.UDP, &l.UDPPerSource, &l.Echoes, &l.EchoesPerSource} {
		*n = int(int64(*n) * memory / defaultMemory)
	}
	l.Buffer = min(l.Buffer, int(memory/64))
	return l
}

// String says them in a few words.
func (l Limits) String() string {
	return fmt.Sprintf("TCP %d (%d a device), being opened %d (%d), UDP %d (%d), ping %d (%d)",
		l.TCP, l.TCPPerSource, l.Dials, l.DialsPerSource, l.UDP, l.UDPPerSource, l.Echoes, l.EchoesPerSource)
}

const (
	// dialTimeout is shorter than the patience of most clients (Linux gives up
	// after 130 s), so that a dead host does not hold a slot for long.
	dialTimeout = 15 * time.Second

	// handshakeTimeout bounds how long an inner handshake that the peer does not
	// finish holds its flow and the host's connection: three of the stack's own
	// repetitions. Alone, the stack would go on for two minutes.
	handshakeTimeout = 10 * time.Second

	udpIdle = 2 * time.Minute // RFC 4787, REQ-5: not less than two minutes
	// udpAsking is for flows that nobody has answered: a flood of them is gone
	// within a minute. The filter in front forgets them a little later.
	udpAsking = 50 * time.Second
	dnsIdle   = 30 * time.Second // one question, one answer
	echoIdle  = 30 * time.Second

	dnsPort = 53
)
