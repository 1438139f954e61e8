package main

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"homeward/upnp"
	"homeward/upnp/byhand"
	"homeward/web/api"
)

func behind(router, name string, v upnp.Verdict) upnp.Status {
	return upnp.Status{Verdict: v, Port: 41234, Router: upnp.Router{Name: name},
		Gateway: upnp.Gateway{Addr: netip.MustParseAddr(router), Self: netip.MustParseAddr("192.168.178.20")}}
}

func TestTheGuideIsTheRoutersThatIsThere(t *testing.T) {
	for _, c := range []struct {
		name    string
		status  upnp.Status
		chosen  string
		router  string
		because string
	}{
		{"it says what it is", behind("192.168.1.1", "AVM FRITZ!Box 7590", upnp.Refused), "", "fritzbox", "calls itself AVM FRITZ!Box 7590"},
		{"its address tells", behind("192.168.178.1", "", upnp.NoIGD), "", "fritzbox", "address"},
		{"nothing tells", behind("192.168.1.1", "", upnp.NoIGD), "", "generic", "doesn't say"},
		{"chosen", behind("192.168.178.1", "AVM FRITZ!Box 7590", upnp.NoIGD), "asus", "asus", ""},
		{"switched off", upnp.Off(41234), "", "generic", "doesn't say"},
	} {
		g, err := guideFor(c.status, byhand.Said{}, c.chosen)
		if err != nil || g.Router != c.router || !strings.Contains(g.Why, c.because) || (c.because == "") != (g.Why == "") {
			t.Errorf("%s: %+v, %v", c.name, g, err)
			continue
		}
		text, on := guideText(g), g.Name
		if c.router == "generic" {
			on = "your router"
		}
		for _, part := range []string{"By hand, on " + on + ":\n", "41234", "1. Open", "4. Save", g.Switch} {
			if !strings.Contains(text, part) {
				t.Errorf("%s: %q is missing in\n%s", c.name, part, text)
			}
		}
		if len(g.Others) < 10 || len(g.Values) < 5 {
			t.Errorf("%s: %+v", c.name, g)
		}
	}
	var f *api.Failure
	if _, err := guideFor(upnp.Off(1), byhand.Said{}, "nonsense"); !errors.As(err, &f) || f.Status != 404 || !strings.Contains(err.Error(), "fritzbox") {
		t.Errorf("an unknown router: %v", err)
	}
}

func TestTheGuideIsShownWhileARuleByHandWouldHelp(t *testing.T) {
	for v, want := range map[upnp.Verdict]bool{
		upnp.NoIGD: true, upnp.Refused: true, upnp.Conflict: true, upnp.RouterBroken: true, upnp.Disabled: true, upnp.ByHand: true,
		upnp.Starting: false, upnp.Mapped: false, upnp.NoRouter: false, upnp.PrivateWAN: false, upnp.CarrierNAT: false, upnp.NoWAN: false,
	} {
		if got := needsHands(upnp.Status{Verdict: v}, false); got != want {
			t.Errorf("%v: %t", v, got)
		}
		if needsHands(upnp.Status{Verdict: v}, true) {
			t.Errorf("%v: also after somebody came in", v)
		}
	}
}

// What runs says the same by every way: the status, the doctor and the guide itself.
func TestStatusDoctorAndGuideSayTheSame(t *testing.T) {
	dir := newDir(t, "")
	start(t, dir)
	_, guide, _ := homeward(t.Context(), dir, "ports", "guide")
	if !strings.Contains(guide, "By hand, on ") || !strings.Contains(guide, "UDP") {
		t.Fatalf("guide: %s", guide)
	}
	for _, command := range [][]string{{"status"}, {"doctor"}, {"doctor", "--full"}} {
		if _, out, errs := homeward(t.Context(), dir, command...); !strings.Contains(out, guide) {
			t.Errorf("%s lacks the guide: %s %s", command, out, errs)
		}
	}
	if code, _, errs := homeward(t.Context(), dir, "ports", "guide", "nonsense"); code != exitFailed || !strings.Contains(errs, "fritzbox") {
		t.Errorf("an unknown router: %d %s", code, errs)
	}
	if _, out, _ := homeward(t.Context(), dir, "ports", "guide", "TP-Link"); !strings.Contains(out, "NAT Forwarding") {
		t.Errorf("a chosen router: %s", out)
	}
}

func TestWhatIsRememberedOfTheRouterCountsWhereItSaysNothing(t *testing.T) {
	for name, c := range map[string]struct {
		status upnp.Status
		said   byhand.Said
		router string
	}{
		"it said so earlier":           {behind("192.168.178.1", "", upnp.NoIGD), byhand.Said{Brand: "asus"}, "asus"},
		"it says something else now":   {behind("192.168.1.1", "AVM FRITZ!Box 7590", upnp.Refused), byhand.Said{Brand: "asus"}, "fritzbox"},
		"the owner chose it":           {behind("192.168.1.1", "AVM FRITZ!Box 7590", upnp.Refused), byhand.Said{Brand: "asus", Chosen: true}, "asus"},
		"nothing is remembered":        {behind("192.168.178.1", "", upnp.NoIGD), byhand.Said{}, "fritzbox"},
		"it is forwarded, and unknown": {behind("192.168.1.1", "", upnp.ByHand), byhand.Said{Since: time.Unix(9, 0)}, "generic"},
	} {
		g, err := guideFor(c.status, c.said, "")
		if err != nil || g.Router != c.router || g.Why == "" || g.ByHand.IsZero() != c.said.Since.IsZero() {
			t.Errorf("%s: %+v, %v", name, g, err)
		}
	}
}
