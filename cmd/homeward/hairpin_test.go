package main

import (
	"net/netip"
	"testing"
	"time"

	"homeward/web/api"
)

func TestWhatTheRouterTurnsRoundIsTriedAgainInTime(t *testing.T) {
	now := time.Now()
	here, there := netip.MustParseAddrPort("81.2.69.2:5"), netip.MustParseAddrPort("81.2.69.3:5")
	for _, c := range []struct {
		name string
		h    *hairpin
		want bool
	}{
		{"never tried", nil, true},
		{"seen an hour ago", &hairpin{here, true, now.Add(-time.Hour)}, false},
		{"seen yesterday", &hairpin{here, true, now.Add(-24 * time.Hour)}, true},
		{"not seen a minute ago", &hairpin{here, false, now.Add(-time.Minute)}, false},
		{"not seen an hour ago", &hairpin{here, false, now.Add(-time.Hour)}, true},
		{"seen elsewhere", &hairpin{there, true, now}, true},
	} {
		if got := c.h.due(here, now); got != c.want {
			t.Errorf("%s: due %v", c.name, got)
		}
	}
	a := &appliance{}
	for want, h := range map[api.Hairpin]*hairpin{api.HairpinUnknown: nil, api.HairpinWorks: {turns: true}, api.HairpinMissing: {}} {
		a.hairpin.Store(h)
		if got := a.atHome(); got != want || (hairpinFact(got) == "") != (h == nil) {
			t.Errorf("%+v: %q, %q", h, got, hairpinFact(got))
		}
	}
}
