package upnp

import (
	"net/netip"
	"testing"
	"time"
)

func TestRenewsAtHalfOfTheGrantedLease(t *testing.T) {
	for name, tt := range map[string]struct {
		lease time.Duration
		adds  int // within two hours, with the first
	}{
		"an hour":        {time.Hour, 5},
		"ten minutes":    {10 * time.Minute, 25},
		"twenty seconds": {20 * time.Second, 241}, // not more often than every 30 s
		"permanent":      {0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				w.set(func(r *memory) { r.lease = tt.lease })
				w.start()
				w.sleep(2*time.Hour + time.Second)
				if w.seen().adds != tt.adds || w.seen().probes != 1 {
					t.Errorf("%d requests, %d searches", w.seen().adds, w.seen().probes)
				}
				s := w.m.Status()
				if s.Verdict != Mapped || s.Mapping.Granted != tt.lease || s.Mapping.GoodUntil.IsZero() != (tt.lease == 0) {
					t.Errorf("%+v, %+v", s, s.Mapping)
				}
				w.stop()
				if w.seen().removed != 1 {
					t.Errorf("removed %d times", w.seen().removed)
				}
			})
		})
	}
}

func TestSteadyStateIsQuiet(t *testing.T) {
	inBubble(t, func(w *world) {
		w.start()
		w.until(verdict(Mapped))
		since := w.m.Status().Since
		asks, checks := w.seen().asks, w.seen().checks
		w.sleep(time.Hour)
		if a, c := w.seen().asks-asks, w.seen().checks-checks; a < 70 || a > 74 || c < 138 || c > 146 {
			t.Errorf("%d addresses, %d read-backs in an hour", a, c)
		}
		s := w.m.Status()
		if s.Since != since || time.Since(s.CheckedAt) > time.Minute {
			t.Errorf("since %v, checked %v ago", s.Since, time.Since(s.CheckedAt))
		}
		if n := len(w.m.Changed()); n > 1 {
			t.Errorf("%d changes told", n)
		}
	})
}

func TestPausesGrow(t *testing.T) {
	inBubble(t, func(w *world) {
		w.set(func(r *memory) { r.probeAnswer = answer{outcome: silent} })
		w.start()
		w.sleep(12 * time.Minute)
		want := []time.Duration{0, 5 * time.Second, 20 * time.Second, 80 * time.Second, 380 * time.Second, 680 * time.Second}
		if len(w.seen().probed) != len(want) {
			t.Fatalf("searched %v", w.seen().probed)
		}
		for i, at := range w.seen().probed {
			if got := at.Sub(w.seen().probed[0]); got != want[i] {
				t.Errorf("search %d after %v, want %v", i, got, want[i])
			}
		}
		w.set(func(r *memory) { r.probeAnswer = answer{} })
		start := time.Now()
		if w.until(verdict(Mapped)); time.Since(start) > 5*time.Minute {
			t.Errorf("back after %v", time.Since(start))
		}
	})
}

func TestRouterThatMovedIsFoundAtOnce(t *testing.T) {
	inBubble(t, func(w *world) {
		w.start()
		w.until(verdict(Mapped))
		w.set(func(r *memory) { r.wanAnswer = answer{outcome: moved} })
		for w.seen().probes == 1 {
			w.sleep(time.Second)
		}
		w.set(func(r *memory) { r.wanAnswer = answer{} })
		w.sleep(time.Second)
		if s := w.m.Status(); s.Verdict != Mapped || w.seen().adds != 2 {
			t.Errorf("%+v, %d requests", s, w.seen().adds)
		}
	})
}

func TestFlappingRouterIsNotSearchedMoreThanOnceAMinute(t *testing.T) {
	inBubble(t, func(w *world) {
		w.start()
		w.until(verdict(Mapped))
		w.set(func(r *memory) { r.wanAnswer = answer{outcome: moved} })
		w.sleep(30 * time.Minute)
		for i := 2; i < len(w.seen().probed); i++ {
			if gap := w.seen().probed[i].Sub(w.seen().probed[i-1]); gap < time.Minute {
				t.Errorf("searches %d and %d are %v apart", i-1, i, gap)
			}
		}
		if n := len(w.seen().probed); n < 3 {
			t.Errorf("searched %d times", n)
		}
	})
}

