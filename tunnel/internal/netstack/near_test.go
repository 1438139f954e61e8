package netstack

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"

	"homeward/tunnel/internal/plane"
)

// shake opens a connection from a port of the peer's that answers after a while,
// and returns how the stack sends on it.
func shake(t *testing.T, p *Plane, port uint16, after time.Duration) (congestion string, buffer int64) {
	t.Helper()
	peer := netip.MustParseAddr("10.66.0.2")
	p.device.Write([][]byte{tcpPacketOf(peer, away, port, 1, 0, header.TCPFlagSyn)}, 0)
	next := awaitSegment(t, p, port, func(h header.TCP) bool { return h.Flags() == header.TCPFlagSyn|header.TCPFlagAck }) + 1
	time.Sleep(after)
	p.device.Write([][]byte{tcpPacketOf(peer, away, port, 2, next, header.TCPFlagAck)}, 0)
	id := stack.TransportEndpointID{LocalPort: 80, LocalAddress: stackAddr(away), RemotePort: port, RemoteAddress: stackAddr(peer)}
	// The host's first byte is sent when all is set.
	awaitSegment(t, p, port, func(h header.TCP) bool { return len(h) > int(h.DataOffset()) })
	ep, ok := p.stack.FindTransportEndpoint(header.IPv4ProtocolNumber, tcp.ProtocolNumber, id, nicID).(*tcp.Endpoint)
	if !ok {
		t.Fatal("there is no connection")
	}
	var cc tcpip.CongestionControlOption
	if err := ep.GetSockOpt(&cc); err != nil {
		t.Fatal(err)
	}
	return string(cc), ep.SocketOptions().GetSendBufferSize()
}

// awaitSegment reads until the stack sends a segment to the port that is meant,
// and returns its sequence number. Others may come from connections before.
func awaitSegment(t *testing.T, p *Plane, port uint16, meant func(header.TCP) bool) uint32 {
	t.Helper()
	buf, sizes := [][]byte{make([]byte, 2000)}, []int{0}
	for {
		if _, err := p.device.Read(buf, sizes, 0); err != nil {
			t.Fatal(err)
		}
		if h := header.TCP(buf[0][header.IPv4MinimumSize:sizes[0]]); h.DestinationPort() == port && meant(h) {
			return h.SequenceNumber()
		}
	}
}

func TestTheWayToANearPeerIsFilledAtOnce(t *testing.T) {
	end := make(chan struct{})
	server := listen(t, func(c *net.TCPConn) { c.Write([]byte{1}); <-end })
	defer close(end)
	p, err := open(plane.Config{Addresses: prefixes("10.66.0.1/24"), MTU: 1412, Logger: slog.New(slog.DiscardHandler)}, options{
		limits: DefaultLimits(), dialable: func(netip.Addr) error { return nil },
		dial: func(ctx context.Context, network string, _ netip.AddrPort) (net.Conn, error) {
			return toLoopback(ctx, network, server)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { p.device.Close(); p.Close() }()
	if cc, _ := shake(t, p, 40000, 5*near); cc != "cubic" {
		t.Errorf("to a peer that is far it is %s", cc)
	}
	// A machine with other things to do may make it seem far for once.
	port, began := uint16(40001), time.Now()
	for {
		cc, buffer := shake(t, p, port, 0)
		if cc == "reno" && buffer == nearBuffer {
			return
		}
		if port++; time.Since(began) > time.Minute {
			t.Fatalf("to a peer that is near it is %s with a buffer of %d bytes", cc, buffer)
		}
		p.CutFlows([]netip.Addr{netip.MustParseAddr("10.66.0.2")})
	}
}
