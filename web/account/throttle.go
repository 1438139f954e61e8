package account

import (
	"container/list"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// One place may be wrong ten times, and then once every ninety seconds.
const (
	tries     = 10
	tryAgain  = 90 * time.Second
	maxPlaces = 4096
)

// throttle counts tries by where they come from: an IPv4 address, or an IPv6
// /64, of which one machine has all addresses. The places are bounded: the one
// that has been quiet for longest is forgotten.
type throttle struct {
	now func() time.Time

	mu     sync.Mutex // guards the fields that follow
	places map[netip.Prefix]*list.Element
	recent list.List // of *place, the latest first
}

type place struct {
	at      netip.Prefix
	limiter *rate.Limiter
}

func placeOf(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits) // an invalid address makes the zero prefix: one place of its own
	return p
}

// take uses one try up, which undo gives back, or says how long to wait for
// the next one.
func (t *throttle) take(from netip.Addr) (undo func(), wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	r := t.limiterLocked(placeOf(from)).ReserveN(now, 1)
	undo = func() { r.CancelAt(now) }
	if wait = r.DelayFrom(now); wait > 0 {
		undo()
	}
	return undo, (wait + time.Second - 1).Truncate(time.Second)
}

func (t *throttle) limiterLocked(at netip.Prefix) *rate.Limiter {
	if e := t.places[at]; e != nil {
		t.recent.MoveToFront(e)
		return e.Value.(*place).limiter
	}
	if t.places == nil {
		t.places = map[netip.Prefix]*list.Element{}
	}
	if len(t.places) >= maxPlaces {
		oldest := t.recent.Back()
		delete(t.places, oldest.Value.(*place).at)
		t.recent.Remove(oldest)
	}
	p := &place{at, rate.NewLimiter(rate.Every(tryAgain), tries)}
	t.places[at] = t.recent.PushFront(p)
	return p.limiter
}

// forgive forgets the wrong tries of a place that knew the password.
func (t *throttle) forgive(from netip.Addr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := placeOf(from)
	if e := t.places[at]; e != nil {
		delete(t.places, at)
		t.recent.Remove(e)
	}
}
