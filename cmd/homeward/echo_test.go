package main

import (
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
