// Package throttle slows down who tries to guess, each place by itself.
package throttle

import (
	"container/list"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// MaxPlaces bounds the memory.
const MaxPlaces = 4096

// Throttle counts tries by where they come from: an IPv4 address, or an IPv6
// /64, of which one machine has all addresses. The places are bounded: the one
// that has been quiet for longest is forgotten. Its methods may be called from any
// goroutine.
type Throttle struct {
	now   func() time.Time
	tries int
	again time.Duration

	mu     sync.Mutex // guards the fields that follow
	places map[netip.Prefix]*list.Element
	recent list.List // of *place, the latest first
}

// New makes a Throttle by which a place may try as many times at once, and then
// once in again.
func New(now func() time.Time, tries int, again time.Duration) *Throttle {
	return &Throttle{now: now, tries: tries, again: again, places: map[netip.Prefix]*list.Element{}}
}

type place struct {
	at      netip.Prefix
	limiter *rate.Limiter
}

// Place is what addresses that are counted together have in common.
func Place(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits) // an invalid address makes the zero prefix: one place of its own
	return p
}

// Take uses one try up, which undo gives back, or says how long to wait for
// the next one.
func (t *Throttle) Take(from netip.Addr) (undo func(), wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	r := t.limiterLocked(Place(from)).ReserveN(now, 1)
	undo = func() { r.CancelAt(now) }
	if wait = r.DelayFrom(now); wait > 0 {
		undo()
	}
	return undo, (wait + time.Second - 1).Truncate(time.Second)
}

func (t *Throttle) limiterLocked(at netip.Prefix) *rate.Limiter {
	if e := t.places[at]; e != nil {
		t.recent.MoveToFront(e)
		return e.Value.(*place).limiter
	}
	if len(t.places) >= MaxPlaces {
		oldest := t.recent.Back()
		delete(t.places, oldest.Value.(*place).at)
		t.recent.Remove(oldest)
	}
	p := &place{at, rate.NewLimiter(rate.Every(t.again), t.tries)}
	t.places[at] = t.recent.PushFront(p)
	return p.limiter
}

// Forgive forgets the wrong tries of a place that knew the password.
func (t *Throttle) Forgive(from netip.Addr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := Place(from)
	if e := t.places[at]; e != nil {
		delete(t.places, at)
		t.recent.Remove(e)
	}
}
