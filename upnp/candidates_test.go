package upnp

import (
	"strings"
	"testing"
	"time"

	"homeward/upnp/routertest"
)

func everything() routertest.Options { return routertest.Options{PCP: true, PMP: true} }

func always(reply routertest.Reply) func(map[string]string) routertest.Reply {
	return func(map[string]string) routertest.Reply { return reply }
}

func TestBestProtocolThatWorksIsKept(t *testing.T) {
	refused := always(routertest.Reply{Code: 2})
	for name, tt := range map[string]struct {
		opt routertest.Options
		set func(*routertest.Router)
		via string
		why string // part of the reason
	}{
		"all of them":           {everything(), nil, "PCP", ""},
		"NAT-PMP and UPnP":      {routertest.Options{PMP: true}, nil, "NAT-PMP", "PCP: PCP result 1"},
		"PCP and UPnP":          {routertest.Options{PCP: true}, nil, "PCP", ""},
		"UPnP":                  {routertest.Options{}, nil, "UPnP WANIPConnection:2", "doesn't listen"},
		"PCP refuses":           {everything(), func(r *routertest.Router) { r.Always(routertest.PCPMap, refused) }, "NAT-PMP", "PCP: PCP result 2"},
		"PCP has no room":       {everything(), func(r *routertest.Router) { r.Always(routertest.PCPMap, always(routertest.Reply{Code: 8})) }, "NAT-PMP", "PCP result 8"}, // Ruijie
		"PCP and PMP refuse":    {everything(), func(r *routertest.Router) { r.Always(routertest.PCPMap, refused); r.Always(routertest.PMPMap, refused) }, "UPnP WANIPConnection:2", "NAT-PMP result 2"},
		"PCP grants other port": {everything(), func(r *routertest.Router) { r.Always(routertest.PCPMap, always(routertest.Reply{Port: 50000})) }, "UPnP WANIPConnection:2", "offered 50000"},
		"PCP silent":            {everything(), func(r *routertest.Router) { r.Always(routertest.PCPAnnounce, always(routertest.Reply{Drop: true})) }, "NAT-PMP", "PCP: slow"},
		"PCP dies when asked": {everything(), func(r *routertest.Router) {
			r.Always(routertest.PCPMap, always(routertest.Reply{Drop: true, Lie: true}))
		}, "NAT-PMP", "PCP: no answer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := routertest.New(t, tt.opt)
			if tt.set != nil {
				tt.set(r)
			}
			m, stop := running(t, against(r))
			s := until(t, m, "mapping", verdict(Mapped))
			if s.Router.Via != tt.via || s.Mapping.Via != tt.via || !strings.Contains(s.Router.Why, tt.why) || (tt.why == "") != (s.Router.Why == "") {
				t.Errorf("via %q, %q; why %q", s.Router.Via, s.Mapping.Via, s.Router.Why)
			}
			if table(r) != self { // one entry, however many were asked
				t.Errorf("table %+v", r.Entries())
			}
			stop()
			if table(r) != "" {
				t.Errorf("left %+v", r.Entries())
			}
		})
	}
}

// A second protocol never makes a second entry, also where each has its own table.
func TestTwoProtocolsNeverMakeTwoEntries(t *testing.T) {
	for _, separate := range []bool{false, true} {
		r := routertest.New(t, routertest.Options{PCP: true, Separate: separate})
		// PCP makes the entry, and its answer is lost: UPnP is asked next.
		asked := 0
		r.Always(routertest.PCPMap, func(args map[string]string) routertest.Reply {
			if args["lifetime"] == "0" {
				return routertest.Reply{}
			}
			asked++
			return routertest.Reply{Cut: 1}
		})
		m, stop := running(t, against(r))
		s := until(t, m, "mapping", verdict(Mapped))
		if list := r.Entries(); len(list) != 1 || s.Router.Via != "UPnP WANIPConnection:2" || asked == 0 {
			t.Errorf("separate %t: via %q, table %+v", separate, s.Router.Via, list)
		}
		stop()
		if table(r) != "" {
			t.Errorf("separate %t: left %+v", separate, r.Entries())
		}
	}
}

