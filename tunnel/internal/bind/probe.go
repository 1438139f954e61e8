package bind

import (
	"bytes"
	"context"
	"crypto/rand"
	"net"
	"net/netip"
	"sync"
	"time"
)

// patience is how long a datagram to ourselves may take.
const patience = 2 * time.Second

// prober sends a datagram to a port of our own on loopback and sees whether it
// comes through: past the socket, the receiver and the device's loop around it.
type prober struct {
	token  secretWord // of those by loopback
	turn   secretWord // of those that shall turn round in the router
	send   func(port uint16) (left bool)
	turned chan struct{} // 1-buffered: one came back

	mu    sync.Mutex // guards ports
	ports map[uint16]arrivals
}

// arrivals counts what came to one port of ours.
type arrivals struct {
	received uint64 // datagrams of any kind
	others   uint64 // of these, those that are not ours
}

// secretWord is a datagram of ours: nobody else knows it.
type secretWord [32]byte

func newSecretWord() (w secretWord) {
	rand.Read(w[:])
	w[0] = 0xff // no WireGuard message begins so
	return w
}

func (w *secretWord) is(b []byte) bool { return bytes.Equal(b, w[:]) }

func newProber() *prober {
	p := &prober{token: newSecretWord(), turn: newSecretWord(), turned: make(chan struct{}, 1), ports: map[uint16]arrivals{}}
	p.send = func(port uint16) (left bool) {
		for _, a := range []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()} {
			left = sendTo(netip.AddrPortFrom(a, port), p.token) || left
		}
		return left
	}
	return p
}

// at is what came to a port so far.
func (p *prober) at(port uint16) arrivals {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ports[port]
}

// take counts what was received at a port. Our own datagrams go no further.
func (p *prober) take(packets [][]byte, sizes []int, port uint16) {
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
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.ports[port]
	n.received += uint64(len(packets))
	n.others += uint64(len(packets) - ours)
	p.ports[port] = n
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
