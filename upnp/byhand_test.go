package upnp

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestARouterIsNotAskedForAPortThatTheOwnerForwards(t *testing.T) {
	inBubble(t, func(w *world) {
		w.m.SetByHand(true)
		w.start()
		s := w.until(verdict(ByHand))
		if s.External != w.router.wan || s.Router.Name != "memory" || s.Mapping != nil || !strings.Contains(s.Advice, "192.168.1.10") {
			t.Errorf("%+v", s)
		}
		w.sleep(6 * time.Hour)
		if n := w.seen(); n.adds != 0 || n.checks != 0 || n.removed != 0 || n.probes != 1 || n.asks < 400 || n.asks > 450 {
			t.Errorf("within six hours: %+v", n)
		}
		if s := w.m.Status(); time.Since(s.CheckedAt) > time.Minute || !s.PlaceSince.Equal(s.Since) {
			t.Errorf("checked %v ago, place since %v", time.Since(s.CheckedAt), s.PlaceSince)
		}
	})
}

func TestOursIsTakenBackWhenTheOwnerForwardsAndAskedForWhenHeStops(t *testing.T) {
	inBubble(t, func(w *world) {
		w.start()
		w.until(verdict(Mapped))
		w.set(func(m *memory) { m.refuseRemove = true })
		w.m.SetByHand(true)
		w.sleep(time.Second)
		if s := w.m.Status(); s.Verdict != ByHand || s.Mapping != nil {
			t.Errorf("after a second: %+v", s)
		}
		w.sleep(10 * time.Minute)
		if n := w.seen().refused; n < 5 || n > 20 {
			t.Errorf("a router that keeps the entry was asked %d times in ten minutes", n)
		}
		w.set(func(m *memory) { m.refuseRemove = false })
		w.sleep(2 * time.Minute)
		adds := w.seen().adds
		if n := w.seen(); n.removed != 1 {
			t.Errorf("removed %d times", n.removed)
		}
		w.m.SetByHand(false)
		w.sleep(time.Second)
		if s := w.m.Status(); s.Verdict != Mapped || w.seen().adds != adds+1 {
			t.Errorf("after a second: %v, %d new requests", s.Verdict, w.seen().adds-adds)
		}
	})
}

func TestWhoForwardsByHandIsToldWhatStandsInTheWayAndThatHomeMoved(t *testing.T) {
	inBubble(t, func(w *world) {
		w.m.SetByHand(true)
		w.start()
		at := w.until(verdict(ByHand)).PlaceSince
		w.sleep(time.Hour)
		w.set(func(m *memory) { m.wan = netip.MustParseAddr("81.2.69.9") })
		w.sleep(time.Minute)
		if s := w.m.Status(); s.External != netip.MustParseAddr("81.2.69.9") || time.Since(s.PlaceSince) > time.Minute || s.PlaceSince.Equal(at) {
			t.Errorf("another address: %+v", s)
		}
		w.set(func(m *memory) { m.wan = netip.MustParseAddr("100.64.3.4") })
		w.sleep(time.Minute)
		if s := w.m.Status(); s.Verdict != CarrierNAT {
			t.Errorf("behind a carrier's NAT: %v", s.Verdict)
		}
		w.set(func(m *memory) { m.probeAnswer, m.wanAnswer = answer{outcome: silent}, answer{outcome: silent} })
		before := w.seen().probes
		w.sleep(time.Hour)
		if n := w.seen().probes - before; n < 10 || n > 14 {
			t.Errorf("a silent router was searched for %d times in an hour", n)
		}
	})
}
