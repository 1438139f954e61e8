package main

import (
	"net/netip"
	"testing"
	"time"

	"homeward/peers"
	"homeward/tunnel"
	"homeward/upnp"
	"homeward/web/languages"
)

func TestReachabilityTellsWhatItRestsOn(t *testing.T) {
	now := time.Now()
	wan := netip.MustParseAddr("81.2.69.2")
	router := upnp.Status{Verdict: upnp.Mapped, WAN: wan, External: wan, Since: now.Add(-time.Hour), Mapping: &upnp.Mapping{External: netip.AddrPortFrom(wan, 5)}}
	phone := func(from string, ago time.Duration) peers.Peer {
		return peers.Peer{Name: "anna", Observed: peers.Observed{Endpoint: netip.MustParseAddrPort(from), LastHandshake: now.Add(-ago)}}
	}
	knock := []tunnel.HeardKnock{{At: now.Add(-time.Second), From: netip.MustParseAddrPort("[2001:db8::7]:9")}}

	r := reachability([]peers.Peer{phone("192.168.1.5:9", time.Minute)}, nil, router, nil, now)
	if r.Verdict != "mapped" || len(r.Evidence) != 0 || !r.Since.Equal(router.Since) || r.Text == r.Verdict || r.Advice == "" {
		t.Errorf("nobody came: %+v", r)
	}
	stale := peers.Peer{Name: "bert", NeedsCode: []peers.Reason{peers.ReasonEndpoint}}
	if r := reachability([]peers.Peer{stale}, nil, router, nil, now); r.Verdict != "codes-stale" || r.Advice == "" {
		t.Errorf("a code leads elsewhere: %+v", r)
	}
	stale.NeedsCode = []peers.Reason{peers.ReasonDNS}
	if r := reachability([]peers.Peer{stale}, nil, router, nil, now); r.Verdict != "mapped" {
		t.Errorf("a code with another DNS server: %+v", r)
	}
	r = reachability([]peers.Peer{phone("198.51.100.7:9", time.Minute), phone("198.51.100.8:9", 8*24*time.Hour)}, knock, router, nil, now)
	if r.Verdict != "seen" || len(r.Evidence) != 2 || r.Evidence[0].Kind != "handshake" || r.Evidence[0].From != "198.51.100.7" || r.Evidence[0].Family != "IPv4" ||
		r.Evidence[1].Kind != "knock" || r.Evidence[1].Family != "IPv6" || r.Advice != "" || !r.Since.Equal(now.Add(-time.Minute)) {
		t.Errorf("a phone and a browser came: %+v", r)
	}
	router.IPv6 = upnp.Pinhole{Verdict: upnp.Mapped, TrafficAt: now.Add(-time.Minute)}
	if r := reachability(nil, nil, router, nil, now); r.Verdict != "seen" || len(r.Evidence) != 1 || r.Evidence[0].Kind != "counter" || r.Evidence[0].From != "" {
		t.Errorf("the router counted: %+v", r)
	}
}

func TestEveryReachHasItsSentence(t *testing.T) {
	for _, r := range upnp.Reaches() {
		if _, ok := languages.English().Find("reach.verdict", string(r)); !ok {
			t.Errorf("%s has no text", r)
		}
	}
}
