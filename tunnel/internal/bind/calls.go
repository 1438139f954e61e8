package bind

import (
	"bytes"
	"net/netip"
	"slices"
	"time"

	"golang.zx2c4.com/wireguard/conn"
	wgdevice "golang.zx2c4.com/wireguard/device"
)

const (
	// maxCalls bounds what is remembered of who called.
	maxCalls = 32
	// callGap is how long a caller is silent before what it does is another call:
	// WireGuard repeats an initiation every five seconds and a bit.
	callGap = 3 * wgdevice.RekeyTimeout
)

// Call is somebody who knows our public key and begins a handshake, as often as
// needed.
type Call struct {
	From        netip.AddrPort
	First, Last time.Time
	Tries       uint64 // initiations
	Answers     uint64 // responses that we sent
	Message     []byte // the latest initiation, as it came
}

// callLocked notes an initiation. What is remembered is its latest 148 bytes,
// from which the caller's key can be had later on: most of them nobody asks for.
func (e *evidence) callLocked(message []byte, ep conn.Endpoint, now time.Time) {
	from := addrPort(ep)
	c := e.calls[from]
	if c == nil {
		e.makeRoomForCallLocked()
		c = &Call{Message: make([]byte, wgdevice.MessageInitiationSize)}
		e.calls[from] = c
	}
	if now.Sub(c.Last) > callGap {
		*c = Call{From: from, First: now, Message: c.Message}
	}
	c.Last = now
	c.Tries++
	copy(c.Message, message)
}

// answeredLocked notes that a caller was sent a response.
func (e *evidence) answeredLocked(to conn.Endpoint) {
	if c := e.calls[addrPort(to)]; c != nil {
		c.Answers++
	}
}

func (e *evidence) makeRoomForCallLocked() {
	if len(e.calls) < maxCalls {
		return
	}
	var oldest *Call
	for _, c := range e.calls {
		if oldest == nil || c.Last.Before(oldest.Last) {
			oldest = c
		}
	}
	delete(e.calls, oldest.From)
}

// Calls returns who called since then, the latest first.
func (b *Bind) Calls(since time.Time) []Call { return b.evidence.callsSince(since) }

func (e *evidence) callsSince(since time.Time) []Call {
	e.mu.Lock()
	defer e.mu.Unlock()
	var list []Call
	for _, c := range e.calls {
		if !c.Last.Before(since) {
			c := *c
			c.Message = bytes.Clone(c.Message)
			list = append(list, c)
		}
	}
	slices.SortFunc(list, func(a, b Call) int {
		if c := b.Last.Compare(a.Last); c != 0 {
			return c
		}
		return a.From.Compare(b.From)
	})
	return list
}
