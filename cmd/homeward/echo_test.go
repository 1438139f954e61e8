package main

import (
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"homeward/peers"
	"homeward/upnp"
	"homeward/web/api"
)

func TestWhatIsSeenFromOutsideOnlyWarns(t *testing.T) {
	told, server := netip.MustParseAddrPort("81.2.69.2:41234"), peers.Endpoint{Host: "stun.example.org", Port: 3478}
	router := upnp.Status{WAN: told.Addr(), Port: told.Port()}
	seen := func(s string) *echoed {
		return &echoed{told: told, server: server, seen: netip.MustParseAddrPort(s)}
	}
	for name, tt := range map[string]struct {
		e      *echoed
		says   string
		warns  bool
		router upnp.Status
	}{
		"nobody is asked":           {nil, "", false, router},
		"the same":                  {seen("81.2.69.2:41234"), "sees home there, too", false, router},
		"another port":              {seen("81.2.69.2:5000"), "at port 5000", false, router},
		"another address":           {seen("81.2.71.9:41234"), "at 81.2.71.9, and the router says 81.2.69.2", true, router},
		"nobody answers":            {&echoed{told: told, server: server}, "did not answer", false, router},
		"asked before home moved":   {seen("81.2.71.9:41234"), "", false, upnp.Status{WAN: netip.MustParseAddr("81.2.69.7"), Port: 41234}},
		"the router tells no other": {&echoed{server: server, seen: told}, "", false, upnp.Status{}},
	} {
		j := api.Joint{Key: "address", State: api.JointWorking, Summary: "Devices call it."}
		sayEcho(&j, tt.e, tt.router)
		said := strings.TrimSpace(strings.TrimPrefix(j.Summary, "Devices call it."))
		if (tt.says == "") != (said == "") || !strings.Contains(said, tt.says) {
			t.Errorf("%s: %q", name, said)
		}
		if warns := j.State == api.JointAttention && j.Advice != ""; warns != tt.warns {
			t.Errorf("%s: %s, %q", name, j.State, j.Advice)
		}
	}
}

func TestServersAreAskedSeldom(t *testing.T) {
	told, now := netip.MustParseAddrPort("81.2.69.2:41234"), time.Unix(1_800_000_000, 0)
	e := &echoed{asked: "a", told: told, when: now}
	for name, tt := range map[string]struct {
		e     *echoed
		asked string
		told  netip.AddrPort
		after time.Duration
		due   bool
	}{
		"at first":               {nil, "a", told, 0, true},
		"nothing new":            {e, "a", told, 59 * time.Minute, false},
		"an hour later":          {e, "a", told, time.Hour, true},
		"another address":        {e, "a", netip.MustParseAddrPort("81.2.69.7:41234"), time.Minute, true},
		"it changes all day":     {e, "a", netip.MustParseAddrPort("81.2.69.7:41234"), 59 * time.Second, false},
		"another port":           {e, "a", netip.MustParseAddrPort("81.2.69.2:5"), time.Minute, true},
		"another server":         {e, "b", told, time.Minute, true},
		"the clock was set back": {e, "a", told, -time.Hour, false},
	} {
		if got := tt.e.due(tt.asked, tt.told, now.Add(tt.after)); got != tt.due {
			t.Errorf("%s: due %t", name, got)
		}
	}
}

// A server that disagrees with the router is asked again soon, and the others are asked,
// too: one of them that agrees clears the router.
func TestADisagreementIsLookedAtAgain(t *testing.T) {
	told, now := netip.MustParseAddrPort("81.2.69.2:41234"), time.Unix(1_800_000_000, 0)
	other := &echoed{asked: "a", told: told, seen: netip.MustParseAddrPort("81.2.71.9:41234"), when: now}
	other.after(nil)
	if other.times != 1 || !other.due("a", told, now.Add(time.Minute)) || other.due("a", told, now.Add(time.Minute-1)) {
		t.Errorf("once: %+v", other)
	}
	second := *other
	second.when = now.Add(time.Minute)
	second.after(other)
	if second.times != 2 || !second.since.Equal(now) || second.due("a", told, now.Add(30*time.Minute)) || !second.due("a", told, now.Add(61*time.Minute)) {
		t.Errorf("twice: %+v", second)
	}
	for name, change := range map[string]func(*echoed){
		"the router tells another address": func(e *echoed) { e.told = netip.MustParseAddrPort("81.2.69.3:41234") },
		"another address is seen":          func(e *echoed) { e.seen = netip.MustParseAddrPort("81.2.71.8:41234") },
	} {
		e := *other
		if change(&e); true {
			e.after(other)
		}
		if e.times != 1 {
			t.Errorf("%s: %d times", name, e.times)
		}
	}
	clear := *other
	clear.seen, clear.times = told, 0
	if clear.after(&second); clear.times != 0 || clear.sighting() != (upnp.Sighting{}) {
		t.Errorf("it agrees now: %+v", clear)
	}

	one, two := peers.Endpoint{Host: "one.example.org", Port: 1}, peers.Endpoint{Host: "two.example.org", Port: 2}
	for name, tt := range map[string]struct {
		one, two string // what they see; empty: nothing
		by       string
		asked    int
	}{
		"the first agrees":     {"81.2.69.2:41234", "81.2.71.9:1", "one.example.org:1", 1},
		"the second agrees":    {"81.2.71.9:1", "81.2.69.2:41234", "two.example.org:2", 2},
		"neither agrees":       {"81.2.71.9:1", "81.2.71.8:1", "one.example.org:1", 2},
		"the second is silent": {"81.2.71.9:1", "", "one.example.org:1", 2},
		"the first is silent":  {"", "81.2.71.9:1", "two.example.org:2", 2},
		"nobody says anything": {"", "", "one.example.org:1", 2},
	} {
		asked := 0
		e := askAll([]peers.Endpoint{one, two}, told, func(s peers.Endpoint) (netip.AddrPort, error) {
			asked++
			sees := map[string]string{one.Host: tt.one, two.Host: tt.two}[s.Host]
			if sees == "" {
				return netip.AddrPort{}, errors.New("silent")
			}
			return netip.MustParseAddrPort(sees), nil
		}, slog.New(slog.DiscardHandler))
		if e.server.String() != tt.by || asked != tt.asked || e.seen.IsValid() != (tt.one+tt.two != "") {
			t.Errorf("%s: %v by %v, %d were asked", name, e.seen, e.server, asked)
		}
	}
}

// What is in the house, or nowhere, is not asked: it sees nothing of the internet.
func TestServersAtHomeAreNotAsked(t *testing.T) {
	for host, public := range map[string]bool{
		"81.2.68.10": true, "192.168.1.2": false, "10.0.0.1": false, "169.254.169.254": false, "127.0.0.1": false, "0.0.0.0": false, "224.0.0.1": false,
	} {
		at, err := publicAddress(t.Context(), peers.Endpoint{Host: host, Port: 7})
		if (err == nil) != public || public && at.String() != host+":7" {
			t.Errorf("%s: %v, %v", host, at, err)
		}
	}
}
