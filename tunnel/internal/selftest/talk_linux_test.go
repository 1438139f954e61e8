package selftest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// Ports of the LAN host.
const (
	echoPort  = 7  // TCP and UDP: what comes goes back
	clockPort = 13 // UDP: who asks hears a number every 50 ms for a while
)

const (
	ticks    = 1200
	tickRest = 50 * time.Millisecond
)

// serveLAN lets the LAN host answer.
func (w *world) serveLAN() {
	w.Helper()
	var all sync.WaitGroup
	w.Cleanup(all.Wait)
	l := w.lan.listen(w.T, fmt.Sprintf("[::]:%d", echoPort))
	var open sync.Map
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			open.Store(c, nil)
			all.Go(func() {
				defer c.Close()
				io.Copy(c, c)
			})
		}
	})
	udp := w.lan.listenPacket(w.T, fmt.Sprintf("[::]:%d", echoPort))
	all.Go(func() { echoDatagrams(udp) })
	clock := w.lan.listenPacket(w.T, fmt.Sprintf("[::]:%d", clockPort))
	over := make(chan struct{})
	all.Go(func() {
		for b := make([]byte, 100); ; {
			_, from, err := clock.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			all.Go(func() { tick(clock, from, over) })
		}
	})
	w.Cleanup(func() {
		close(over)
		l.Close()
		udp.Close()
		clock.Close()
		open.Range(func(c, _ any) bool { c.(net.Conn).Close(); return true })
	})
}

// tick sends numbers until over is closed, or for ticks times.
func tick(c *net.UDPConn, to netip.AddrPort, over <-chan struct{}) {
	rest := time.NewTicker(tickRest)
	defer rest.Stop()
	for i := range ticks {
		if _, err := c.WriteToUDPAddrPort(fmt.Appendf(nil, "%d", i), to); errors.Is(err, net.ErrClosed) {
			return
		}
		select {
		case <-over:
			return
		case <-rest.C:
		}
	}
}

func echoDatagrams(c net.PacketConn) {
	for b := make([]byte, 65535); ; {
		n, from, err := c.ReadFrom(b)
		if err != nil {
			return
		}
		c.WriteTo(b[:n], from)
	}
}

// lanAddrs are the LAN host's, one of each family.
func lanAddrs() []netip.Addr {
	return []netip.Addr{netip.MustParseAddr(lan4), netip.MustParseAddr(lan6)}
}

// of is the phone's address in the family of a.
func (p *phone) of(a netip.Addr) netip.Addr {
	for _, own := range p.addrs {
		if own.Is4() == a.Is4() {
			return own
		}
	}
	return netip.Addr{}
}

// ping asks for one echo and waits for it.
func (p *phone) ping(to netip.Addr, wait time.Duration) error {
	c, err := p.net.DialPingAddr(p.of(to), to)
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(wait))
	// An echo request (RFC 792, RFC 4443); the stack has an identifier of its own.
	request := []byte{8, 0, 0, 0, 0, 0, 0, 1, 'h', 'e', 'r', 'e', '?'}
	if to.Is6() {
		request[0] = 128
	}
	if _, err := c.Write(request); err != nil {
		return err
	}
	_, err = c.Read(make([]byte, 1500))
	return err
}

// reaches pings until it is answered. Packets may be lost meanwhile.
func (p *phone) reaches(to netip.Addr, when string) {
	p.w.Helper()
	var last error
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if last = p.ping(to, 2*time.Second); last == nil {
			return
		}
	}
	p.w.Fatalf("%s: the phone does not reach %v within %v: %v (%v)\n%+v", when, to, patience, last, p.wire.counts(), p.w.tunnel.Peers())
}

// reachesHome is reaches for the LAN host by both families.
func (p *phone) reachesHome(when string) {
	p.w.Helper()
	for _, a := range lanAddrs() {
		p.reaches(a, when)
	}
}

