package netstack

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"homeward/tunnel/internal/plane"
)

// A client that opens many connections to one server uses a port again before
// the stack has forgotten the connection that used it before.
func TestAPortIsUsedAgainAtOnce(t *testing.T) {
	server := listen(t, func(*net.TCPConn) {}) // closes first: the stack waits in TIME_WAIT
	p, err := open(plane.Config{Addresses: prefixes("10.66.0.1/24"), MTU: 1412, Logger: slog.New(slog.DiscardHandler)}, options{
		limits: DefaultLimits(), dialable: func(netip.Addr) error { return nil },
		dial: func(ctx context.Context, network string, _ netip.AddrPort) (net.Conn, error) {
			return toLoopback(ctx, network, server)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	answers := make(chan header.TCP, 16)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		bufs, sizes := [][]byte{make([]byte, 2000)}, []int{0}
		for {
			if _, err := p.device.Read(bufs, sizes, 0); err != nil {
				return
			}
			answers <- header.TCP(append([]byte(nil), bufs[0][header.IPv4MinimumSize:sizes[0]]...))
		}
	}()
	defer func() { p.device.Close(); p.Close(); <-ended }()
	send := func(seq, ack uint32, flags header.TCPFlags) {
		p.device.Write([][]byte{tcpPacket(seq, ack, flags)}, 0)
	}
	await := func(round int, flags header.TCPFlags) header.TCP {
		late := time.After(timeWait * 8 / 10)
		for {
			select {
			case a := <-answers:
				if a.Flags() == flags {
					return a
				}
			case <-late:
				t.Fatalf("connection %d: no %v", round, flags)
			}
		}
	}
	id := stack.TransportEndpointID{LocalAddress: stackAddr(away), LocalPort: 80, RemoteAddress: stackAddr(netip.MustParseAddr("10.66.0.2")), RemotePort: 40000}
	for round := range 4 {
		first := uint32(1 + 100_000*round)
		send(first, 0, header.TCPFlagSyn)
		opened := await(round, header.TCPFlagSyn|header.TCPFlagAck)
		send(first+1, opened.SequenceNumber()+1, header.TCPFlagAck)
		ending := await(round, header.TCPFlagFin|header.TCPFlagAck)
		send(first+1, ending.SequenceNumber()+1, header.TCPFlagFin|header.TCPFlagAck)
		await(round, header.TCPFlagAck)
		for p.flows.find(flowKey{flowTCP, id}) != nil {
			time.Sleep(time.Millisecond) // a client's next SYN takes longer
		}
	}
}
