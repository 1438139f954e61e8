package bind

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"time"
)

const (
	// patience is how long a datagram to ourselves may take.
	patience = 2 * time.Second
	// aliveEvery is how long a socket may be deaf unnoticed.
	aliveEvery = 30 * time.Second
)

// prober sends a datagram to our own port on loopback and sees whether it
// comes through: past the socket, the receiver and the device's loop around it.
type prober struct {
	token    secretWord // of those by loopback
	turn     secretWord // of those that shall turn round in the router
	send     func() (left bool)
	received atomic.Uint64 // datagrams of any kind
	others   atomic.Uint64 // of these, those that are not ours
	turned   chan struct{} // 1-buffered: one came back
}

// secretWord is a datagram of ours: nobody else knows it.
type secretWord [32]byte

func newSecretWord() (w secretWord) {
	rand.Read(w[:])
	w[0] = 0xff // no WireGuard message begins so
	return w
}

func (w *secretWord) is(b []byte) bool { return bytes.Equal(b, w[:]) }

func newProber(port uint16) *prober {
	p := &prober{token: newSecretWord(), turn: newSecretWord(), turned: make(chan struct{}, 1)}
	p.send = func() (left bool) {
		for _, a := range []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()} {
			left = sendTo(netip.AddrPortFrom(a, port), p.token) || left
		}
		return left
	}
	return p
}

// take counts what was received. Our own datagrams go no further.
func (p *prober) take(packets [][]byte, sizes []int) {
	ours := 0
	for i, b := range packets {
		switch {
		case sizes[i] != len(p.token) || b[0] != p.token[0]:
		case p.token.is(b[:sizes[i]]):
			sizes[i] = 0
			ours++
		case p.turn.is(b[:sizes[i]]):
			sizes[i] = 0
			ours++
			select {
			case p.turned <- struct{}{}:
			default: // one is enough
			}
		}
	}
	p.received.Add(uint64(len(packets)))
	p.others.Add(uint64(len(packets) - ours))
}

// Watch proves that receiving works, until ctx ends, and has the bind opened
// anew when it does not. What others sent since the last look proves it as well.
func (b *Bind) Watch(ctx context.Context, reopen func() error) {
	tick := time.NewTicker(aliveEvery)
	defer tick.Stop()
	for before := b.probe.others.Load(); ; before = b.probe.others.Load() {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		problem := ""
		if b.probe.others.Load() == before && !b.alive(ctx) {
			b.cfg.Logger.Warn("the UDP socket receives nothing any more, not even of ourselves: opening it anew", "port", b.cfg.Port)
			if err := reopen(); err != nil {
				problem = fmt.Sprintf("The UDP port %d was deaf and cannot be opened anew: %v.", b.cfg.Port, err)
			} else if !b.alive(ctx) {
				problem = fmt.Sprintf("Nothing arrives on the UDP port %d, not even of this machine itself: look for firewall rules for the interface lo, or start homeward again.", b.cfg.Port)
			}
		}
		b.deaf.Store(&problem)
	}
}

// Problem says what is wrong with the socket, or "".
func (b *Bind) Problem() string {
	if p := b.deaf.Load(); p != nil {
		return *p
	}
	return ""
}

// alive says whether receiving works: something arrives, of ourselves if
// nobody else sends.
func (b *Bind) alive(ctx context.Context) bool {
	before := b.probe.received.Load()
	if !b.probe.send() {
		return true // nothing can be said
	}
	tick := time.NewTicker(patience / 100)
	defer tick.Stop()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if b.probe.received.Load() != before {
			return true
		}
		select {
		case <-ctx.Done():
			return true // nobody wants to know any more
		case <-tick.C:
		}
	}
	return false
}

// tries is how often a datagram is sent that may get lost on its way.
const tries = 3

// Turns says whether a datagram of ours to at, an address of the house on the
// internet and its port there, comes back to our own port (hairpinning, RFC 4787
// section 6). It takes up to two seconds.
func (b *Bind) Turns(ctx context.Context, at netip.AddrPort) bool {
	select {
	case <-b.probe.turned: // of an earlier time
	default:
	}
	for range tries {
		sendTo(at, b.probe.turn)
		t := time.NewTimer(patience / tries)
		select {
		case <-b.probe.turned:
			t.Stop()
			return true
		case <-ctx.Done():
			t.Stop()
			return false
		case <-t.C:
		}
	}
	return false
}

func sendTo(to netip.AddrPort, w secretWord) bool {
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		return false // a family that is not there
	}
	defer c.Close()
	_, err = c.Write(w[:])
	return err == nil
}