// staysOut fails when an echo is answered.
func (p *phone) staysOut(to netip.Addr, when string) {
	p.w.Helper()
	if err := p.ping(to, 2*time.Second); err == nil {
		p.w.Errorf("%s: the phone reaches %v", when, to)
	}
}

// stream sends n bytes to a TCP echo and compares what comes back.
func (p *phone) stream(to netip.AddrPort, n int) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, err := p.net.DialContextTCPAddrPort(ctx, to)
	if err != nil {
		return fmt.Errorf("connecting to %v: %w", to, err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	sent := make([]byte, n)
	rand.Read(sent)
	writing := make(chan error, 1)
	go func() {
		_, err := c.Write(sent)
		writing <- errors.Join(err, c.CloseWrite())
	}()
	got, err := io.ReadAll(c)
	err = errors.Join(err, <-writing)
	if err == nil && !bytes.Equal(got, sent) {
		err = fmt.Errorf("%d bytes came back of %d, or others", len(got), len(sent))
	}
	return err
}

// datagram sends n bytes to a UDP echo and compares what comes back. It tries again:
// datagrams may be lost.
func (p *phone) datagram(to netip.AddrPort, n int) error {
	c, err := p.net.DialUDPAddrPort(netip.AddrPort{}, to)
	if err != nil {
		return err
	}
	defer c.Close()
	sent, got := make([]byte, n), make([]byte, 65535)
	rand.Read(sent)
	for end := time.Now().Add(patience); ; {
		if _, err := c.Write(sent); err != nil {
			return fmt.Errorf("sending %d bytes to %v: %w", n, to, err)
		}
		c.SetReadDeadline(time.Now().Add(2 * time.Second))
		k, err := c.Read(got)
		if err == nil && bytes.Equal(got[:k], sent) {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("%d bytes to %v did not come back: %d did: %w", n, to, k, err)
		}
	}
}

// clock is a conversation in which the LAN host alone goes on talking.
type clock struct {
	w *world
	c net.Conn
}

// newClock begins one and waits for the first number.
func (p *phone) newClock() *clock {
	p.w.Helper()
	c, err := p.net.DialUDPAddrPort(netip.AddrPort{}, netip.AddrPortFrom(netip.MustParseAddr(lan4), clockPort))
	if err != nil {
		p.w.Fatal(err)
	}
	p.w.Cleanup(func() { c.Close() })
	k := &clock{p.w, c}
	if _, err := c.Write([]byte("go on")); err != nil {
		p.w.Fatal(err)
	}
	if !k.ticks(patience) {
		p.w.Fatalf("the LAN host is not heard: the test proves nothing")
	}
	return k
}

// ticks says whether a number comes within a time. What has come before does not count.
func (k *clock) ticks(within time.Duration) bool {
	b := make([]byte, 100)
	for {
		k.c.SetReadDeadline(time.Now().Add(time.Millisecond))
		if _, err := k.c.Read(b); err != nil {
			break
		}
	}
	k.c.SetReadDeadline(time.Now().Add(within))
	_, err := k.c.Read(b)
	return err == nil
}

// echoes lets the phone answer by TCP and UDP at one of its addresses, until the test
// ends.
func (p *phone) echoes(at netip.Addr) {
	p.w.Helper()
	l, err := p.net.ListenTCPAddrPort(netip.AddrPortFrom(at, echoPort))
	if err != nil {
		p.w.Fatal(err)
	}
	c, err := p.net.ListenUDPAddrPort(netip.AddrPortFrom(at, echoPort))
	if err != nil {
		p.w.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() { echoDatagrams(c) })
	all.Go(func() {
		for {
			s, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer s.Close()
				io.Copy(s, s)
			})
		}
	})
	p.w.Cleanup(func() {
		l.Close()
		c.Close()
		all.Wait()
	})
}

// afterWord is what follows a word in a text.
func afterWord(text, word string) string {
	_, after, _ := strings.Cut(text, word)
	return after
}