// An entry that an earlier run made by UPnP is replaced, not doubled.
func TestEntryByUPnPIsReplacedByPCP(t *testing.T) {
	for _, separate := range []bool{false, true} {
		r := routertest.New(t, routertest.Options{PCP: true, PMP: true, Separate: separate})
		r.Put(routertest.Entry{External: testPort, Internal: testPort, Client: self, Description: testDesc, Lease: time.Minute})
		m, stop := running(t, against(r))
		s := until(t, m, "mapping", verdict(Mapped))
		if list := r.Entries(); len(list) != 1 || list[0].Description == testDesc || s.Router.Via != "PCP" {
			t.Errorf("separate %t: via %q, table %+v", separate, s.Router.Via, list)
		}
		stop()
		if table(r) != "" {
			t.Errorf("separate %t: left %+v", separate, r.Entries())
		}
	}
}

// UPnP looks at what PCP and NAT-PMP make: where it shows it, it is verified.
func TestMappingsAreSeenByUPnP(t *testing.T) {
	for name, tt := range map[string]struct {
		opt      routertest.Options
		verified bool
	}{
		"PCP":                         {everything(), true},
		"NAT-PMP":                     {routertest.Options{PMP: true}, true},
		"UPnP shows only its own":     {routertest.Options{PCP: true, Separate: true}, false},
		"negative control: nobody to": {routertest.Options{PCP: true, NoUPnP: true}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := routertest.New(t, tt.opt)
			m, _ := running(t, against(r))
			s := until(t, m, "mapping", verdict(Mapped))
			if s.Mapping.VerifiedAt.IsZero() == tt.verified {
				t.Errorf("%+v", s.Mapping)
			}
		})
	}
}

func TestEntryMadeByHandStaysAlsoWithPCP(t *testing.T) {
	r := routertest.New(t, everything())
	r.Put(routertest.Entry{External: testPort, Internal: testPort, Client: self, Description: "WireGuard"})
	m, stop := running(t, against(r))
	if s := until(t, m, "mapping", verdict(Mapped)); !s.Mapping.Foreign {
		t.Errorf("%+v", s.Mapping)
	}
	stop()
	if list := r.Entries(); len(list) != 1 || list[0].Description != "WireGuard" || r.Calls(routertest.PCPMap)+r.Calls(routertest.PMPMap) != 0 {
		t.Errorf("left %+v after %q", list, r.Order())
	}
}

// UPnP says what PCP 11 means (T21).
func TestRefusalByRuleIsToldByUPnP(t *testing.T) {
	for name, tt := range map[string]struct {
		fault int
		want  Verdict
	}{"forbidden": {606, Refused}, "kept by the router": {729, Conflict}} {
		r := routertest.New(t, everything())
		r.Always(routertest.PCPMap, always(routertest.Reply{Code: 11}))
		r.Always("AddPortMapping", always(routertest.Reply{Fault: tt.fault}))
		m, _ := running(t, against(r))
		s := until(t, m, "verdict", func(s Status) bool { return s.Verdict != Starting })
		if s.Verdict != tt.want || r.Calls(routertest.PMPMap) != 0 {
			t.Errorf("%s: %v, %q after %q", name, s.Verdict, s.Problem, r.Order())
		}
	}
}

func TestPortOfAnotherHostIsToldByUPnP(t *testing.T) {
	r := routertest.New(t, everything())
	r.Put(routertest.Entry{External: testPort, Internal: 5000, Client: "127.0.0.40", Description: "old nas"})
	m, stop := running(t, against(r))
	s := until(t, m, "verdict", verdict(Conflict))
	if !strings.Contains(s.Advice, `127.0.0.40 ("old nas")`) {
		t.Errorf("%q", s.Advice)
	}
	stop()
	if table(r) != "127.0.0.40" || r.Calls(routertest.PCPMap)+r.Calls(routertest.PMPMap) != 0 {
		t.Errorf("table %+v after %q", r.Entries(), r.Order())
	}
}

