package ddns

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// world is a provider and a zone without a network, for tests of time.
type world struct {
	mu      sync.Mutex
	zone    Records       // what the zone's servers say
	faults  []error       // of the next updates; then all succeed
	updates []time.Time   // when the provider was asked
	deaf    bool          // updates are accepted and forgotten
	slow    time.Duration // of an update
	dark    bool          // the zone can't be asked
	asked   int
	lagging bool // a second server always has the old address
	first   time.Time
}

func (w *world) publish(ctx context.Context, want, _ Records) error {
	w.mu.Lock()
	w.updates = append(w.updates, time.Now())
	var err error
	if len(w.faults) > 0 {
		err, w.faults = w.faults[0], w.faults[1:]
	}
	slow := w.slow
	w.mu.Unlock()
	if slow > 0 {
		select {
		case <-ctx.Done():
			return &fault{problem: "ended", advice: tryLater}
		case <-time.After(slow):
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil && !w.deaf {
		w.zone = want
	}
	return err
}

func (w *world) ask(context.Context) ([]view, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	if w.dark {
		return nil, errors.New("asking the zone's server ns1: no answer in time")
	}
	v := view{server: "ns1"}
	if w.zone.A.IsValid() {
		v.a = []netip.Addr{w.zone.A}
	}
	if w.zone.AAAA.IsValid() {
		v.aaaa = []netip.Addr{w.zone.AAAA}
	}
	views := []view{v}
	if w.lagging {
		views = append(views, view{server: "ns2", a: []netip.Addr{addr(old4)}})
	}
	return views, nil
}

func (w *world) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.updates)
}

func (w *world) times() []time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.updates)
}

func (w *world) questions() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.asked
}

func (w *world) now() Records {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.zone
}

func (w *world) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

// start runs an updater in the world until the test ends.
func (w *world) start(t *testing.T, spoil ...func(*Config)) *Updater {
	t.Helper()
	c := Config{Provider: DeSEC, Name: "home.dedyn.io", Credentials: NewCredentials("", token)}
	for _, s := range spoil {
		s(&c)
	}
	u, err := newUpdater(c, realSeams(nil))
	if err != nil {
		t.Fatal(err)
	}
	u.publisher, u.authority = w, w
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() {
		if err := u.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); done.Wait() })
	w.set(func() { w.first = time.Now() })
	return u
}

// pass lets time go by.
func pass(d time.Duration) { <-time.After(d); synctest.Wait() }

func wantStatus(t *testing.T, u *Updater, s State, published Records) Status {
	t.Helper()
	got := u.Status()
	if got.State != s || got.Published != published {
		t.Errorf("state = %v with %v, want %v with %v (%s)", got.State, got.Published, s, published, got.Problem)
	}
	return got
}

func only4(s string) Records { return Records{A: addr(s)} }

func TestNameIsPublishedAtOnceAndVerified(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{zone: only4(old4)}
		u := w.start(t)
		synctest.Wait()
		wantStatus(t, u, NoAddress, Records{})
		u.Set(addr(home4), addr(home6), false)
		pass(time.Second)
		s := wantStatus(t, u, Published, only4(home4))
		if s.LastTry.Sub(w.first) > time.Second || s.Since != s.LastTry || !s.VerifiedAt.IsZero() {
			t.Errorf("status = %+v", s)
		}
		pass(10 * time.Second)
		s = wantStatus(t, u, Verified, only4(home4))
		if s.VerifiedAt.IsZero() || s.Problem != "" || s.Advice != "" || !s.NextTry.IsZero() {
			t.Errorf("status = %+v", s)
		}
		select {
		case <-u.Changed():
		default:
			t.Error("nobody was told")
		}
		pass(24 * time.Hour)
		select {
		case <-u.Changed():
			t.Error("told of a day in which nothing changed")
		default:
		}
		if w.count() != 1 || w.questions() > 28 {
			t.Errorf("%d updates and %d questions in a day in which nothing changed", w.count(), w.questions())
		}
	})
}

func TestRestartCostsNoUpdate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{zone: only4(home4)}
		u := w.start(t)
		u.Set(addr(home4), netip.Addr{}, false)
		pass(time.Second)
		wantStatus(t, u, Verified, only4(home4))
		if w.count() != 0 {
			t.Errorf("%d updates although the zone was right", w.count())
		}
	})
}