func TestForgottenEntryIsMadeAgainAtOnce(t *testing.T) {
	inBubble(t, func(w *world) {
		w.start()
		w.until(verdict(Mapped))
		w.sleep(firstCheck)
		w.set(func(r *memory) { r.checkAnswer = answer{outcome: notThere} })
		start := time.Now()
		for w.seen().adds == 1 {
			w.sleep(time.Second)
		}
		w.set(func(r *memory) { r.checkAnswer = answer{} })
		if took := time.Since(start); took > checkEvery+time.Second || w.seen().probes != 1 {
			t.Errorf("after %v, with %d searches", took, w.seen().probes)
		}
		if s := w.m.Status(); s.Verdict != Mapped {
			t.Errorf("%+v", s)
		}
	})
}

func TestEntryThatNeverStaysIsTold(t *testing.T) {
	inBubble(t, func(w *world) {
		w.set(func(r *memory) { r.checkAnswer = answer{outcome: notThere} })
		w.start()
		s := w.until(verdict(RouterBroken))
		if s.Mapping != nil || s.Advice == "" {
			t.Errorf("%+v", s)
		}
		w.sleep(time.Hour)
		if w.seen().adds > 20 {
			t.Errorf("asked %d times in an hour", w.seen().adds)
		}
	})
}

func TestMappingIsBelievedInUntilItsLeaseEnds(t *testing.T) {
	inBubble(t, func(w *world) {
		w.start()
		until := w.until(verdict(Mapped)).Mapping.GoodUntil
		w.set(func(r *memory) { r.wanAnswer = answer{outcome: silent} })
		w.set(func(r *memory) { r.probeAnswer = answer{outcome: silent} })
		s := w.until(verdict(NoIGD))
		if s.Mapping == nil || !s.External.IsValid() {
			t.Errorf("given up too soon: %+v", s)
		}
		w.sleep(time.Until(until) + 6*time.Minute)
		if s := w.m.Status(); s.Mapping != nil {
			t.Errorf("still believed in: %+v", s)
		}
	})
}

func TestAddressChangeIsTold(t *testing.T) {
	inBubble(t, func(w *world) {
		w.start()
		w.until(verdict(Mapped))
		for _, tt := range []struct {
			wan  string
			want Verdict
		}{{"81.2.69.77", Mapped}, {"10.1.1.1", PrivateWAN}, {"100.64.0.1", CarrierNAT}, {"81.2.69.2", Mapped}} {
			w.set(func(r *memory) { r.wan = netip.MustParseAddr(tt.wan) })
			w.sleep(addressEvery + time.Second)
			s := w.m.Status()
			if s.Verdict != tt.want || s.WAN.String() != tt.wan || s.External.IsValid() != (tt.want == Mapped) ||
				s.Mapping.External.Addr() != s.External {
				t.Errorf("%s: %+v", tt.wan, s)
			}
			select {
			case <-w.m.Changed():
			default:
				t.Errorf("%s: nobody was told", tt.wan)
			}
		}
		if w.seen().adds != 1 {
			t.Errorf("mapped %d times", w.seen().adds)
		}
	})
}

// The worst moment for a change is right after the router was asked.
func TestAnotherAddressIsNoticedWithinAMinute(t *testing.T) {
	inBubble(t, func(w *world) {
		w.start()
		w.until(verdict(Mapped))
		for asks := w.seen().asks; w.seen().asks == asks; {
			w.sleep(100 * time.Millisecond)
		}
		other := netip.MustParseAddr("81.2.69.77")
		w.set(func(r *memory) { r.wan = other })
		changed := time.Now()
		w.until(func(s Status) bool { return s.WAN == other })
		// A slow router's answer may take five seconds of the minute.
		if took := time.Since(changed); took > 55*time.Second {
			t.Errorf("noticed after %v", took)
		}
	})
}