// T01: nobody answers, by silence or by closed ports.
func TestNobodyAnswersIsKnownSoon(t *testing.T) {
	t.Parallel()
	r := routertest.New(t, routertest.Options{PCP: true, PMP: true, NoUPnP: true})
	for _, name := range []string{routertest.PCPAnnounce, routertest.PMPExternal} {
		r.Always(name, always(routertest.Reply{Drop: true}))
	}
	start := time.Now()
	m, _ := running(t, against(r))
	s := until(t, m, "verdict", verdict(NoIGD))
	took := time.Since(start)
	t.Logf("known after %v", took.Round(time.Millisecond))
	if took > 2*ssdpListen || !strings.Contains(s.Advice, "PCP, NAT-PMP, UPnP") || !strings.Contains(s.Problem, "NAT-PMP: no answer") {
		t.Errorf("after %v: %q, %q", took, s.Advice, s.Problem)
	}
}

// A NAT between us and the server (PCP 12): a container's own network, for example.
func TestPCPBehindANAT(t *testing.T) {
	t.Parallel()
	r := routertest.New(t, routertest.Options{PCP: true, NoUPnP: true})
	r.Always(routertest.PCPAnnounce, always(routertest.Reply{Code: 12}))
	m, _ := running(t, against(r))
	s := until(t, m, "verdict", func(s Status) bool { return s.Verdict != Starting })
	if s.Verdict != RouterBroken || !strings.Contains(s.Advice, "translates addresses") {
		t.Errorf("%v, %q, %q", s.Verdict, s.Advice, s.Problem)
	}
}

// A router that is slow to answer the UPnP search isn't waited for, but asked again
// once the mapping is there: then it is verified, too.
func TestSlowUPnPBecomesTheWitnessLater(t *testing.T) {
	t.Parallel()
	r := routertest.New(t, everything())
	searches := 0
	r.Always(routertest.Search, func(map[string]string) routertest.Reply {
		searches++
		return routertest.Reply{Drop: searches <= 2*len(ssdpTargets)} // of the first search
	})
	start := time.Now()
	m, stop := running(t, against(r))
	s := until(t, m, "mapping", verdict(Mapped))
	if took := time.Since(start); took > atOnce || !s.Mapping.VerifiedAt.IsZero() || s.Router.Via != "PCP" {
		t.Errorf("after %v: %+v", took, s.Mapping)
	}
	s = until(t, m, "verification", func(s Status) bool { return s.Mapping != nil && !s.Mapping.VerifiedAt.IsZero() })
	if s.Mapping.Via != "PCP" || table(r) != self {
		t.Errorf("%+v, table %+v", s.Mapping, r.Entries())
	}
	stop()
	if table(r) != "" {
		t.Errorf("left %+v", r.Entries())
	}
}

// A protocol that was too slow for the first choice is asked when the quick ones refuse.
func TestSlowProtocolIsAskedWhenTheQuickOnesRefuse(t *testing.T) {
	t.Parallel()
	r := routertest.New(t, everything())
	searches := 0
	r.Always(routertest.Search, func(map[string]string) routertest.Reply {
		searches++
		return routertest.Reply{Drop: searches <= 2*len(ssdpTargets)}
	})
	r.Always(routertest.PCPMap, always(routertest.Reply{Code: 2}))
	r.Always(routertest.PMPMap, always(routertest.Reply{Code: 2}))
	m, _ := running(t, against(r))
	if s := until(t, m, "verdict", func(s Status) bool { return s.Verdict != Starting }); s.Verdict != Mapped || s.Router.Via != "UPnP WANIPConnection:2" {
		t.Errorf("%v via %q: %q", s.Verdict, s.Router.Via, s.Problem)
	}
}
