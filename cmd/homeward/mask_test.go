package main

import (
	"strings"
	"testing"

	"homeward/web/api"
)

func TestWhatTellsWhereTheHouseIsIsMasked(t *testing.T) {
	m := newMask([]string{"home.example.org", "", "example.org"}, []api.Peer{{Name: "Anna's phone"}, {Name: "at"}})
	for _, c := range []struct{ in, want string }{
		{"Devices call 81.2.69.2:41234.", "Devices call (public IPv4 1):41234."},
		{"81.2.69.2 again, 81.2.69.3 not.", "(public IPv4 1) again, (public IPv4 2) not."},
		{"at 2a02:810:1:2::5.", "at (public IPv6 1)."},
		{"[2a02:810:1:2::5]:41234 and 2A02:810:1:2:0::5: gone", "[(public IPv6 1)]:41234 and (public IPv6 1): gone"},
		{"2a02:810:1:2::/64", "(public IPv6 2)/64"},
		{"192.168.1.5:41234 10.6.0.1/24 fd00:6::1/64 fe80::1%eth0 127.0.0.1 100.64.3.4", "192.168.1.5:41234 10.6.0.1/24 fd00:6::1/64 fe80::1%eth0 127.0.0.1 100.64.3.4"},
		{"2026-11-23 19:04:05, 15:04, aa:bb:cc:dd:ee:ff, 1.2.3.4.5.6 v1.26.6", "2026-11-23 19:04:05, 15:04, aa:bb:cc:dd:ee:ff, (public IPv4 3).5.6 v1.26.6"},
		{"HOME.example.org is example.org", "(name 1) is (name 2)"},
		{"“Anna's phone” came in at night: “at”", "“(device 1)” came in at night: “(device 2)”"},
	} {
		if got := m.text(c.in); got != c.want {
			t.Errorf("%q:\n%q, want\n%q", c.in, got, c.want)
		}
	}
}

func TestAMaskedStatusHidesItEverywhereAndLeavesTheRealOneAlone(t *testing.T) {
	real := api.Status{
		Names:  []string{"home.example.org"},
		Joints: []api.Joint{{Summary: "81.2.69.2", Advice: "81.2.69.2"}},
		Facts:  []api.Fact{{Name: "mapping", Value: "81.2.69.2:5"}},
		Guide:  &api.Guide{Why: "81.2.69.2", Open: "81.2.69.2", Steps: []string{"81.2.69.2"}, Values: []api.GuideValue{{Field: "x", Value: "81.2.69.2"}}},
	}
	var before, after strings.Builder
	masked := newMask(real.Names, nil).status(real)
	printJSON(&after, masked)
	printJSON(&before, real)
	if strings.Contains(after.String(), "81.2.69.2") || strings.Contains(after.String(), "home.example.org") || strings.Count(after.String(), "(public IPv4 1)") != 7 {
		t.Errorf("masked: %s", after.String())
	}
	if strings.Count(before.String(), "81.2.69.2") != 7 || len(real.Names) != 1 {
		t.Errorf("the real one was changed: %s", before.String())
	}
}

func TestTheDoctorMasksUnlessToldNotTo(t *testing.T) {
	dir := newDir(t, "")
	start(t, dir) // its endpoint is home.example.org
	for _, c := range []struct {
		args  []string
		shows bool
	}{{[]string{"doctor"}, false}, {[]string{"doctor", "--json"}, false}, {[]string{"doctor", "--full"}, true}, {[]string{"status"}, true}} {
		code, out, errs := homeward(t.Context(), dir, c.args...)
		if code != exitOK || strings.Contains(out, "home.example.org") != c.shows || !c.shows && !strings.Contains(out, "(name 1)") {
			t.Errorf("%v: %d\n%s%s", c.args, code, out, errs)
		}
	}
}