func TestThePlaceOfHomeIsAsOldAsItsAddressPortAndRouter(t *testing.T) {
	inBubble(t, func(w *world) {
		w.start()
		first := w.until(verdict(Mapped))
		if first.PlaceSince.IsZero() {
			t.Fatal("no place")
		}
		w.sleep(20 * time.Minute)
		w.set(func(m *memory) { m.checkAnswer = answer{outcome: notThere} })
		w.sleep(10 * time.Minute) // lost and made again, at the same place
		w.set(func(m *memory) { m.checkAnswer = answer{} })
		if s := w.until(verdict(Mapped)); s.PlaceSince != first.PlaceSince {
			t.Errorf("moved at %v", s.PlaceSince)
		}
		w.set(func(m *memory) { m.wan = netip.MustParseAddr("81.2.69.9") })
		moved := w.until(func(s Status) bool { return s.External.String() == "81.2.69.9" })
		if !moved.PlaceSince.After(first.PlaceSince) {
			t.Error("another address is the same place")
		}
		w.setRoute(Gateway{Addr: netip.MustParseAddr("192.168.2.1"), Self: netip.MustParseAddr("192.168.2.10"), Interface: "eth0"}, nil)
		other := w.until(func(s Status) bool { return s.Gateway.Addr.String() == "192.168.2.1" && s.Verdict == Mapped })
		if !other.PlaceSince.After(moved.PlaceSince) {
			t.Error("another router is the same place")
		}
	})
}

func TestARouterThatTellsItsNameLaterHasNotMoved(t *testing.T) {
	at := func(id string) Status {
		return Status{
			Verdict: Mapped, External: netip.MustParseAddr("81.2.69.2"), Router: Router{ID: id},
			Gateway: Gateway{Addr: netip.MustParseAddr("192.168.1.1")}, Mapping: &Mapping{External: netip.MustParseAddrPort("81.2.69.2:51820")},
		}
	}
	now := time.Unix(1000, 0)
	nameless := at("").placed(Status{}, now)
	for i, step := range []struct {
		id    string
		moved bool
	}{{"uuid:a", false}, {"uuid:a", false}, {"", false}, {"uuid:a", false}, {"uuid:b", true}, {"", false}} {
		now = now.Add(time.Minute)
		next := at(step.id).placed(nameless, now)
		if moved := next.PlaceSince.Equal(now); moved != step.moved {
			t.Errorf("step %d, router %q: moved = %t, want %t", i, step.id, moved, step.moved)
		}
		nameless = next
	}
}

func TestRouteThatAppearsLater(t *testing.T) {
	inBubble(t, func(w *world) {
		w.setRoute(Gateway{}, ErrNoGateway)
		w.start()
		w.until(verdict(NoRouter))
		w.sleep(time.Hour)
		w.setRoute(w.gw, nil)
		start := time.Now()
		if w.until(verdict(Mapped)); time.Since(start) > 10*time.Second {
			t.Errorf("after %v", time.Since(start))
		}
		w.setRoute(Gateway{}, ErrNoGateway)
		if s := w.until(verdict(NoRouter)); s.Mapping != nil || s.External.IsValid() || s.Router != (Router{}) {
			t.Errorf("%+v", s)
		}
	})
}

func TestAnotherGatewayGetsItsOwnMapping(t *testing.T) {
	inBubble(t, func(w *world) {
		w.start()
		w.until(verdict(Mapped))
		next := w.gw
		next.Addr = netip.MustParseAddr("192.168.1.254")
		w.setRoute(next, nil)
		start := time.Now()
		w.until(func(s Status) bool { return s.Gateway == next && s.Verdict == Mapped })
		if time.Since(start) > time.Minute || w.seen().removed != 1 || w.seen().probes != 2 {
			t.Errorf("after %v: removed %d, searched %d", time.Since(start), w.seen().removed, w.seen().probes)
		}
	})
}

func TestLeaseThatOnlyRunsDownIsMadeAnew(t *testing.T) {
	inBubble(t, func(w *world) {
		w.start()
		w.until(verdict(Mapped))
		w.set(func(r *memory) { r.lease = 10 * time.Minute }) // what is left at the renewal: the router didn't lengthen it
		w.sleep(31 * time.Minute)
		if w.seen().removed != 1 || w.seen().adds != 3 {
			t.Errorf("removed %d, added %d", w.seen().removed, w.seen().adds)
		}
	})
}

