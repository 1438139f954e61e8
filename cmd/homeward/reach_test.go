package main

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"homeward/peers"
	"homeward/tunnel"
	"homeward/upnp"
	"homeward/web"
	"homeward/web/api"
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

	r := reachability([]peers.Peer{phone("192.168.1.5:9", time.Minute)}, nil, router, upnp.Sighting{}, nil, now)
	if r.Verdict != "mapped" || len(r.Evidence) != 0 || !r.Since.Equal(router.Since) || r.Text == r.Verdict || r.Advice == "" {
		t.Errorf("nobody came: %+v", r)
	}
	stale := peers.Peer{Name: "bert", NeedsCode: []peers.Reason{peers.ReasonEndpoint}}
	if r := reachability([]peers.Peer{stale}, nil, router, upnp.Sighting{}, nil, now); r.Verdict != "codes-stale" || r.Advice == "" {
		t.Errorf("a code leads elsewhere: %+v", r)
	}
	stale.NeedsCode = []peers.Reason{peers.ReasonDNS}
	if r := reachability([]peers.Peer{stale}, nil, router, upnp.Sighting{}, nil, now); r.Verdict != "mapped" {
		t.Errorf("a code with another DNS server: %+v", r)
	}
	r = reachability([]peers.Peer{phone("198.51.100.7:9", time.Minute), phone("198.51.100.8:9", 8*24*time.Hour)}, knockProofs(knock), router, upnp.Sighting{}, nil, now)
	if r.Verdict != "seen" || len(r.Evidence) != 2 || r.Evidence[0].Kind != "handshake" || r.Evidence[0].From != "198.51.100.7" || r.Evidence[0].Family != "IPv4" ||
		r.Evidence[1].Kind != "knock" || r.Evidence[1].Family != "IPv6" || r.Advice != "" || !r.Since.Equal(now.Add(-time.Minute)) {
		t.Errorf("a phone and a browser came: %+v", r)
	}
	router.IPv6 = upnp.Pinhole{Verdict: upnp.Mapped, TrafficAt: now.Add(-time.Minute)}
	if r := reachability(nil, nil, router, upnp.Sighting{}, nil, now); r.Verdict != "seen" || len(r.Evidence) != 1 || r.Evidence[0].Kind != "counter" || r.Evidence[0].From != "" {
		t.Errorf("the router counted: %+v", r)
	}
}

// What the router says wrongly is said with who saw it otherwise, the same for people,
// in every language, and for programs.
func TestALyingRouterIsToldWithItsEvidence(t *testing.T) {
	now := time.Now()
	told := netip.MustParseAddr("81.2.69.2")
	router := upnp.Status{Verdict: upnp.Mapped, WAN: told, External: told, Port: 5, Since: now.Add(-time.Hour), Mapping: &upnp.Mapping{External: netip.AddrPortFrom(told, 5)}}
	e := &echoed{told: toldBy(router), server: peers.Endpoint{Host: "stun.example.org", Port: 3478}, seen: netip.MustParseAddrPort("81.2.71.9:5"), when: now}
	e.after(nil)
	if r := reachability(nil, nil, router, e.sighting(), nil, now); r.Verdict != "mapped" || len(r.Lies) > 0 {
		t.Errorf("seen once: %+v", r)
	}
	again := *e
	again.when = now.Add(time.Minute)
	again.after(e)
	r := reachability(nil, nil, router, again.sighting(), nil, now)
	want := api.Lie{About: "address", Told: "81.2.69.2", Seen: "81.2.71.9", By: "stun.example.org:3478", Times: 2, Since: now.UTC()}
	if r.Verdict != api.RouterLies || len(r.Lies) != 1 || r.Lies[0] != want || !r.Since.Equal(now) {
		t.Errorf("seen twice: %+v", r)
	}
	a := &appliance{}
	if got := a.judge(nil, nil, router, nil, now); got.Verdict != "mapped" {
		t.Errorf("nobody was asked: %+v", got)
	}
	a.echo.Store(&again)
	if got := a.judge(nil, nil, router, nil, now); got.Verdict != api.RouterLies {
		t.Errorf("with what was seen: %+v", got)
	}
	catalogue := languages.Load()
	for _, l := range catalogue.All() {
		text, advice := web.ReachSays(l, r)
		for _, part := range []string{"81.2.69.2", "81.2.71.9", "stun.example.org:3478", l.DateTime(now)} {
			if !strings.Contains(text, part) {
				t.Errorf("%s: %q does not say %s", l.Tag(), text, part)
			}
		}
		if advice == "" || l.Tag() != "en" && (advice == r.Advice || text == r.Text) {
			t.Errorf("%s: %q, %q", l.Tag(), text, advice)
		}
	}
	var out strings.Builder
	s := api.Status{Reachability: r}
	if err := printStatus(&out, s); err != nil || !strings.Contains(out.String(), r.Text) || !strings.Contains(out.String(), "→ Restart the router.") {
		t.Errorf("%v: the command line says %q", err, out.String())
	}
	if masked := newMask(nil, nil).status(s).Reachability; strings.Contains(masked.Text+masked.Lies[0].Told+masked.Lies[0].Seen, "81.2.") || r.Lies[0] != want {
		t.Errorf("masked: %+v", masked)
	}

	router.Verdict, router.Mapping, router.Denied = upnp.RouterBroken, nil, upnp.Denied{Times: 3, Since: now, By: "UPnP WANIPConnection:1"}
	r = reachability(nil, nil, router, upnp.Sighting{}, nil, now)
	if r.Verdict != api.RouterLies || r.Lies[0].About != "entry" || !strings.Contains(r.Text, "UPnP WANIPConnection:1") || !strings.Contains(r.Advice, "by hand") {
		t.Errorf("it keeps nothing: %+v", r)
	}
	if j := routerJoint(router, false); !strings.Contains(j.Summary, "its own list does not have it") || j.State != api.JointAttention {
		t.Errorf("the router's joint says %q", j.Summary)
	}
}

func TestEveryReachHasItsSentence(t *testing.T) {
	for _, r := range upnp.Reaches() {
		if _, ok := languages.English().Find("reach.verdict", string(r)); !ok {
			t.Errorf("%s has no text", r)
		}
	}
}
