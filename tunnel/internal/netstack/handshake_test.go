package netstack

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"time"

	"homeward/tunnel/internal/plane"
)

// A device that is removed while its handshake is under way never finishes it.
func TestCutEndsAHandshakeThatThePeerLeft(t *testing.T) {
	server := listen(t, func(c *net.TCPConn) { c.Read(make([]byte, 1)) })
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
	p.device.Write([][]byte{synPacket()}, 0)
	// The SYN-ACK says that the handshake is under way.
	buf, sizes := [][]byte{make([]byte, 2000)}, []int{0}
	if n, err := p.device.Read(buf, sizes, 0); n != 1 || err != nil || buf[0][33]&0x12 != 0x12 {
		t.Fatalf("read %d, %v, %x", n, err, buf[0][:sizes[0]])
	}
	p.CutFlows([]netip.Addr{netip.MustParseAddr("10.66.0.2")})
	for began := time.Now(); ; time.Sleep(time.Millisecond) {
		p.flows.mu.Lock()
		left := p.flows.total
		p.flows.mu.Unlock()
		if left == (counts{}) {
			return
		}
		if time.Since(began) > patience {
			t.Fatalf("%v later: %v", patience, left)
		}
	}
}
