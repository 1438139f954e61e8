package main

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"homeward/tunnel"
	"homeward/web/api"
)

func TestDoctorTellsWhatReachedThePortAndMasksFromWhere(t *testing.T) {
	now := time.Now()
	in := insider{home: []netip.Prefix{netip.MustParsePrefix("2a01:5ead:77::/64")}}
	if got := arrivalFacts(tunnel.Arrivals{}, in, now); len(got) != 1 || got[0].Value != "nothing yet" {
		t.Errorf("of nothing: %+v", got)
	}
	a := tunnel.Arrivals{Forgot: 3}
	a.Classes[tunnel.WrongKey] = tunnelSeen(4, now.Add(-5*time.Minute))
	for i := range 10 {
		s := tunnel.ArrivalSource{Addr: netip.MustParseAddr(fmt.Sprintf("81.2.70.%d", i)), Last: now.Add(-time.Hour)}
		if i == 1 {
			s.Addr = netip.MustParseAddr("2a01:5ead:77::9")
		}
		s.Classes[tunnel.Initiation].Count = 7
		a.Sources = append(a.Sources, s)
	}
	facts := newMask(nil, nil).status(api.Status{Facts: arrivalFacts(a, in, now)}).Facts
	var text strings.Builder
	for _, f := range facts {
		fmt.Fprintf(&text, "%s: %s\n", f.Name, f.Value)
	}
	for _, want := range []string{"wrong key 4 (5 minutes ago)", "(public IPv4 1) (outside), 60 minutes ago: initiation 7", "(public IPv6 1) (inside the house)", "2 others, and 3 that are forgotten"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is not told:\n%s", want, text.String())
		}
	}
	if strings.Contains(text.String(), "81.2.70") || strings.Contains(text.String(), "5ead") || len(facts) != 10 {
		t.Errorf("%d facts:\n%s", len(facts), text.String())
	}
}

func tunnelSeen(n uint64, last time.Time) (s tunnel.ArrivalSeen) {
	s.Count, s.Last = n, last
	return s
}
