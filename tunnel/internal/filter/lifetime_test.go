package filter

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestFlowsAreRememberedForAsLongAsTheirPhaseNeeds(t *testing.T) {
	both(t, Everything(), Access{}, func(w *world, f family) {
		me := at(f.anna, 4000)
		for _, c := range []struct {
			name   string
			begin  func() bool
			answer []byte
			life   time.Duration
		}{
			{"SYN", func() bool { return w.up(tcp(me, at(f.home, 1), tcpSYN)) }, tcp(at(f.home, 1), me, tcpSYN|tcpACK), idle[opening]},
			{"SYN and more, unanswered", func() bool { return w.up(tcp(me, at(f.home, 11), tcpSYN)) && w.up(tcp(me, at(f.home, 11), tcpACK)) }, tcp(at(f.home, 11), me, tcpSYN|tcpACK), idle[opening]},
			{"SYN answered", func() bool {
				return w.up(tcp(me, at(f.home, 2), tcpSYN)) && w.down(tcp(at(f.home, 2), me, tcpSYN|tcpACK))
			}, tcp(at(f.home, 2), me, tcpSYN|tcpACK), idle[opening]},
			{"established", func() bool { return w.connected(me, at(f.home, 3)) }, tcp(at(f.home, 3), me, tcpACK), idle[established]},
			{"half closed", func() bool { return w.connected(me, at(f.home, 4)) && w.up(tcp(me, at(f.home, 4), tcpFIN|tcpACK)) }, tcp(at(f.home, 4), me, tcpACK), idle[established]},
			{"closed", func() bool {
				return w.connected(me, at(f.home, 5)) && w.up(tcp(me, at(f.home, 5), tcpFIN|tcpACK)) && w.down(tcp(at(f.home, 5), me, tcpFIN|tcpACK))
			}, tcp(at(f.home, 5), me, tcpACK), idle[closing]},
			{"refused", func() bool {
				return w.up(tcp(me, at(f.home, 6), tcpSYN)) && w.down(tcp(at(f.home, 6), me, tcpRST|tcpACK))
			}, tcp(at(f.home, 6), me, tcpRST), idle[closing]},
			{"reset", func() bool { return w.connected(me, at(f.home, 7)) && w.up(tcp(me, at(f.home, 7), tcpRST)) }, tcp(at(f.home, 7), me, tcpACK), idle[closing]},
			{"UDP asking", func() bool { return w.up(udp(me, at(f.home, 8))) }, udp(at(f.home, 8), me), idle[asking]},
			{"UDP talking", func() bool { return w.up(udp(me, at(f.home, 9))) && w.down(udp(at(f.home, 9), me)) }, udp(at(f.home, 9), me), idle[talking]},
			{"DNS", func() bool { return w.up(udp(me, at(f.own, 53))) && w.down(udp(at(f.own, 53), me)) }, udp(at(f.own, 53), me), idle[short]},
			{"echo", func() bool { return w.up(echo(f.anna, f.home, false, 5)) }, echo(f.home, f.anna, true, 5), idle[short]},
		} {
			for _, late := range []bool{false, true} {
				w.passes(c.name, c.begin())
				w.now += c.life
				if late {
					w.now += time.Second
				}
				if got := w.down(c.answer); got == late {
					t.Errorf("%s: after %v (late: %t) passed = %t", c.name, c.life, late, got)
				}
				w.now += idle[established] + time.Minute // all over
			}
		}
		w.sweep()
		if n := w.Snapshot().Flows; n != 0 {
			t.Errorf("%d flows are left", n)
		}
	})
}

func TestTrafficKeepsAFlow(t *testing.T) {
	both(t, Everything(), Access{}, func(w *world, f family) {
		me, to := at(f.anna, 4000), at(f.home, 9)
		w.passes("the question", w.up(udp(me, to)))
		for range 20 {
			w.now += idle[asking] - time.Second
			w.sweep()
			w.passes("an answer", w.down(udp(to, me)))
		}
	})
}

func TestAPortMayBeUsedAgainAtOnceAfterTheEnd(t *testing.T) {
	both(t, Everything(), Access{}, func(w *world, f family) {
		me, to := at(f.anna, 4000), at(f.home, 5)
		for range 3 {
			w.passes("a connection", w.connected(me, to))
			w.passes("its ends", w.up(tcp(me, to, tcpFIN|tcpACK)) && w.down(tcp(to, me, tcpFIN|tcpACK)) && w.up(tcp(me, to, tcpACK)))
		}
		w.passes("once more", w.connected(me, to))
		w.now += 10 * idle[closing]
		w.sweep()
		w.passes("later", w.goesOn(me, to))
	})
}

func TestAConnectionFromBeforeARestartGetsThrough(t *testing.T) {
	// So that the other side can answer with a reset: better than silence.
	both(t, HomeOnly(), Access{}, func(w *world, f family) {
		w.passes("data", w.up(tcp(at(f.anna, 4000), at(f.home, 5), tcpACK)))
		w.passes("the reset", w.down(tcp(at(f.home, 5), at(f.anna, 4000), tcpRST)))
		w.dropped("where it may not go", w.up(tcp(at(f.anna, 4000), at(f.far, 5), tcpACK)))
		w.dropped("a reset of nothing", w.up(tcp(at(f.anna, 4001), at(f.home, 5), tcpRST)))
	})
}

func TestRunSweepsAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
		f, err := New(Config{Addresses: tunnelNets})
		if err != nil {
			t.Fatal(err)
		}
		f.SetHost(Host{Addresses: hostNets})
		if err := f.SetPeers(peersWith(Everything(), Access{})); err != nil {
			t.Fatal(err)
		}
		w := &world{t: t, Filter: f, wire: &wire{}}
		w.front = f.Wrap(w.wire)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- f.Run(ctx) }()
		w.passes("a flow", w.up(knock(families[0].anna, families[0].home)))
		if n := f.Snapshot().Flows; n != 1 {
			t.Fatalf("%d flows are open, want 1", n)
		}
		time.Sleep(idle[asking] + sweepEvery + time.Second) // the test's own time
		if n := f.Snapshot().Flows; n != 0 {
			t.Errorf("%d flows are left", n)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
