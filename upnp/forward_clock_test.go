package upnp

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// ledger is a router in memory that keeps a table for others, too.
type ledger struct {
	*memory // its mu guards the rest
	table   []row
	leased  time.Duration // granted; the wish when zero, for ever when negative
	kept    time.Duration // what the table says instead, unless zero
	astray  string        // the machine that entries lead to instead, unless empty
	answer  answer        // to every question about the table
	adds    []time.Time
	asked   int
}

func (l *ledger) probe(ctx context.Context, gw Gateway) (session, answer) {
	_, a := l.memory.probe(ctx, gw)
	return l, a
}

func (l *ledger) at(protocol string, port uint16) int {
	return slices.IndexFunc(l.table, func(r row) bool { return r.external == port && r.protocol == protocol })
}

func (l *ledger) specific(_ context.Context, protocol string, port uint16) (entry, answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked++
	if !l.answer.ok() {
		return entry{}, l.answer
	}
	i := l.at(protocol, port)
	if i < 0 {
		return entry{}, answer{outcome: notThere}
	}
	return l.table[i].entry, answer{}
}

func (l *ledger) addForward(_ context.Context, s slot, description string, lease time.Duration) (time.Duration, answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.answer.ok() {
		return 0, l.answer
	}
	if l.leased != 0 {
		lease = max(l.leased, 0)
	}
	client := s.to.Addr().String()
	if l.astray != "" {
		client = l.astray
	}
	kept := lease
	if l.kept != 0 {
		kept = l.kept
	}
	l.adds = append(l.adds, time.Now())
	l.table = slices.DeleteFunc(l.table, func(r row) bool { return r.external == s.external && r.protocol == s.protocol })
	l.table = append(l.table, row{protocol: s.protocol, entry: entry{external: s.external, internal: s.to.Port(), client: client,
		enabled: true, description: description, lease: kept}})
	return lease, answer{}
}

func (l *ledger) deleteEntry(_ context.Context, _ string, port uint16, protocol string) answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.answer.ok() {
		return l.answer
	}
	i := l.at(protocol, port)
	if i < 0 {
		return answer{outcome: notThere}
	}
	l.table = slices.Delete(l.table, i, i+1)
	return answer{}
}

func (l *ledger) entry(ctx context.Context, port uint16) (entry, answer) {
	return l.specific(ctx, udp, port)
}
func (l *ledger) deletePortMapping(ctx context.Context, port uint16) answer {
	return l.deleteEntry(ctx, "", port, udp)
}
func (l *ledger) rows(context.Context, int) ([]row, bool, answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.table), true, answer{}
}

// look has the test read or change the ledger.
func (l *ledger) look(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
}

// made is when it was asked for an entry.
func (l *ledger) made() (adds []time.Time) {
	l.look(func() { adds = slices.Clone(l.adds) })
	return adds
}

// has reports whether the rule's entry is there.
func (l *ledger) has() (yes bool) {
	l.look(func() { yes = l.at("TCP", 8443) >= 0 })
	return yes
}

// withLedger is a world whose router keeps a table.
func withLedger(t *testing.T, f func(*world, *ledger)) { inLedger(t, func(*ledger) {}, f) }

func inLedger(t *testing.T, set func(*ledger), f func(*world, *ledger)) {
	inBubble(t, func(w *world) {
		l := &ledger{memory: w.router}
		set(l)
		w.m.protocols = []protocol{l}
		w.m.SetForwards([]Forward{web()})
		w.start()
		w.until(verdict(Mapped))
		synctest.Wait()
		f(w, l)
	})
}

func TestForwardsAreRenewedAtHalfTheirLeaseAndReadBack(t *testing.T) {
	withLedger(t, func(w *world, l *ledger) {
		l.look(func() { l.leased = 20 * time.Minute })
		start := time.Now()
		w.sleep(65 * time.Minute)
		if !allIn(ForwardOpen)(w.m.Forwards()) {
			t.Fatalf("%+v", w.m.Forwards())
		}
		adds := l.made()
		// The first grant was for the hour of the wish, half of which was at 30 minutes.
		for i, after := range []time.Duration{0, 30 * time.Minute, 40 * time.Minute, 50 * time.Minute, 60 * time.Minute} {
			if i >= len(adds) || adds[i].Sub(start).Abs()-after > 10*time.Second {
				t.Fatalf("asked at %v, want one at %v", adds, after)
			}
		}
		if len(adds) != 5 {
			t.Errorf("asked at %v", adds)
		}
		if since := time.Since(w.m.Forwards()[0].VerifiedAt); since > checkEvery {
			t.Errorf("read back %v ago", since)
		}
	})
}

// What the table says counts when it is less than what was granted.
func TestAForwardsLeaseIsTheOneInTheTable(t *testing.T) {
	inLedger(t, func(l *ledger) { l.kept = 8 * time.Minute }, func(w *world, l *ledger) {
		w.sleep(30 * time.Minute)
		if n := len(l.made()); n < 7 || n > 8 {
			t.Errorf("asked %d times in 30 minutes for a lease of 8", n)
		}
	})
}

