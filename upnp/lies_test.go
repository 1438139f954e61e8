package upnp

import (
	"net/netip"
	"testing"
	"time"

	"homeward/upnp/routertest"
)

// T66: what servers outside see is held against the router's word; a router that tells
// why it cannot be reached tells the truth.
func TestAWrongAddressIsALieUnlessSomethingExplainsIt(t *testing.T) {
	told, seen := netip.MustParseAddr("81.2.69.2"), netip.MustParseAddr("81.2.71.9")
	since := time.Unix(1_800_000_000, 0)
	sighting := Sighting{By: "stun.example.org:3478", Told: told, Seen: seen, Times: 2, Since: since}
	with := func(change func(*Sighting)) Sighting {
		s := sighting
		change(&s)
		return s
	}
	open := Status{Verdict: Mapped, WAN: told, External: told, Mapping: &Mapping{}}
	at := func(wan string, v Verdict) (Status, Sighting) {
		a := netip.MustParseAddr(wan)
		return Status{Verdict: v, WAN: a}, with(func(s *Sighting) { s.Told = a })
	}
	private, toldPrivate := at("192.168.0.12", PrivateWAN)
	carrier, toldCarrier := at("100.64.1.2", CarrierNAT)
	lite, toldLite := at("192.0.0.2", CarrierNAT)
	outer := Status{Verdict: Mapped, WAN: private.WAN, External: told, Outer: Outer{Addr: netip.MustParseAddr("192.168.0.1")}}
	for name, tt := range map[string]struct {
		status Status
		seen   Sighting
		lies   bool
	}{
		"another address":                         {open, sighting, true},
		"forwarded by hand":                       {Status{Verdict: ByHand, WAN: told, External: told}, sighting, true},
		"the outer router of two":                 {outer, sighting, true},
		"seen once":                               {open, with(func(s *Sighting) { s.Times = 1 }), false},
		"the same address":                        {open, with(func(s *Sighting) { s.Seen = told }), false},
		"nobody looked":                           {open, Sighting{}, false},
		"the router tells another one since":      {open, with(func(s *Sighting) { s.Told = netip.MustParseAddr("81.2.69.7") }), false},
		"a server that sees no public address":    {open, with(func(s *Sighting) { s.Seen = netip.MustParseAddr("100.64.1.2") }), false},
		"a second router explains it":             {private, toldPrivate, false},
		"a carrier's NAT explains it":             {carrier, toldCarrier, false},
		"DS-Lite explains it":                     {lite, toldLite, false},
		"the port is not open, which comes first": {Status{Verdict: Refused, WAN: told, External: told}, sighting, false},
	} {
		lies := tt.status.Lies(tt.seen)
		if (len(lies) == 1) != tt.lies || tt.lies && tt.status.Reach(nil, true, lies) != ReachLies {
			t.Errorf("%s: %+v", name, lies)
		}
	}
	if got, want := open.Lies(sighting)[0], (Lie{LieAddress, told, seen, "stun.example.org:3478", 2, since}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// T32: a router that says yes each time and keeps nothing is told apart from one that
// makes no sense, after three times; one that tidies up after minutes is none.
func TestARouterThatKeepsNothingLies(t *testing.T) {
	inBubble(t, func(w *world) {
		w.set(func(r *memory) { r.checkAnswer = answer{outcome: notThere} })
		w.start()
		begun := time.Now()
		s := w.until(func(s Status) bool { return len(s.Lies(Sighting{})) > 0 })
		lie := s.Lies(Sighting{})[0]
		if lie.About != LieEntry || lie.Times != keptNotAfter || lie.By == "" || lie.Since.Sub(begun) > 5*time.Second || time.Since(begun) > time.Minute {
			t.Errorf("after %v: %+v", time.Since(begun), lie)
		}
		w.set(func(r *memory) { r.checkAnswer = answer{} })
		w.until(verdict(Mapped))
		w.sleep(steadyAfter + time.Minute)
		if s := w.m.Status(); s.Verdict != Mapped || len(s.Lies(Sighting{})) > 0 {
			t.Errorf("it keeps the port now: %v, %+v", s.Verdict, s.Denied)
		}
		for range 5 { // as from a table that is tidied up
			w.sleep(5 * time.Minute)
			adds := w.seen().adds
			w.set(func(r *memory) { r.checkAnswer = answer{outcome: notThere} })
			for w.seen().adds == adds {
				w.sleep(time.Second)
			}
			w.set(func(r *memory) { r.checkAnswer = answer{} })
			w.sleep(time.Minute)
			if s := w.m.Status(); s.Verdict != Mapped || s.Denied.Times > 0 {
				t.Errorf("a router that tidies up is said to keep nothing: %v, %+v", s.Verdict, s.Denied)
			}
		}
	})
}

// The same against a router that answers yes by UPnP, with its table read back.
func TestAYesWithoutAnEntryIsDenied(t *testing.T) {
	t.Parallel()
	r := routertest.New(t, routertest.Options{})
	r.Always("AddPortMapping", func(map[string]string) routertest.Reply { return routertest.Reply{Lie: true} })
	m, stop := running(t, against(r))
	defer stop()
	s := until(t, m, "denied", func(s Status) bool { return s.Denied.Times > 0 })
	if s.Denied.By != "UPnP WANIPConnection:2" || s.Verdict != RouterBroken || len(s.Lies(Sighting{})) > 0 {
		t.Errorf("%+v, %v", s.Denied, s.Verdict)
	}
}