func TestRestartKeepsTheFiveMinutes(t *testing.T) {
	for _, ago := range []time.Duration{time.Minute, -time.Hour} { // the second: the clock was put back
		synctest.Test(t, func(t *testing.T) {
			w := &world{zone: only4(old4)}
			u := w.start(t, func(c *Config) { c.LastTry = time.Now().Add(-ago) })
			u.Set(addr(home4), netip.Addr{}, false)
			pass(3 * time.Minute)
			if s := wantStatus(t, u, Pending, only4(old4)); w.count() != 0 || s.NextTry.IsZero() {
				t.Errorf("%d updates, next %v", w.count(), s.NextTry)
			}
			pass(3 * time.Minute)
			wantStatus(t, u, Verified, only4(home4))
		})
	}
}

func TestTheFinalValueWinsAtOneUpdateInFiveMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{slow: 20 * time.Second}
		u := w.start(t)
		last := netip.Addr{}
		random := rand.New(rand.NewPCG(1, 2))
		for range 2000 { // an address that flaps for hours
			last = netip.AddrFrom4([4]byte{45, 1, byte(random.IntN(3)), 1})
			u.Set(last, netip.Addr{}, false)
			pass(time.Duration(random.IntN(20)) * time.Second)
		}
		pass(10 * time.Minute)
		wantStatus(t, u, Verified, Records{A: last})
		if w.now().A != last {
			t.Errorf("the zone has %v, want %v", w.now().A, last)
		}
		for i := range len(w.times()) - 1 {
			if d := w.times()[i+1].Sub(w.times()[i]); d < minEvery {
				t.Errorf("two updates within %v", d)
			}
		}
		if len(w.times()) < 20 { // control: it did flap
			t.Errorf("%d updates only", len(w.times()))
		}
	})
}

func TestThereAndBackCostsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		u := w.start(t)
		u.Set(addr(home4), netip.Addr{}, false)
		pass(time.Minute)
		u.Set(addr(old4), netip.Addr{}, false)
		pass(time.Minute)
		u.Set(netip.Addr{}, netip.Addr{}, false) // no internet
		pass(time.Minute)
		wantStatus(t, u, NoAddress, only4(home4))
		u.Set(addr(home4), netip.Addr{}, false)
		pass(time.Hour)
		wantStatus(t, u, Verified, only4(home4))
		if w.count() != 1 {
			t.Errorf("%d updates", w.count())
		}
	})
}

func TestAAAATakesTheNameWhenOnlyIPv6Works(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		u := w.start(t)
		u.Set(addr(home4), addr(home6), false)
		pass(10 * time.Minute)
		wantStatus(t, u, Verified, only4(home4))
		u.Set(netip.Addr{}, addr(home6), true)
		pass(time.Minute)
		wantStatus(t, u, Verified, Records{AAAA: addr(home6)})
		u.Set(addr(home4), addr(home6), false)
		pass(10 * time.Minute)
		wantStatus(t, u, Verified, only4(home4))
	})
}

func TestTemporaryFaultsAreTriedAgainEverLessOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		for range 40 {
			w.faults = append(w.faults, faultf(tryLater, "out of order"))
		}
		u := w.start(t)
		u.Set(addr(home4), netip.Addr{}, false)
		pass(24 * time.Hour)
		s := wantStatus(t, u, Pending, Records{})
		if s.Problem != "out of order" || s.Advice != tryLater || s.NextTry.IsZero() {
			t.Errorf("status = %+v", s)
		}
		least := []time.Duration{5 * time.Minute, 10 * time.Minute, 20 * time.Minute, 40 * time.Minute, time.Hour, time.Hour}
		for i, d := range least {
			if got := w.times()[i+1].Sub(w.times()[i]); got < d || got > d+d/5+leastPause {
				t.Errorf("pause %d is %v, want %v and at most a fifth", i, got, d)
			}
		}
		pass(24 * time.Hour)
		wantStatus(t, u, Verified, only4(home4))
	})
}

func TestNewAddressShortensTheBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{faults: slices.Repeat([]error{faultf(tryLater, "no answer")}, 6)}
		u := w.start(t)
		u.Set(addr(old4), netip.Addr{}, false)
		pass(100 * time.Minute) // in the hour of the fifth pause
		before := w.count()
		w.set(func() { w.faults = nil })
		u.Set(addr(home4), netip.Addr{}, false)
		pass(time.Minute)
		if w.count() != before+1 {
			t.Errorf("%d updates in the minute after, want one", w.count()-before)
		}
		wantStatus(t, u, Verified, only4(home4))
	})
}

func TestRefusedCredentialsEndIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{faults: []error{badAuth(DeSEC, "badauth")}}
		u := w.start(t)
		u.Set(addr(home4), netip.Addr{}, false)
		pass(time.Hour)
		u.Set(addr(old4), netip.Addr{}, false) // is no reason to try
		pass(30 * 24 * time.Hour)
		s := wantStatus(t, u, Stopped, Records{})
		if w.count() != 1 || !s.NextTry.IsZero() || s.Problem == "" || s.Advice == "" {
			t.Errorf("%d updates, status %+v", w.count(), s)
		}
		fresh := w.start(t) // with other credentials
		fresh.Set(addr(home4), netip.Addr{}, false)
		pass(time.Minute)
		wantStatus(t, fresh, Verified, only4(home4))
	})
}

func TestAbuseIsAnsweredWithHoursOfQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		angry := &fault{kind: abuse, after: abuseHold, problem: "blocked", advice: "unblock"}
		w := &world{faults: []error{angry, angry, angry, angry}}
		u := w.start(t)
		for i := range 300 { // addresses that change don't shorten it
			u.Set(netip.AddrFrom4([4]byte{45, 1, 1, byte(1 + i%2)}), netip.Addr{}, false)
			pass(30 * time.Minute)
		}
		for i, least := range []time.Duration{6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 24 * time.Hour} {
			if d := w.times()[i+1].Sub(w.times()[i]); d < least {
				t.Errorf("quiet %d lasted %v, want %v", i, d, least)
			}
		}
		if got := u.Status(); got.State == Stopped {
			t.Errorf("state = %v", got.State)
		}
	})
}

func TestTheProvidersWishIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{faults: []error{faultf(tryLater, "fewer").waits(3 * time.Hour)}}
		u := w.start(t)
		u.Set(addr(home4), netip.Addr{}, false)
		pass(time.Minute)
		u.Set(addr(old4), netip.Addr{}, false)
		pass(2 * time.Hour)
		if w.count() != 1 {
			t.Errorf("%d updates", w.count())
		}
		pass(2 * time.Hour)
		wantStatus(t, u, Verified, only4(old4))
	})
}

// The update took effect and its answer was lost: the old address wanted again
// must be sent again.
func TestLostAnswerLeavesNothingAssumed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		u := w.start(t)
		u.Set(addr(home4), netip.Addr{}, false)
		pass(10 * time.Minute)
		w.set(func() { w.faults = []error{faultf(tryLater, "no answer")} })
		u.Set(addr(old4), netip.Addr{}, false)
		pass(time.Second)
		w.set(func() { w.zone = only4(old4) })
		u.Set(addr(home4), netip.Addr{}, false)
		pass(10 * time.Minute)
		if w.now() != only4(home4) {
			t.Errorf("the zone has %v", w.now())
		}
	})
}

func TestProviderThatForgetsIsToldRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{deaf: true, zone: only4(old4)}
		u := w.start(t)
		u.Set(addr(home4), netip.Addr{}, false)
		pass(20 * time.Minute)
		s := wantStatus(t, u, Pending, only4(old4))
		if s.Problem != "the zone's server ns1 has "+old4+" for the name instead of "+home4 || s.Advice == "" {
			t.Errorf("status = %+v", s)
		}
		for range 48 * 60 {
			pass(time.Minute)
			if u.Status().Problem == "" {
				t.Fatal("the problem is forgotten before it is solved")
			}
		}
		if n := w.count(); n < 5 || n > 14 {
			t.Errorf("%d updates in two days", n)
		}
		w.set(func() { w.deaf = false })
		pass(24 * time.Hour)
		if s := wantStatus(t, u, Verified, only4(home4)); s.Problem != "" {
			t.Errorf("problem = %q", s.Problem)
		}
	})
}

