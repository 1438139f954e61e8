package ddns

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// The pace of the work.
const (
	minEvery     = 5 * time.Minute // between two updates, whatever happens
	mostBackoff  = time.Hour
	mismatchHold = 30 * time.Minute // doubled each time, when the provider says yes and the zone no
	mostMismatch = 6 * time.Hour
	mostAbuse    = 24 * time.Hour
	checkEvery   = time.Hour
	publishTime  = time.Minute // of all requests of one update
	leastPause   = 50 * time.Millisecond
)

// checkAfter are the pauses before the zone is asked again after an update:
// providers take seconds, their secondaries minutes.
func checkAfter(round int) (pause time.Duration, last bool) {
	pauses := [...]time.Duration{10 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute}
	return pauses[min(round, len(pauses)-1)], round >= len(pauses)
}

// doubled is least, doubled for every time after the first, and most at most.
func doubled(least, most time.Duration, times int) time.Duration {
	return min(least<<min(max(times-1, 0), 16), most)
}

// keeper is the state of one Run. Only its goroutine touches it.
type keeper struct {
	u    *Updater
	want Records

	looked bool // the zone was asked, once, before anything is published
	// accepted is what the provider took last, when known.
	accepted Records
	known    bool
	seen     Records // what the name last had, as far as known
	since    time.Time

	verifiedAt time.Time // zero: the accepted records were not seen yet
	round      int       // of checks without agreement
	checkAt    time.Time
	mismatches int // updates in a row that the zone never showed

	lastTry   time.Time
	notBefore time.Time // of the next update
	held      bool      // the provider named notBefore: a new address doesn't shorten it
	failures  int
	stopped   bool

	problem, advice string
}

func newKeeper(u *Updater) *keeper {
	return &keeper{u: u, lastTry: u.Status().LastTry}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// pending reports whether there is something to publish.
func (k *keeper) pending() bool { return !k.want.empty() && !(k.known && k.accepted == k.want) }

// step does one thing that is due and returns when to come again; zero means when
// the wanted addresses change.
func (k *keeper) step(ctx context.Context) time.Time {
	k.adopt(*k.u.want.Load())
	now := time.Now()
	switch {
	case k.want.empty() || k.stopped:
	case !k.looked:
		k.look(ctx)
	case k.pending() && !now.Before(k.notBefore):
		k.publish(ctx)
	case !k.pending() && !now.Before(k.checkAt):
		k.check(ctx)
	}
	if ctx.Err() != nil {
		return time.Time{} // what failed now failed because we are leaving
	}
	k.u.show(k.status())
	switch {
	case k.want.empty() || k.stopped:
		return time.Time{}
	case k.pending():
		return later(k.notBefore, now) // never zero, which means something else
	}
	return later(k.checkAt, now)
}

// adopt takes new wanted records. They are a reason to try again soon, unless the
// provider asked for quiet.
func (k *keeper) adopt(want Records) {
	if want == k.want {
		return
	}
	k.want = want
	k.mismatches = 0
	if k.held || k.stopped {
		return
	}
	k.failures = 0
	if !k.lastTry.IsZero() {
		// A clock that was put back must not silence us for years.
		k.notBefore = earlier(k.lastTry, time.Now()).Add(minEvery)
	}
}

// look asks the zone before the first update: a restart must not cost one.
func (k *keeper) look(ctx context.Context) {
	k.looked = true
	views, err := k.u.authority.ask(ctx)
	if err != nil || ctx.Err() != nil {
		return
	}
	k.seen = views[0].records()
	for _, v := range views {
		if !k.agrees(v) {
			return
		}
	}
	k.accepted, k.known, k.since = k.want, true, time.Now()
	k.agreed(views)
}

// publish tells the provider.
func (k *keeper) publish(ctx context.Context) {
	limited, cancel := context.WithTimeout(ctx, publishTime)
	defer cancel()
	want := k.want
	k.lastTry = time.Now()
	k.held = false
	k.u.show(k.status()) // LastTry must be known although we are ended in the middle
	err := k.u.publisher.publish(limited, want, k.seen)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		k.failed(err)
		return
	}
	if !k.known || k.accepted != want {
		k.since = time.Now()
	}
	k.accepted, k.known, k.seen = want, true, k.after(want)
	k.failures = 0
	k.notBefore = k.lastTry.Add(minEvery)
	k.verifiedAt, k.round = time.Time{}, 0
	if k.mismatches == 0 { // else only the zone can say that it is solved
		k.problem, k.advice = "", ""
	}
	k.nextCheck()
}

// after is what the name has once the provider took the wanted records.
func (k *keeper) after(want Records) Records {
	if k.u.config.Provider.removes() {
		return want
	}
	left := k.seen
	if want.A.IsValid() {
		left.A = want.A
	}
	if want.AAAA.IsValid() {
		left.AAAA = want.AAAA
	}
	return left
}

