package upnp

import (
	"net/netip"
	"testing"
	"time"

	"homeward/upnp/routertest"
)

// T66: a router that says yes, shows the entry where it can be read, and lets nobody in.
// Nothing at home can tell it from one that nobody has called at yet, so that it is called
// a liar only once something disproves it, with what it said and what was seen.
func TestARouterThatOpensNothingIsALiarOnlyOnceThatIsSeen(t *testing.T) {
	told, seen := netip.MustParseAddr("81.2.69.2"), netip.MustParseAddr("81.2.71.9")
	for name, tt := range map[string]struct {
		options routertest.Options
		via     string
		reads   bool // the entry is read back
	}{
		"PCP":     {routertest.Options{PCP: true, NoUPnP: true}, "PCP", false},
		"NAT-PMP": {routertest.Options{PMP: true, NoUPnP: true}, "NAT-PMP", false},
		"UPnP":    {routertest.Options{}, "UPnP WANIPConnection:2", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, stop := running(t, against(routertest.New(t, tt.options)))
			defer stop()
			s := until(t, m, "open port", func(s Status) bool {
				return s.Verdict == Mapped && s.Told().IsValid() && (!tt.reads || !s.Mapping.VerifiedAt.IsZero())
			})
			if s.Router.Via != tt.via || s.Told() != told {
				t.Fatalf("by %q, told %v: this test looks at something else", s.Router.Via, s.Told())
			}
			is := func(what string, s Status, proofs []Proof, sighting Sighting, want Reach) []Lie {
				t.Helper()
				lies := s.Lies(sighting)
				if got := s.Reach(proofs, false, lies); got != want {
					t.Errorf("%s: %s, want %s (%+v)", what, got, want, lies)
				}
				return lies
			}
			is("nobody came in yet", s, nil, Sighting{}, ReachMapped)
			once := Sighting{By: "stun.example.org:3478", Told: told, Seen: seen, Times: 1, Since: time.Unix(1_800_000_000, 0)}
			is("seen elsewhere once", s, nil, once, ReachMapped)
			again := once
			again.Times = liesAfter
			lies := is("seen elsewhere again", s, nil, again, ReachLies)
			if want := (Lie{LieAddress, told, seen, once.By, liesAfter, once.Since}); len(lies) != 1 || lies[0] != want {
				t.Errorf("said and seen: %+v, want %+v", lies, want)
			}
			is("somebody came in all the same", s, []Proof{{Kind: ProofHandshake, At: time.Now()}}, again, ReachSeen)
		})
	}
}

// Where PCP or NAT-PMP granted it, UPnP's table may be read: that it lacks the entry says
// nothing of a router that never showed one, since some show UPnP's own alone, and
// disproves the word of one that did.
func TestAGrantThatTheTableLacksIsHeldAgainstARouterThatShowedItBefore(t *testing.T) {
	for name, tt := range map[string]struct {
		options routertest.Options
		script  string
	}{
		"PCP":     {routertest.Options{PCP: true}, routertest.PCPMap},
		"NAT-PMP": {routertest.Options{PMP: true}, routertest.PMPMap},
	} {
		lies := func(map[string]string) routertest.Reply { return routertest.Reply{Lie: true} }
		t.Run(name+", never shown", func(t *testing.T) {
			t.Parallel()
			r := routertest.New(t, tt.options)
			r.Always(tt.script, lies)
			m, stop := running(t, against(r))
			defer stop()
			s := until(t, m, "open port", func(s Status) bool { return s.Verdict == Mapped })
			if s.Router.Via != name || s.Denied.Times > 0 || s.Reach(nil, false, s.Lies(Sighting{})) != ReachMapped {
				t.Errorf("%v by %s, denied %+v", s.Verdict, s.Router.Via, s.Denied)
			}
		})
		t.Run(name+", shown before", func(t *testing.T) {
			t.Parallel()
			r := routertest.New(t, tt.options)
			m, stop := running(t, against(r))
			defer stop()
			s := until(t, m, "entry that was read back", func(s Status) bool { return s.Verdict == Mapped && s.Mapping != nil && !s.Mapping.VerifiedAt.IsZero() })
			if s.Router.Via != name {
				t.Fatalf("by %s", s.Router.Via)
			}
			r.Always(tt.script, lies)
			r.Clear()
			m.Look()
			s = until(t, m, "denial", func(s Status) bool { return s.Denied.Times > 0 })
			if s.Denied.By != "UPnP WANIPConnection:2" || len(s.Lies(Sighting{})) > 0 {
				t.Errorf("once: %+v, %+v", s.Denied, s.Lies(Sighting{}))
			}
			s.Denied.Times = keptNotAfter // which takes a minute
			if list := s.Lies(Sighting{}); len(list) != 1 || list[0].About != LieEntry || list[0].By != s.Denied.By || s.Reach(nil, false, list) != ReachLies {
				t.Errorf("again and again: %+v", list)
			}
		})
	}
}
