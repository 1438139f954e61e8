//go:build linux

package planetest

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"
)

func ownPortFacts() []fact {
	return []fact{
		{"ListenPacket opens a UDP port to the peers alone", ownUDP},
		{"Listen opens a TCP port to the peers alone", ownTCP},
		{"a closed port of our own can be opened again", ownAgain},
		{"ports on other addresses than our own are refused", ownOnly},
	}
}

const dnsPort = 53

func ownUDP(t *testing.T, w *world, f family) {
	at := netip.AddrPortFrom(f.own.Addr(), dnsPort)
	c, err := w.plane.ListenPacket(at)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	go func() {
		b := make([]byte, 2000)
		for {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			c.WriteTo(b[:n], from)
		}
	}()
	for i, p := range w.peers {
		pc, err := p.DialUDPAddrPort(netip.AddrPort{}, at)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ask(pc, []byte("who"), patience); string(got) != "who" || err != nil {
			t.Errorf("peer %d got %q, %v", i, got, err)
		}
		pc.Close()
	}
	lc, err := w.lan.dial(soon(t), "udp", at)
	if err != nil {
		t.Fatal(err)
	}
	defer lc.Close()
	if got, err := ask(lc, []byte("who"), impatience); err == nil {
		t.Errorf("the LAN got %q", got)
	}
}

func ownTCP(t *testing.T, w *world, f family) {
	at := netip.AddrPortFrom(f.own.Addr(), dnsPort)
	l, err := w.plane.Listen(at)
	if err != nil {
		t.Fatal(err)
	}
	serve(t, l, echo)
	c := connect(t, w, at)
	io.WriteString(c, "who")
	c.CloseWrite()
	if got, err := io.ReadAll(c); string(got) != "who" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if err := w.lan.knock(briefly(t), "tcp", at); err == nil {
		t.Error("the LAN was accepted")
	}
}

func ownAgain(t *testing.T, w *world, f family) {
	at := netip.AddrPortFrom(f.own.Addr(), 5353)
	for range 2 {
		l, err := w.plane.Listen(at)
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() {
			c, err := l.Accept()
			if err == nil {
				c.Close()
				_, err = l.Accept()
			}
			done <- err
		}()
		connect(t, w, at).Close()
		l.Close()
		l.Close()
		if err := <-done; !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept = %v, want net.ErrClosed", err)
		}
		if c, err := w.peers[1].DialContextTCPAddrPort(briefly(t), at); err == nil {
			c.Close()
			t.Error("a closed port has accepted")
		}

		p, err := w.plane.ListenPacket(at)
		if err != nil {
			t.Fatal(err)
		}
		p.Close()
		p.Close()
		p.SetReadDeadline(time.Now().Add(patience))
		if _, _, err := p.ReadFrom(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("ReadFrom = %v, want net.ErrClosed", err)
		}
	}
}

func ownOnly(t *testing.T, w *world, f family) {
	for _, a := range []netip.Addr{f.box, f.lan, f.peers[0], netip.IPv4Unspecified(), netip.IPv6Unspecified(), {}} {
		if l, err := w.plane.Listen(netip.AddrPortFrom(a, 5353)); err == nil {
			l.Close()
			t.Errorf("Listen on %v works", a)
		}
		if c, err := w.plane.ListenPacket(netip.AddrPortFrom(a, 5353)); err == nil {
			c.Close()
			t.Errorf("ListenPacket on %v works", a)
		}
	}
}