func TestRefusalIsRetriedAndNothingIsRemoved(t *testing.T) {
	inBubble(t, func(w *world) {
		w.set(func(r *memory) { r.addAnswer = answer{outcome: notAllowed} })
		w.start()
		w.until(verdict(Refused))
		w.sleep(10 * time.Minute)
		if w.seen().probes != 1 || w.seen().adds != 5 {
			t.Errorf("%d searches, %d requests", w.seen().probes, w.seen().adds)
		}
		w.set(func(r *memory) { r.addAnswer = answer{} })
		w.until(verdict(Mapped))
	})
}

func TestFailedRenewalKeepsWhatIsThereAndReleasesIt(t *testing.T) {
	inBubble(t, func(w *world) {
		w.start()
		w.until(verdict(Mapped))
		w.set(func(r *memory) { r.addAnswer = answer{outcome: failed} })
		s := w.until(verdict(RouterBroken))
		if s.Mapping == nil {
			t.Errorf("given up too soon: %+v", s)
		}
		w.sleep(10 * time.Minute)
		if n := w.seen().adds; n > 8 {
			t.Errorf("asked %d times", n)
		}
		w.stop()
		if w.seen().removed != 1 {
			t.Error("the entry was left to the router")
		}
	})
}

func TestRouterThatDoesNotTellItsAddress(t *testing.T) {
	inBubble(t, func(w *world) {
		w.set(func(r *memory) { r.wan, r.wanAnswer = netip.Addr{}, answer{outcome: unsupported} })
		w.start()
		if s := w.until(verdict(Mapped)); s.External.IsValid() || s.Advice == "" {
			t.Errorf("%+v", s)
		}
	})
}

func TestEntryOfAFormerAddressIsWaitedFor(t *testing.T) {
	inBubble(t, func(w *world) {
		w.set(func(r *memory) {
			r.addAnswer = answer{outcome: conflict, holder: holder{client: w.gw.Addr, former: true, ends: 100 * time.Second}}
		})
		w.start()
		w.until(verdict(Conflict))
		w.sleep(85 * time.Second)
		w.set(func(r *memory) { r.addAnswer = answer{} })
		start := time.Now()
		if w.until(verdict(Mapped)); time.Since(start) > 100*time.Second {
			t.Errorf("after %v", time.Since(start))
		}
	})
}

// Where our address changes, an entry that nobody can remove must end soon.
func TestLeaseIsShortWhereOurAddressChanges(t *testing.T) {
	inBubble(t, func(w *world) {
		w.start()
		w.until(verdict(Mapped))
		if l := w.seen().last.lease; l != time.Hour {
			t.Errorf("asked for %v", l)
		}
		next := w.gw
		next.Self = netip.MustParseAddr("192.168.1.77")
		w.setRoute(next, nil)
		w.until(func(s Status) bool { return s.Gateway == next && s.Verdict == Mapped })
		if l := w.seen().last.lease; l != movingLease {
			t.Errorf("after a move asked for %v", l)
		}
	})
}

// Whoever waits for a device learns within seconds that the router has lost the port,
// and however many wait, the router is asked once in five seconds.
func TestTheRouterIsLookedAtForWhoWaits(t *testing.T) {
	inBubble(t, func(w *world) {
		w.start()
		w.until(verdict(Mapped))
		w.sleep(2*time.Minute + time.Second)
		checks := w.seen().checks
		for range 100 {
			w.m.Look()
			w.sleep(100 * time.Millisecond)
		}
		if n := w.seen().checks - checks; n < 2 || n > 3 {
			t.Errorf("looked %d times in ten seconds", n)
		}
		w.set(func(r *memory) {
			r.checkAnswer, r.addAnswer = answer{outcome: notThere, code: 714, problem: "gone"}, answer{outcome: notAllowed}
		})
		w.m.Look()
		start := time.Now()
		if w.until(verdict(Refused)); time.Since(start) > lookAgain+time.Second {
			t.Errorf("known after %v", time.Since(start))
		}
	})
}
