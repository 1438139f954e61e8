package upnp

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// second adds a router in front of the world's one, which then has a private address.
func (w *world) second(r *memory) {
	w.m.config.SecondRouter = true
	w.m.second = w.m.secondRouter()
	w.m.second.protocols = []protocol{r}
	w.set(func(m *memory) { m.wan = netip.MustParseAddr("10.5.0.2") })
}

// T30, section 6 number 5: double NAT. The port is opened on both, the outer one
// leads to the inner, and home is where the outer is.
func TestSecondRouterIsOpenedBehindTheFirst(t *testing.T) {
	inBubble(t, func(w *world) {
		outer := &memory{wan: netip.MustParseAddr("81.2.69.9"), lease: time.Hour, via: "outer"}
		w.second(outer)
		w.start()
		s := w.until(verdict(Mapped))
		if s.External.String() != "81.2.69.9" || s.Mapping.External.String() != "81.2.69.9:41234" || s.WAN.String() != "10.5.0.2" ||
			s.Mapping.Internal.String() != "192.168.1.10:41234" || s.Outer.Addr.String() != "10.5.0.1" || s.Outer.Verdict != Mapped || s.Advice != "" {
			t.Errorf("%+v, %+v", s, s.Mapping)
		}
		outer.mu.Lock()
		if outer.last.client.String() != "10.5.0.2" || outer.adds != 1 {
			t.Errorf("the outer one was asked %d times, for %v", outer.adds, outer.last.client)
		}
		outer.mu.Unlock()
		w.sleep(2 * time.Hour)
		if s := w.m.Status(); s.Verdict != Mapped || s.PlaceSince.IsZero() {
			t.Errorf("%+v", s)
		}
		// The home router gets a public address: what is on the other is given back.
		w.set(func(m *memory) { m.wan = netip.MustParseAddr("81.2.69.2") })
		s = w.until(func(s Status) bool { return s.External.String() == "81.2.69.2" })
		w.sleep(time.Minute)
		outer.mu.Lock()
		if outer.removed != 1 || s.Outer.Addr.IsValid() {
			t.Errorf("removed %d; %+v", outer.removed, s.Outer)
		}
		outer.mu.Unlock()
		w.stop()
		if w.seen().removed != 1 {
			t.Errorf("the inner one keeps its entry")
		}
	})
}

func TestSecondRouterIsLeftAlone(t *testing.T) {
	for name, prepare := range map[string]func(*world){
		"not allowed to ask":        func(w *world) { w.m.second = nil },
		"public address":            func(w *world) { w.set(func(m *memory) { m.wan = netip.MustParseAddr("81.2.69.2") }) },
		"carrier NAT":               func(w *world) { w.set(func(m *memory) { m.wan = netip.MustParseAddr("100.64.5.2") }) },
		"nothing open on the first": func(w *world) { w.set(func(m *memory) { m.addAnswer = answer{outcome: notAllowed} }) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				outer := &memory{wan: netip.MustParseAddr("81.2.69.9"), lease: time.Hour}
				w.second(outer)
				prepare(w)
				w.start()
				w.sleep(10 * time.Minute)
				outer.mu.Lock()
				defer outer.mu.Unlock()
				if outer.probes != 0 {
					t.Errorf("searched %d times", outer.probes)
				}
			})
		})
	}
}

// Both boxes are named when the second one doesn't do it.
func TestAdviceAboutTheSecondRouter(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*memory)
		says   []string
	}{
		"silent":  {func(m *memory) { m.probeAnswer = answer{outcome: silent} }, []string{"10.5.0.2", "bridge mode", "forward UDP 41234"}},
		"refuses": {func(m *memory) { m.addAnswer = answer{outcome: notAllowed} }, []string{"refused", "10.5.0.1", "10.5.0.2"}},
		"taken":   {func(m *memory) { m.addAnswer = answer{outcome: conflict} }, []string{"leads elsewhere", "10.5.0.1"}},
		"a third": {func(m *memory) { m.wan = netip.MustParseAddr("192.168.0.7") }, []string{"so does the box", "10.5.0.1"}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				outer := &memory{wan: netip.MustParseAddr("81.2.69.9"), lease: time.Hour}
				w.second(outer)
				tt.change(outer)
				w.start()
				w.sleep(2 * time.Minute)
				s := w.m.Status()
				for _, part := range tt.says {
					if !strings.Contains(s.Advice, part) {
						t.Errorf("%q says nothing of %q", s.Advice, part)
					}
				}
				if s.Verdict != PrivateWAN || s.External.IsValid() {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

func TestPlacesOfASecondRouter(t *testing.T) {
	addr := netip.MustParseAddr
	near := Gateway{Addr: addr("192.168.1.1"), Self: addr("192.168.1.10")}
	for wan, want := range map[string][]netip.Addr{
		"10.5.0.2":      {addr("10.5.0.1"), addr("10.5.0.254")},
		"10.5.0.1":      {addr("10.5.0.254")},
		"192.168.1.7":   {addr("192.168.1.254")}, // the same network on both sides
		"192.168.0.254": {addr("192.168.0.1")},
	} {
		if got := guesses(addr(wan), near); !slices.Equal(got, want) {
			t.Errorf("%s: %v", wan, got)
		}
	}
	// Each place is tried once, and the first again only after a while.
	now := time.Unix(0, 0)
	g := guess{list: guesses(addr("10.5.0.2"), near), since: now}
	var got []int
	for range 30 {
		g.next(g.list[g.at], now)
		got = append(got, g.at)
		now = now.Add(time.Minute)
	}
	if changes := len(slices.Compact(got)); changes > 6 || !slices.Contains(got[2:], 0) {
		t.Errorf("went to %v", got)
	}
}