func TestAnEntryWithoutEndIsMadeOnceAndLookedAt(t *testing.T) {
	inLedger(t, func(l *ledger) { l.leased = -1 }, func(w *world, l *ledger) {
		w.sleep(time.Hour)
		if n := len(l.made()); n != 1 || time.Since(w.m.Forwards()[0].VerifiedAt) > checkEvery {
			t.Errorf("asked %d times, read back at %v", n, w.m.Forwards()[0].VerifiedAt)
		}
	})
}

func TestAForwardThatLeadsAstrayIsNotBelieved(t *testing.T) {
	inLedger(t, func(l *ledger) { l.astray = "192.168.1.99" }, func(w *world, l *ledger) {
		if s := w.m.Forwards(); !allIn(ForwardTaken)(s) || !strings.Contains(s[0].Problem, "192.168.1.99") {
			t.Errorf("%+v", s)
		}
	})
}

func TestAForgottenForwardIsBackWithinFiveMinutes(t *testing.T) {
	withLedger(t, func(w *world, l *ledger) {
		w.sleep(time.Minute)
		l.look(func() { l.table = nil })
		w.sleep(checkEvery)
		if !l.has() {
			t.Error("still forgotten")
		}
	})
}

// What tells of our own port that the router restarted counts for the forwards, too.
func TestForwardsAreBackAsSoonAsOurOwnPortIs(t *testing.T) {
	withLedger(t, func(w *world, l *ledger) {
		w.sleep(time.Minute)
		l.look(func() { l.table = nil })
		w.set(func(m *memory) { m.wanAnswer = answer{outcome: notThere, problem: "the router restarted"} })
		w.sleep(addressEvery)
		w.set(func(m *memory) { m.wanAnswer = answer{} })
		w.sleep(time.Second)
		if !l.has() {
			t.Error("still forgotten")
		}
	})
}

func TestAForwardsStateIsUnknownWhileTheRouterIsAway(t *testing.T) {
	withLedger(t, func(w *world, l *ledger) {
		w.set(func(m *memory) {
			m.wanAnswer, m.probeAnswer, m.addAnswer = answer{outcome: silent}, answer{outcome: silent}, answer{outcome: silent}
		})
		w.sleep(10 * time.Minute)
		s := w.m.Forwards()[0]
		if s.State != ForwardWaiting || !strings.Contains(s.Problem, "doesn't answer") {
			t.Errorf("%+v", s)
		}
		w.set(func(m *memory) { m.wanAnswer, m.probeAnswer, m.addAnswer = answer{}, answer{}, answer{} })
		w.sleep(10 * time.Minute)
		if !allIn(ForwardOpen)(w.m.Forwards()) {
			t.Errorf("%+v", w.m.Forwards())
		}
	})
}

// Another address of ours is another place to ask from; the machine is the same.
func TestForwardsStayWhenOurOwnAddressChanges(t *testing.T) {
	withLedger(t, func(w *world, l *ledger) {
		w.sleep(time.Second)
		moved := w.gw
		moved.Self = netip.MustParseAddr("192.168.1.11")
		w.setRoute(moved, nil)
		w.sleep(2 * routeEvery)
		if n := len(l.made()); !l.has() || n != 2 || !allIn(ForwardOpen)(w.m.Forwards()) {
			t.Errorf("asked %d times, there: %t, %+v", n, l.has(), w.m.Forwards())
		}
	})
}

// A router that doesn't want the entry is not asked all the time.
func TestARefusedForwardIsAskedForSeldom(t *testing.T) {
	withLedger(t, func(w *world, l *ledger) {
		l.look(func() { l.table, l.answer = nil, answer{outcome: notAllowed, code: 606} })
		w.m.SetForwards([]Forward{web()})
		w.sleep(time.Second)
		if !allIn(ForwardRefused)(w.m.Forwards()) {
			t.Fatalf("%+v", w.m.Forwards())
		}
		var before, after int
		l.look(func() { before = l.asked })
		w.sleep(time.Hour)
		l.look(func() { after = l.asked })
		if n := after - before; n == 0 || n > 24 {
			t.Errorf("asked %d times in an hour", n)
		}
	})
}

// What can't be removed at once is removed as soon as the router answers, and is
// nobody's business meanwhile.
func TestAForwardThatCannotBeRemovedNowIsRemovedLater(t *testing.T) {
	withLedger(t, func(w *world, l *ledger) {
		w.sleep(time.Second)
		l.look(func() { l.answer = answer{outcome: silent} })
		w.m.SetForwards(nil)
		w.sleep(10 * time.Second)
		if len(w.m.Forwards()) != 0 || !l.has() {
			t.Fatalf("%+v", w.m.Forwards())
		}
		l.look(func() { l.answer = answer{} })
		w.sleep(2 * forwardRetry)
		if l.has() {
			t.Error("still there")
		}
	})
}
