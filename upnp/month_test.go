package upnp

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"time"
)

// living is a router of the worst kind for an idle port: it has leases of two minutes,
// tidies up what was quiet every ten minutes, and starts anew every six hours, with
// another address for its services, away for half a minute.
type living struct {
	*memory
	began time.Time

	life sync.Mutex // guards what follows
	ends time.Time  // of our entry; zero: there is none
	born int        // which life of the router the session belongs to
}

const (
	livingLease  = 2 * time.Minute
	livingReaper = 10 * time.Minute
	livingLife   = 6 * time.Hour
	livingAway   = 30 * time.Second
)

// age is how long the router has been running, in which of its lives.
func (l *living) age() (life int, age time.Duration) {
	d := time.Since(l.began)
	return int(d / livingLife), d % livingLife
}

// away reports a router that starts.
func (l *living) away() bool {
	life, age := l.age()
	return life > 0 && age < livingAway
}

// open reports whether the port is open now, and forgets what the router forgot.
func (l *living) open() bool {
	l.life.Lock()
	defer l.life.Unlock()
	return l.openLocked()
}

func (l *living) openLocked() bool {
	life, age := l.age()
	tidied := age%livingReaper < time.Second && age > time.Second
	if life != l.born || tidied || time.Now().After(l.ends) {
		l.ends = time.Time{}
	}
	return !l.ends.IsZero()
}

func (l *living) answerLocked() answer {
	life, _ := l.age()
	switch {
	case l.away():
		return answer{outcome: silent}
	case life != l.born:
		return answer{outcome: moved}
	}
	return answer{}
}

func (l *living) probe(ctx context.Context, gw Gateway) (session, answer) {
	l.memory.probe(ctx, gw)
	if l.away() {
		return nil, answer{outcome: silent}
	}
	l.life.Lock()
	defer l.life.Unlock()
	l.openLocked()
	l.born, _ = l.age()
	return l, answer{}
}

func (l *living) add(ctx context.Context, w want) (grant, answer) {
	l.memory.add(ctx, w)
	l.life.Lock()
	defer l.life.Unlock()
	l.openLocked()
	if a := l.answerLocked(); !a.ok() {
		return grant{}, a
	}
	l.ends = time.Now().Add(livingLease)
	return grant{lease: livingLease, verified: true}, answer{}
}

func (l *living) check(context.Context, want) (grant, answer) {
	l.life.Lock()
	defer l.life.Unlock()
	if a := l.answerLocked(); !a.ok() {
		return grant{}, a
	}
	if !l.openLocked() {
		return grant{}, answer{outcome: notThere}
	}
	return grant{lease: time.Until(l.ends), verified: true}, answer{}
}

// T68, T34: thirty days with such a router, on the fake clock. No gap is longer than
// 90 s, the router is searched for only where it started anew, and nothing grows.
func TestThirtyDaysWithARouterThatForgets(t *testing.T) {
	days := 30
	if testing.Short() {
		days = 2
	}
	inBubble(t, func(w *world) {
		l := &living{memory: w.router, began: time.Now()}
		w.m.protocols = []protocol{l}
		w.start()
		w.until(verdict(Mapped))
		before := runtime.NumGoroutine()
		var shut time.Time // since when it is closed
		gaps, longest := 0, time.Duration(0)
		for range days * 24 * 3600 {
			w.sleep(time.Second)
			switch open := l.open(); {
			case !open && shut.IsZero():
				shut = time.Now()
				gaps++
			case open && !shut.IsZero():
				longest = max(longest, time.Since(shut))
				shut = time.Time{}
			}
		}
		if n := days*24*6 - 1; gaps < n*8/10 {
			t.Errorf("closed %d times: the router forgot too little, of %d times", gaps, n)
		}
		if longest > 90*time.Second {
			t.Errorf("closed for %v", longest)
		}
		t.Logf("closed %d times, for %v at most; %d searches", gaps, longest, w.seen().probes)
		if n := runtime.NumGoroutine(); n > before {
			t.Errorf("%d goroutines, %d at the beginning", n, before)
		}
		// Searches come with the router's starts only, and then at growing pauses.
		if n := w.seen().probes; n > 1+5*4*days {
			t.Errorf("searched %d times in %d days", n, days)
		}
	})
}
