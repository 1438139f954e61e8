//go:build linux

package planetest

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func tcpFacts() []fact {
	return []fact{
		{"TCP carries 4 MiB both ways unchanged", tcpCarries},
		{"TCP: a peer's half-close reaches the LAN, and the answer comes back", tcpPeerHalfCloses},
		{"TCP: a LAN host's half-close reaches the peer, which may still send", tcpHostHalfCloses},
		{"TCP: a closed port is refused", tcpRefused},
		{"TCP: a reset reaches the peer", tcpReset},
		{"TCP reaches hosts beyond the LAN", tcpBeyond},
		{"TCP: segments fit the tunnel", tcpFits},
		{"TCP: one who asks for ECN gets through", tcpWithECN},
	}
}

// serve accepts one connection and hands it to f, whose end the test waits for.
func serve(t *testing.T, l net.Listener, f func(c net.Conn) error) {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			c.SetDeadline(time.Now().Add(patience))
			err = f(c)
			c.Close()
		}
		done <- err
	}()
	t.Cleanup(func() {
		l.Close()
		if err := <-done; err != nil && !t.Failed() {
			t.Errorf("on the LAN host: %v", err)
		}
	})
}

// connect is a TCP connection of the first peer to the LAN host.
func connect(t *testing.T, w *world, to netip.AddrPort) tcpConn {
	t.Helper()
	c, err := w.peers[0].DialContextTCPAddrPort(soon(t), to)
	if err != nil {
		t.Fatalf("connecting to %v: %v", to, err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return c
}

type tcpConn interface {
	net.Conn
	CloseWrite() error
}

func addrPort(l net.Listener) netip.AddrPort { return l.Addr().(*net.TCPAddr).AddrPort() }

func echo(c net.Conn) error {
	_, err := io.Copy(c, c)
	return err
}

func tcpCarries(t *testing.T, w *world, f family) {
	l := w.lan.listen(t, netip.AddrPortFrom(f.lan, 0))
	serve(t, l, echo)
	c := connect(t, w, addrPort(l))
	sent := make([]byte, 4<<20)
	rand.Read(sent)
	go func() {
		c.Write(sent)
		c.CloseWrite()
	}()
	got, err := io.ReadAll(c)
	if err != nil {
		t.Fatalf("after %d bytes: %v", len(got), err)
	}
	if sha256.Sum256(got) != sha256.Sum256(sent) {
		t.Errorf("%d bytes came back, of %d, and they differ", len(got), len(sent))
	}
}

func tcpPeerHalfCloses(t *testing.T, w *world, f family) {
	l := w.lan.listen(t, netip.AddrPortFrom(f.lan, 0))
	serve(t, l, func(c net.Conn) error {
		question, err := io.ReadAll(c) // until the half-close
		if err == nil {
			_, err = c.Write(bytes.ToUpper(question))
		}
		return err
	})
	c := connect(t, w, addrPort(l))
	io.WriteString(c, "is anybody home")
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(c); string(got) != "IS ANYBODY HOME" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

func tcpHostHalfCloses(t *testing.T, w *world, f family) {
	l := w.lan.listen(t, netip.AddrPortFrom(f.lan, 0))
	heard := make(chan string, 1)
	serve(t, l, func(c net.Conn) error {
		io.WriteString(c, "say on")
		if err := c.(tcpConn).CloseWrite(); err != nil {
			return err
		}
		b, err := io.ReadAll(c)
		heard <- string(b)
		return err
	})
	c := connect(t, w, addrPort(l))
	if got, err := io.ReadAll(c); string(got) != "say on" || err != nil {
		t.Fatalf("got %q, %v", got, err)
	}
	io.WriteString(c, "still here")
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got := <-heard; got != "still here" {
		t.Errorf("the LAN host heard %q", got)
	}
}

func tcpRefused(t *testing.T, w *world, f family) {
	l := w.lan.listen(t, netip.AddrPortFrom(f.lan, 0))
	to := addrPort(l)
	control := connect(t, w, to)
	if c, err := l.Accept(); err != nil {
		t.Fatal(err)
	} else {
		c.Close()
	}
	control.Close()
	l.Close()
	c, err := w.peers[0].DialContextTCPAddrPort(soon(t), to)
	if err == nil {
		c.Close()
		t.Fatal("a closed port has accepted")
	}
	if !strings.Contains(err.Error(), "refused") {
		t.Errorf("err = %v, want connection refused", err)
	}
}

func tcpReset(t *testing.T, w *world, f family) {
	l := w.lan.listen(t, netip.AddrPortFrom(f.lan, 0))
	serve(t, l, func(c net.Conn) error {
		if _, err := io.ReadFull(c, make([]byte, 4)); err != nil {
			return err
		}
		return c.(*net.TCPConn).SetLinger(0) // and Close resets
	})
	c := connect(t, w, addrPort(l))
	io.WriteString(c, "ping")
	_, err := c.Read(make([]byte, 1))
	if err == nil || !strings.Contains(err.Error(), "reset") {
		t.Errorf("err = %v, want connection reset", err)
	}
}

func tcpBeyond(t *testing.T, w *world, f family) {
	l := w.lan.listen(t, netip.AddrPortFrom(f.outer, 0))
	serve(t, l, echo)
	c := connect(t, w, addrPort(l))
	io.WriteString(c, "hello")
	c.CloseWrite()
	if got, err := io.ReadAll(c); string(got) != "hello" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

func tcpFits(t *testing.T, w *world, f family) {
	header := 20
	if f.lan.Is6() {
		header = 40
	}
	if got, want := answerToSyn(t, w, f, flagsSyn), mtu-header-20; got != want {
		t.Errorf("the other side takes %d bytes, want %d", got, want)
	}
}

// Apple's devices ask for it by default.
func tcpWithECN(t *testing.T, w *world, f family) { answerToSyn(t, w, f, flagsSyn|flagsECN) }

// answerToSyn opens a connection by hand, and returns how much the other side
// takes.
func answerToSyn(t *testing.T, w *world, f family, flags byte) int {
	t.Helper()
	l := w.lan.listen(t, netip.AddrPortFrom(f.lan, 0))
	from := netip.AddrPortFrom(f.peers[0], 45000+uint16(flags))
	answers := make(chan int, 10)
	tap := func(packet []byte) {
		if n, ok := maxSegment(packet, from); ok {
			select {
			case answers <- n:
			default: // it repeats itself
			}
		}
	}
	w.tap.Store(&tap)
	defer w.tap.Store(nil)
	w.peers[0].send(synPacket(from, addrPort(l), flags))
	select {
	case got := <-answers:
		return got
	case <-time.After(patience):
		t.Fatal("no answer to a SYN")
		return 0
	}
}
