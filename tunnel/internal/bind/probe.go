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
	token    [32]byte // nobody else knows it
	send     func() (left bool)
	received atomic.Uint64 // datagrams of any kind
}

func newProber(port uint16) *prober {
	p := &prober{}
	rand.Read(p.token[:])
	p.token[0] = 0xff // no WireGuard message begins so
	p.send = func() (left bool) {
		for _, a := range []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()} {
			left = p.sendTo(netip.AddrPortFrom(a, port)) || left
		}
		return left
	}
	return p
}

// take counts what was received. Our own datagrams go no further.
func (p *prober) take(packets [][]byte, sizes []int) {
	p.received.Add(uint64(len(packets)))
	for i, b := range packets {
		if sizes[i] == len(p.token) && b[0] == p.token[0] && bytes.Equal(b[:sizes[i]], p.token[:]) {
			sizes[i] = 0
		}
	}
}

// Watch proves that receiving works, until ctx ends, and has the bind opened
// anew when it does not.
func (b *Bind) Watch(ctx context.Context, reopen func() error) {
	tick := time.NewTicker(aliveEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		problem := ""
		if !b.alive(ctx) {
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

func (p *prober) sendTo(to netip.AddrPort) bool {
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		return false // a family that is not there
	}
	defer c.Close()
	_, err = c.Write(p.token[:])
	return err == nil
}
