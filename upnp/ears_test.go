package upnp

import (
	"context"
	"net/netip"
	"testing"
	"time"
)

// T40: an announcement is a hint to ask, once in half a minute (T56).
func TestAnnouncementsCauseOneQuestionInHalfAMinute(t *testing.T) {
	inBubble(t, func(w *world) {
		w.start()
		w.until(verdict(Mapped))
		w.sleep(2*time.Minute + time.Second)
		asks, checks := w.seen().asks, w.seen().checks
		start := time.Now()
		for range 100 * 60 { // a hundred a second for a minute
			w.announced()
			w.sleep(10 * time.Millisecond)
		}
		// One at once, one after half a minute, and the minute's own.
		if n := w.seen().asks - asks; n < 2 || n > 4 {
			t.Errorf("%d questions within %v", n, time.Since(start))
		}
		if n := w.seen().checks - checks; n < 1 || n > 3 {
			t.Errorf("%d read-backs", n)
		}
		if s := w.m.Status(); s.Verdict != Mapped || w.seen().adds != 1 {
			t.Errorf("%+v after %d requests", s, w.seen().adds)
		}
	})
}

func TestAnnouncementEndsThePause(t *testing.T) {
	inBubble(t, func(w *world) {
		w.set(func(r *memory) { r.probeAnswer = answer{outcome: silent} })
		w.start()
		w.sleep(7 * time.Minute) // pauses of five minutes by now
		w.set(func(r *memory) { r.probeAnswer = answer{} })
		w.announced()
		start := time.Now()
		if w.until(verdict(Mapped)); time.Since(start) > hintSpread+time.Second {
			t.Errorf("after %v", time.Since(start))
		}
	})
}

// T41, T53: a router that was there is asked by one packet every ten seconds
// whether it is back, not by a search.
func TestRouterThatWentAwayIsKnocked(t *testing.T) {
	inBubble(t, func(w *world) {
		w.start()
		w.until(verdict(Mapped))
		w.set(func(r *memory) { r.wanAnswer, r.probeAnswer = answer{outcome: moved}, answer{outcome: silent} })
		w.until(verdict(NoIGD))
		w.sleep(10 * time.Minute)
		probes := w.seen().probes
		w.set(func(r *memory) { r.wanAnswer, r.probeAnswer = answer{}, answer{} })
		start := time.Now()
		if w.until(verdict(Mapped)); time.Since(start) > knockEvery+time.Second || w.seen().probes != probes+1 {
			t.Errorf("after %v and %d searches", time.Since(start), w.seen().probes-probes)
		}
		// It knocks no longer than it makes sense.
		w.set(func(r *memory) { r.wanAnswer, r.probeAnswer = answer{outcome: moved}, answer{outcome: silent} })
		w.sleep(knockFor + 20*time.Minute)
		asks := w.seen().asks
		if w.sleep(time.Hour); w.seen().asks != asks {
			t.Errorf("%d knocks after the time for it", w.seen().asks-asks)
		}
	})
}

// The router says that it lost its table: the mapping is made again without a
// search and without a word to people.
func TestLostTableIsFilledAgainAtOnce(t *testing.T) {
	inBubble(t, func(w *world) {
		w.start()
		w.until(verdict(Mapped))
		w.sleep(90 * time.Second)
		since, adds := w.m.Status().Since, w.seen().adds
		w.set(func(r *memory) { r.wanAnswer = restarted })
		w.sleep(addressEvery)
		w.set(func(r *memory) { r.wanAnswer = answer{} })
		w.sleep(time.Second)
		if s := w.m.Status(); s.Verdict != Mapped || s.Since != since || w.seen().adds != adds+1 || w.seen().probes != 1 {
			t.Errorf("%+v; %d requests, %d searches", s, w.seen().adds-adds, w.seen().probes)
		}
	})
}

// T16, T46, T47: the kernel's news is acted on after a second, not after ten.
func TestRouteNewsAreActedOnSoon(t *testing.T) {
	inBubble(t, func(w *world) {
		w.start()
		w.until(verdict(Mapped))
		next := w.gw
		next.Self = netip.MustParseAddr("192.168.1.99")
		w.setRoute(next, nil)
		w.rerouted()
		w.sleep(settleTime + 200*time.Millisecond)
		if s := w.m.Status(); s.Verdict != Mapped || s.Gateway != next {
			t.Errorf("%+v", s)
		}
		// A flood of it costs no more than a look a second, and no request.
		adds := w.seen().adds
		for range 1000 {
			w.rerouted()
		}
		if w.sleep(time.Minute); w.seen().adds != adds {
			t.Errorf("%d requests for nothing", w.seen().adds-adds)
		}
	})
}

// What announcements are, and what only looks like one.
func TestAnnouncementsAreTold(t *testing.T) {
	zeros := string(make([]byte, 16))
	for text, want := range map[string]bool{
		"\x00\x80\x00\x00\x00\x00\x00\x01\x51\x02\x45\x02":              true, // NAT-PMP's address
		"\x02\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01" + zeros[:12]: true, // PCP's ANNOUNCE
		"\x00\x00": false, // somebody's request
		"\x00\x81\x00\x00\x00\x00\x00\x01\xa1\x12\xa1\x12\x00\x00\x0e\x10": false, // somebody's grant
		"\x02\x00\x00\x00\x00\x00\x00\x00" + zeros:                         false, // a client's ANNOUNCE
		"": false,
	} {
		if got := isAnnouncement([]byte(text)); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}

// The ears are closed with Run, and with the network they were for.
func TestEarsEndWithRun(t *testing.T) {
	inBubble(t, func(w *world) {
		listening := make(chan int, 10)
		w.m.hearRouter = func(ctx context.Context, _ Gateway, _ func()) error {
			listening <- 1
			<-ctx.Done()
			listening <- -1
			return nil
		}
		w.start()
		w.until(verdict(Mapped))
		next := w.gw
		next.Addr = netip.MustParseAddr("192.168.1.254")
		w.setRoute(next, nil)
		w.sleep(time.Minute)
		w.stop()
		sum, n := 0, len(listening)
		for range n {
			sum += <-listening
		}
		if sum != 0 || n != 4 {
			t.Errorf("%d comings and goings, %d still listening", n, sum)
		}
	})
}
