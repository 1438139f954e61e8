//go:build linux

package planetest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"
)

// ear listens on one port by UDP and TCP and tells who got through.
type ear struct {
	port   uint16
	heard  chan string
	packet net.PacketConn
	stream net.Listener
}

func newEar(t *testing.T, packet net.PacketConn, stream net.Listener) *ear {
	t.Helper()
	e := &ear{
		port:  packet.LocalAddr().(*net.UDPAddr).AddrPort().Port(),
		heard: make(chan string, 100), packet: packet, stream: stream,
	}
	var both sync.WaitGroup
	both.Go(func() {
		b := make([]byte, 2000)
		for {
			n, from, err := packet.ReadFrom(b)
			if err != nil {
				return
			}
			e.heard <- fmt.Sprintf("udp %q from %v", b[:n], from)
		}
	})
	both.Go(func() {
		for {
			c, err := stream.Accept()
			if err != nil {
				return
			}
			e.heard <- fmt.Sprintf("tcp from %v", c.RemoteAddr())
			c.Close()
		}
	})
	t.Cleanup(func() {
		packet.Close()
		stream.Close()
		both.Wait()
	})
	return e
}

// ear listens in a namespace. The invalid address means all.
func (h host) ear(t *testing.T, at netip.Addr) *ear {
	t.Helper()
	if !at.IsValid() {
		at = netip.IPv6Unspecified()
	}
	packet := h.listenPacket(t, netip.AddrPortFrom(at, 0))
	port := packet.LocalAddr().(*net.UDPAddr).AddrPort().Port()
	return newEar(t, packet, h.listen(t, netip.AddrPortFrom(at, port)))
}

// ear listens on a peer.
func (p *peer) ear(t *testing.T, at netip.Addr) *ear {
	t.Helper()
	const port = 4711
	packet, err := p.ListenUDPAddrPort(netip.AddrPortFrom(at, port))
	if err != nil {
		t.Fatal(err)
	}
	stream, err := p.ListenTCPAddrPort(netip.AddrPortFrom(at, port))
	if err != nil {
		t.Fatal(err)
	}
	return newEar(t, packet, stream)
}

// quiet fails when somebody gets through.
func (e *ear) quiet(t *testing.T, why string) {
	t.Helper()
	select {
	case who := <-e.heard:
		t.Errorf("%s: got through: %s", why, who)
	case <-time.After(impatience):
	}
}

// hears is the control: what send does gets through.
func (e *ear) hears(t *testing.T, why string, send func() error) {
	t.Helper()
	if err := send(); err != nil {
		t.Fatalf("%s: %v: the test proves nothing", why, err)
	}
	select {
	case <-e.heard:
	case <-time.After(patience):
		t.Fatalf("%s: not heard: the test proves nothing", why)
	}
}

// reach is what hears wants: a connection and a datagram by the host.
func (h host) reach(t *testing.T, e *ear, at netip.Addr) {
	t.Helper()
	for _, network := range []string{"udp", "tcp"} {
		e.hears(t, network+" from where it may be reached", func() error { return h.knock(soon(t), network, netip.AddrPortFrom(at, e.port)) })
	}
}

func (h host) knock(ctx context.Context, network string, to netip.AddrPort) error {
	c, err := h.dial(ctx, network, to)
	if err != nil {
		return err
	}
	_, err = c.Write([]byte("knock"))
	return errors.Join(err, c.Close())
}

// attack sends everything that might reach a port: packets by hand, because no
// honest stack sends some of them, and a connection.
func (p *peer) attack(t *testing.T, from netip.Addr, targets []netip.Addr, port uint16) {
	t.Helper()
	var all sync.WaitGroup
	for i, a := range targets {
		to := netip.AddrPortFrom(a, port)
		p.send(udpPacket(netip.AddrPortFrom(from, uint16(41000+i)), to, a.String()))
		p.send(synPacket(netip.AddrPortFrom(from, uint16(42000+i)), to, flagsSyn))
		all.Go(func() {
			c, err := p.DialContextTCPAddrPort(briefly(t), to)
			if err == nil {
				c.Close()
				t.Errorf("tcp to %v was accepted", to)
			}
		})
	}
	all.Wait()
}