// failed plans the next try. What the provider did is unknown now: a request may
// have arrived although its answer did not.
func (k *keeper) failed(err error) {
	f := &fault{problem: clean(err.Error()), advice: tryLater}
	errors.As(err, &f)
	k.known, k.verifiedAt = false, time.Time{}
	k.failures++
	k.problem, k.advice = f.problem, f.advice
	k.stopped = f.kind == stop
	pause := doubled(minEvery, mostBackoff, k.failures)
	if f.kind == abuse {
		pause = doubled(max(f.after, abuseHold), mostAbuse, k.failures)
	}
	k.held = f.kind == abuse || f.after > 0
	k.notBefore = time.Now().Add(k.u.seams.jitter(max(pause, f.after)))
}

// check asks the zone whether it has what the provider took.
func (k *keeper) check(ctx context.Context) {
	views, err := k.u.authority.ask(ctx)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		// Not the provider's fault: nothing is published again for it.
		k.problem = "the name could not be verified: " + clean(err.Error())
		k.advice = "check that this box can ask DNS servers on the internet; the provider did accept the address"
		k.round++
		k.nextCheckOr(checkEvery)
		return
	}
	k.seen = views[0].records()
	shown, all := false, true
	for _, v := range views {
		shown = shown || v.shows(k.want)
		all = all && k.agrees(v)
	}
	if all {
		k.agreed(views)
		return
	}
	k.verifiedAt = time.Time{}
	k.disagreed(views, shown)
}

// agrees reports whether a server has what it can have: a provider that can't
// remove records leaves a stale one, and publishing again would not help.
func (k *keeper) agrees(v view) bool {
	if k.u.config.Provider.removes() {
		return v.exact(k.want)
	}
	return v.shows(k.want)
}

func (k *keeper) agreed(views []view) {
	k.verifiedAt = time.Now()
	k.round, k.mismatches, k.failures = 0, 0, 0
	k.problem, k.advice = "", ""
	k.checkAt = time.Now().Add(k.u.seams.jitter(checkEvery))
	for _, v := range views {
		if !v.exact(k.want) {
			label := k.u.config.Provider.Label()
			k.problem = fmt.Sprintf("the name also has an old address (%s), and %s has no way to remove it from here", v.words(), label)
			k.advice = "delete the record that is not " + k.want.list() + " on the name's page at " + label
		}
	}
}

// disagreed waits for slow servers, and publishes again when in the end none shows
// the wanted address.
func (k *keeper) disagreed(views []view, shown bool) {
	odd := views[0]
	for _, v := range views {
		if !k.agrees(v) {
			odd = v
			break
		}
	}
	k.round++
	_, last := checkAfter(k.round)
	if !last {
		k.nextCheck()
		return
	}
	k.problem = fmt.Sprintf("the zone's server %s has %s for the name instead of %s", clean(odd.server), odd.words(), k.want.list())
	k.advice = "look at the name's records at " + k.u.config.Provider.Label() + ": something else may be changing them"
	if odd.alias != "" {
		k.advice = "delete the name's CNAME record at " + k.u.config.Provider.Label() + ", or choose another name"
	}
	if shown {
		k.nextCheckOr(checkEvery) // a secondary lags: the provider has it right
		return
	}
	k.mismatches++
	k.known, k.round = false, 0
	k.notBefore = time.Now().Add(k.u.seams.jitter(doubled(mismatchHold, mostMismatch, k.mismatches)))
}

func (k *keeper) nextCheck() { k.nextCheckOr(checkEvery) }

// nextCheckOr plans a check after the round's pause, or the given one when the
// rounds are used up.
func (k *keeper) nextCheckOr(d time.Duration) {
	pause, last := checkAfter(k.round)
	if last {
		pause = k.u.seams.jitter(d)
	}
	k.checkAt = time.Now().Add(pause)
}

func (k *keeper) status() Status {
	s := Status{
		State: k.state(), Provider: k.u.config.Provider, Name: k.u.config.Name,
		Wanted: k.want, Published: k.seen, Since: k.since, VerifiedAt: k.verifiedAt, LastTry: k.lastTry,
		Problem: k.problem, Advice: k.advice,
	}
	if s.State == Pending {
		s.NextTry = later(k.notBefore, time.Now())
	}
	if s.State == NoAddress {
		s.Advice = "the name keeps its last address until the router tells a public one"
	}
	return s
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (k *keeper) state() State {
	switch {
	case k.stopped:
		return Stopped
	case k.want.empty():
		return NoAddress
	case k.pending():
		return Pending
	case k.verifiedAt.IsZero():
		return Published
	}
	return Verified
}
