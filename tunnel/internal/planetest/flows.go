//go:build linux

package planetest

import (
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"homeward/tunnel/internal/plane"
)

func flowFacts() []fact {
	return []fact{
		{"CutFlows ends a peer's TCP flows and nobody else's", cutTCP},
		{"CutFlows ends a peer's UDP flows", cutUDP},
		{"CutFlows ends a peer's connections to our own ports", cutOwn},
	}
}

func cutter(t *testing.T, w *world) plane.FlowCutter {
	t.Helper()
	c, ok := w.plane.(plane.FlowCutter)
	if !ok {
		t.Fatal("the plane is no plane.FlowCutter")
	}
	return c
}

func cutTCP(t *testing.T, w *world, f family) {
	l := w.lan.listen(t, netip.AddrPortFrom(f.lan, 0))
	var inner, outer [2]net.Conn
	for i, p := range w.peers {
		c, err := p.DialContextTCPAddrPort(soon(t), addrPort(l))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		inner[i] = c
		if outer[i], err = l.Accept(); err != nil {
			t.Fatal(err)
		}
		defer outer[i].Close()
		inner[i].SetDeadline(time.Now().Add(patience))
		outer[i].SetDeadline(time.Now().Add(patience))
	}
	say := func(i int) error {
		if _, err := io.WriteString(outer[i], "hello"); err != nil {
			return err
		}
		_, err := io.ReadFull(inner[i], make([]byte, 5))
		return err
	}
	for i := range outer {
		if err := say(i); err != nil {
			t.Fatalf("before: peer %d: %v", i, err)
		}
	}
	cutter(t, w).CutFlows([]netip.Addr{f.peers[0]})
	w.peers[0].to.Store(nil) // it has been removed: nothing comes from it any more
	defer w.peers[0].to.Store(&w.front)
	if err := say(1); err != nil {
		t.Errorf("the other peer's: %v", err)
	}
	io.WriteString(outer[0], "hello?")
	if _, err := io.Copy(io.Discard, outer[0]); isTimeout(err) {
		t.Error("the LAN host still believes in the connection")
	}
}

func isTimeout(err error) bool {
	n, ok := err.(net.Error)
	return ok && n.Timeout()
}

func cutUDP(t *testing.T, w *world, f family) {
	l := w.lan.listenPacket(t, netip.AddrPortFrom(f.lan, 0))
	l.SetDeadline(time.Now().Add(patience))
	c, err := w.peers[0].DialUDPAddrPort(netip.AddrPort{}, l.LocalAddr().(*net.UDPAddr).AddrPort())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.Write([]byte("question"))
	_, back, err := l.ReadFromUDPAddrPort(make([]byte, 100))
	if err != nil {
		t.Fatal(err)
	}
	answered := func(wait time.Duration) bool {
		l.WriteToUDPAddrPort([]byte("answer"), back)
		c.SetReadDeadline(time.Now().Add(wait))
		_, err := c.Read(make([]byte, 100))
		return err == nil
	}
	if !answered(patience) {
		t.Fatal("before: no answer: the test proves nothing")
	}
	cutter(t, w).CutFlows([]netip.Addr{f.peers[0]})
	if answered(impatience) {
		t.Error("an answer came after the cut")
	}
}

func cutOwn(t *testing.T, w *world, f family) {
	at := netip.AddrPortFrom(f.own.Addr(), dnsPort)
	l, err := w.plane.Listen(at)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	connect(t, w, at)
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	cutter(t, w).CutFlows([]netip.Addr{f.peers[0]})
	if _, err := c.Read(make([]byte, 1)); err == nil || isTimeout(err) {
		t.Errorf("err = %v, want an end", err)
	}
}
