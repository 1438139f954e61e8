package main

import (
	"log/slog"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/configs/state"
	"homeward/peers"
	"homeward/peers/peerstest"
	"homeward/upnp"
	"homeward/upnp/proven"
	"homeward/web/api"
)

// A phone that came in before the restart is evidence after it, with its network, while
// home is where it was; and it ends with the place.
func TestTheWayInStaysProvenOverARestart(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	wan := netip.MustParseAddr("81.2.69.2")
	router := func(gateway string) upnp.Status {
		return upnp.Status{Verdict: upnp.ByHand, WAN: wan, External: wan, Port: 40001, Gateway: upnp.Gateway{Addr: netip.MustParseAddr(gateway)}}
	}
	here, elsewhere := router("192.168.1.1"), router("192.168.0.1")
	run := func(do func(a *appliance, phone func(from string))) {
		t.Helper()
		o, st, _ := newOtherPort(t, dir)
		defer st.Close()
		book, err := proven.New(t.Context(), st.DB())
		if err != nil {
			t.Fatal(err)
		}
		dev := peerstest.NewDevice()
		a := &appliance{state: st, tunnel: o.tunnel, proven: book, log: slog.New(slog.DiscardHandler)}
		a.networks.Store(&networks{})
		if a.peers, err = peers.New(t.Context(), peers.Config{DB: st.DB(), Device: dev, Facts: func() peers.Facts {
			return peers.Facts{PublicKey: wgtypes.Key{1}, Endpoint: &peers.Endpoint{Host: "home.example.org", Port: 5}, MTU: 1412, Tunnel: []netip.Prefix{netip.MustParsePrefix("10.6.0.1/24")}}
		}, Logger: a.log}); err != nil {
			t.Fatal(err)
		}
		do(a, func(from string) {
			p, err := a.peers.Create(t.Context(), peers.NewPeer{Name: "anna"})
			if err != nil {
				t.Fatal(err)
			}
			dev.Observe(p.Peer.PublicKey, peers.Observed{Endpoint: netip.MustParseAddrPort(from), LastHandshake: now})
		})
		if err := a.noteProofs(t.Context(), here, now); err != nil {
			t.Fatal(err)
		}
	}
	judge := func(a *appliance, r upnp.Status) api.Reachability {
		return reachability(a.peers.List(), a.otherProofs(r, now), r, upnp.Sighting{}, nil, now)
	}
	run(func(a *appliance, phone func(string)) {
		if r := judge(a, here); r.Verdict != "by-hand" {
			t.Fatalf("nobody came: %+v", r)
		}
		phone("198.51.100.7:9")
		if r := judge(a, here); len(r.Evidence) != 1 || r.Evidence[0].From != "198.51.100.7" {
			t.Fatalf("in the same run: %+v", r)
		}
	})
	run(func(a *appliance, _ func(string)) {
		if r := judge(a, upnp.Status{}); r.Verdict == "seen" {
			t.Errorf("before the router was heard: %+v", r)
		}
		r := judge(a, here)
		if r.Verdict != "seen" || len(r.Evidence) != 1 || r.Evidence[0] != (api.Evidence{Kind: "handshake", At: now.Truncate(time.Second).UTC(), Family: "IPv4", From: "198.51.100.0/24"}) {
			t.Errorf("after the restart: %+v", r)
		}
		all := proofs(nil, a.otherProofs(here, now), here, nil, now)
		if j := outsideJoint(here, nil, all[0], true); j.State != api.JointWorking || !strings.Contains(j.Summary, "198.51.100.0/24") || !strings.Contains(j.Summary, "before homeward was started") {
			t.Errorf("the way home says %s, %q", j.State, j.Summary)
		}
		if r := judge(a, elsewhere); r.Verdict != "by-hand" {
			t.Errorf("behind another router: %+v", r)
		}
	})
}

// The same with the program itself: what is stored counts after its start.
func TestServeKnowsWhatProvedTheWayIn(t *testing.T) {
	dir := newDir(t, "")
	stop, _ := start(t, dir, "--port", "40009")
	stop()
	st, err := state.Open(t.Context(), filepath.Join(dir, "state"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	book, err := proven.New(t.Context(), st.DB())
	if err == nil {
		err = book.Note(t.Context(), upnp.Place{Port: 40009}, []upnp.Proof{proofFrom(upnp.ProofKnock, time.Now().Add(-time.Hour), netip.MustParseAddr("2001:db8:1:2::3"))})
	}
	if err != nil {
		t.Fatal(err)
	}
	st.Close()
	for port, proven := range map[string]bool{"40009": true, "40010": false} {
		stop, _ := start(t, dir, "--port", port)
		code, out, errs := homeward(t.Context(), dir, "status", "--json")
		if code != exitOK || strings.Contains(out, `"verdict": "seen"`) != proven || strings.Contains(out, `"from": "2001:db8:1::/48"`) != proven {
			t.Errorf("at port %s: %d %s\n%s", port, code, errs, out)
		}
		stop()
	}
}
