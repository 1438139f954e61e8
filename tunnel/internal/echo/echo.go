// Package echo asks STUN servers (RFC 8489) from the UDP socket of the tunnel by which
// address and port the internet sees it: through the very entry of the router that
// devices call.
//
// The socket is read by others: what it received is shown to an Asker, which takes the
// answers to its own questions out. The messages are those of github.com/pion/stun,
// as in the package knock.
package echo

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/stun/v3"
)

var (
	// ErrSilent says that a server did not answer in time.
	ErrSilent = errors.New("it does not answer")
	// ErrRefused says that a server answered without an address.
	ErrRefused = errors.New("it answers without telling an address")
)

// pauses are the waits after each sending of a question (RFC 8489, section 6.2.1, which
// would go on for half a minute).
var pauses = [...]time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second}

// largest bounds the answers that are looked at.
const largest = 548

// Asker asks. Its zero value is ready; it may be used by several goroutines at once.
type Asker struct {
	open atomic.Int32 // questions without an answer

	mu      sync.Mutex // guards pending
	pending map[[stun.TransactionIDSize]byte]question
}

type question struct {
	server netip.AddrPort
	answer chan answer // 1-buffered
}

type answer struct {
	seen netip.AddrPort
	err  error
}

// Ask asks a server and returns as whom it sees us. It sends up to three times, by send,
// and takes three and a half seconds at most.
func (a *Asker) Ask(ctx context.Context, server netip.AddrPort, send func([]byte) error) (netip.AddrPort, error) {
	m, err := stun.Build(stun.TransactionID, stun.BindingRequest, stun.Fingerprint)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("making a question for the STUN server %v: %w", server, err)
	}
	q := question{server, make(chan answer, 1)}
	a.add(m.TransactionID, q)
	defer a.remove(m.TransactionID)
	for _, pause := range pauses {
		if err := send(m.Raw); err != nil {
			return netip.AddrPort{}, fmt.Errorf("asking the STUN server %v: %w", server, err)
		}
		t := time.NewTimer(pause)
		select {
		case got := <-q.answer:
			t.Stop()
			if got.err != nil {
				return netip.AddrPort{}, fmt.Errorf("asking the STUN server %v: %w", server, got.err)
			}
			return got.seen, nil
		case <-ctx.Done():
			t.Stop()
			return netip.AddrPort{}, ctx.Err()
		case <-t.C:
		}
	}
	return netip.AddrPort{}, fmt.Errorf("asking the STUN server %v: %w", server, ErrSilent)
}

func (a *Asker) add(id [stun.TransactionIDSize]byte, q question) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.pending == nil {
		a.pending = map[[stun.TransactionIDSize]byte]question{}
	}
	a.pending[id] = q
	a.open.Add(1)
}

func (a *Asker) remove(id [stun.TransactionIDSize]byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.pending, id)
	a.open.Add(-1)
}

// Waits says whether an answer may come. It is cheap: every batch of packets is preceded
// by it.
func (a *Asker) Waits() bool { return a != nil && a.open.Load() > 0 }

// Take reports whether a packet is the answer to a question of ours: from whom was
// asked, with the number that nobody else knows.
func (a *Asker) Take(packet []byte, from netip.AddrPort) bool {
	// WireGuard's messages begin with 1 to 4 and three zero bytes.
	if len(packet) > largest || len(packet) < 20 || packet[0] != 1 || packet[1]&0xef != 1 || !stun.IsMessage(packet) {
		return false
	}
	a.mu.Lock()
	q, ok := a.pending[[stun.TransactionIDSize]byte(packet[8:20])]
	a.mu.Unlock()
	if !ok || q.server != from {
		return false
	}
	select {
	case q.answer <- read(packet):
	default: // it was answered already
	}
	return true
}

// read reads a server's answer.
func read(packet []byte) answer {
	m := stun.New()
	if err := stun.Decode(packet, m); err != nil {
		return answer{err: ErrRefused}
	}
	var x stun.XORMappedAddress
	if m.Type != stun.BindingSuccess || x.GetFrom(m) != nil {
		return answer{err: ErrRefused}
	}
	ip, ok := netip.AddrFromSlice(x.IP)
	if !ok || x.Port <= 0 || x.Port > 65535 {
		return answer{err: ErrRefused}
	}
	return answer{seen: netip.AddrPortFrom(ip.Unmap(), uint16(x.Port))}
}