func TestForeignChangeIsNoticedAndMended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		u := w.start(t)
		u.Set(addr(home4), netip.Addr{}, false)
		pass(time.Hour)
		w.set(func() { w.zone = only4(old4) })
		pass(3 * time.Hour)
		wantStatus(t, u, Verified, only4(home4))
		if w.count() != 2 {
			t.Errorf("%d updates", w.count())
		}
	})
}

func TestLaggingServerIsToldAndNotTheProvidersFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{lagging: true}
		u := w.start(t)
		u.Set(addr(home4), netip.Addr{}, false)
		pass(12 * time.Hour)
		s := wantStatus(t, u, Published, only4(home4))
		if w.count() != 1 || s.Problem != "the zone's server ns2 has "+old4+" for the name instead of "+home4 {
			t.Errorf("%d updates, problem %q", w.count(), s.Problem)
		}
		w.set(func() { w.lagging = false })
		pass(2 * time.Hour)
		wantStatus(t, u, Verified, only4(home4))
	})
}

func TestZoneThatCannotBeAskedIsNoReasonToPublishAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{dark: true}
		u := w.start(t)
		u.Set(addr(home4), netip.Addr{}, false)
		pass(12 * time.Hour)
		s := wantStatus(t, u, Published, only4(home4))
		if w.count() != 1 || s.Problem == "" || s.Advice == "" {
			t.Errorf("%d updates, status %+v", w.count(), s)
		}
		w.set(func() { w.dark = false })
		pass(2 * time.Hour)
		wantStatus(t, u, Verified, only4(home4))
	})
}

// A provider that can't remove records: the owner is told, and it is not asked
// again and again.
func TestStaleRecordThatCannotBeRemovedIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{zone: Records{A: addr(home4), AAAA: addr(old6)}}
		u := w.start(t, func(c *Config) { c.Provider, c.Credentials = NoIP, NewCredentials("u", token) })
		u.Set(addr(home4), netip.Addr{}, false)
		pass(12 * time.Hour)
		s := wantStatus(t, u, Verified, w.now())
		if w.count() != 0 || s.Problem == "" || s.Advice != "delete the record that is not "+home4+" on the name's page at No-IP" {
			t.Errorf("%d updates, status %+v", w.count(), s)
		}
	})
	synctest.Test(t, func(t *testing.T) { // control: one that can
		w := &world{zone: Records{A: addr(home4), AAAA: addr(old6)}}
		u := w.start(t)
		u.Set(addr(home4), netip.Addr{}, false)
		pass(time.Minute)
		wantStatus(t, u, Verified, only4(home4))
		if w.count() != 1 {
			t.Errorf("%d updates", w.count())
		}
	})
}

func TestRunEndsInTheMiddleOfAnUpdate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{slow: 30 * time.Second}
		c := Config{Provider: DeSEC, Name: "home.dedyn.io", Credentials: NewCredentials("", token)}
		u, err := newUpdater(c, realSeams(nil))
		if err != nil {
			t.Fatal(err)
		}
		u.publisher, u.authority = w, w
		for round := range 2 { // it may run again
			u.Set(netip.AddrFrom4([4]byte{45, 1, 1, byte(1 + round)}), netip.Addr{}, false)
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error)
			go func() { done <- u.Run(ctx) }()
			pass([]time.Duration{time.Second, minEvery}[round])
			if err := u.Run(t.Context()); err == nil {
				t.Error("it runs twice at once")
			}
			pass(4 * time.Second)
			start := time.Now()
			cancel()
			if err := <-done; err != nil || time.Since(start) > 0 {
				t.Errorf("error %v after %v", err, time.Since(start))
			}
			if w.count() != round+1 || u.Status().LastTry != w.times()[round] {
				t.Errorf("the last try of %v is %v", w.times(), u.Status().LastTry)
			}
		}
	})
}

func TestPublishHasItsOwnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{slow: time.Hour}
		u := w.start(t)
		u.Set(addr(home4), netip.Addr{}, false)
		pass(publishTime + time.Second)
		if s := u.Status(); s.Problem != "ended" {
			t.Errorf("status = %+v", s)
		}
	})
}
