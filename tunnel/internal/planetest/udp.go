//go:build linux

package planetest

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"homeward/tunnel/internal/plane"
)

func udpFacts() []fact {
	return []fact{
		{"UDP: questions are answered, also with the same source port to two hosts", udpAnswers},
		{"UDP: large datagrams travel in fragments both ways", udpFragments},
		{"UDP: an empty datagram arrives", udpEmpty},
		{"UDP never leaves from the WireGuard port, nor from one of a service", udpAvoidsWireGuardPort},
	}
}

// echoPackets answers every datagram with itself.
func echoPackets(t *testing.T, c *net.UDPConn) netip.AddrPort {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 65535)
		for {
			n, from, err := c.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			c.WriteToUDPAddrPort(b[:n], from)
		}
	}()
	t.Cleanup(func() {
		c.Close()
		<-done
	})
	return c.LocalAddr().(*net.UDPAddr).AddrPort()
}

// ask sends and waits for the answer.
func ask(c net.Conn, question []byte, wait time.Duration) ([]byte, error) {
	c.SetDeadline(time.Now().Add(wait))
	if _, err := c.Write(question); err != nil {
		return nil, err
	}
	b := make([]byte, 65535)
	n, err := c.Read(b)
	return b[:n], err
}

func udpAnswers(t *testing.T, w *world, f family) {
	from := netip.AddrPortFrom(f.peers[0], 40000)
	for _, at := range []netip.Addr{f.lan, f.outer} {
		to := echoPackets(t, w.lan.listenPacket(t, netip.AddrPortFrom(at, 0)))
		c, err := w.peers[0].DialUDPAddrPort(from, to)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 50 {
			q := fmt.Appendf(nil, "question %d", i)
			if got, err := ask(c, q, patience); !bytes.Equal(got, q) || err != nil {
				t.Fatalf("%v answered %q to %q: %v", to, got, q, err)
			}
		}
		c.Close()
	}
}

func udpFragments(t *testing.T, w *world, f family) {
	to := echoPackets(t, w.lan.listenPacket(t, netip.AddrPortFrom(f.lan, 0)))
	c, err := w.peers[0].DialUDPAddrPort(netip.AddrPort{}, to)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, size := range []int{mtu, 2 * mtu, 5000, 20000} {
		q := make([]byte, size)
		rand.Read(q)
		// The first answer may be what teaches the LAN host how much fits.
		got, err := ask(c, q, impatience)
		for range patience / again {
			if err == nil {
				break
			}
			got, err = ask(c, q, again)
		}
		if !bytes.Equal(got, q) || err != nil {
			t.Errorf("%d bytes: got %d, %v", size, len(got), err)
		}
	}
}

func udpEmpty(t *testing.T, w *world, f family) {
	l := w.lan.listenPacket(t, netip.AddrPortFrom(f.lan, 0))
	l.SetDeadline(time.Now().Add(patience))
	c, err := w.peers[0].DialUDPAddrPort(netip.AddrPort{}, l.LocalAddr().(*net.UDPAddr).AddrPort())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.Write(nil)
	if n, _, err := l.ReadFromUDP(make([]byte, 10)); n != 0 || err != nil {
		t.Errorf("got %d bytes, %v", n, err)
	}
}

// A flow that occupied the WireGuard port towards a phone would get the
// packets that the phone sends to WireGuard.
func udpAvoidsWireGuardPort(t *testing.T, w *world, f family) {
	const further = 45678
	if k, ok := w.plane.(plane.PortKeeper); ok {
		if err := k.KeepPorts([]uint16{listenPort, further}); err != nil {
			t.Fatal(err)
		}
		defer k.KeepPorts([]uint16{listenPort})
	}
	l := w.lan.listenPacket(t, netip.AddrPortFrom(f.lan, 0))
	l.SetDeadline(time.Now().Add(patience))
	for _, port := range []uint16{listenPort, 53, further} {
		for i, p := range w.peers { // the second one would take the first one's leavings
			c, err := p.DialUDPAddrPort(netip.AddrPortFrom(f.peers[i], port), l.LocalAddr().(*net.UDPAddr).AddrPort())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			c.Write([]byte("x"))
			_, from, err := l.ReadFromUDPAddrPort(make([]byte, 10))
			if err != nil {
				t.Fatal(err)
			}
			if from.Port() == listenPort || from.Port() == further || from.Port() < 32768 {
				t.Errorf("from port %d it left by port %d", port, from.Port())
			}
		}
	}
}
