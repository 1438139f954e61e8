package main

import (
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/cmd/homeward/internal/hostnet"
	"homeward/configs/state"
	"homeward/peers"
	"homeward/peers/peerstest"
	"homeward/web/api"
)

func TestALANThatTakesTheTunnelsNetworkIsNotedOnceThereAreCodes(t *testing.T) {
	quiet := slog.New(slog.DiscardHandler)
	st, err := state.Open(t.Context(), t.TempDir(), quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	a := &appliance{state: st, log: quiet}
	if err := a.identify(t.Context(), hostnet.Host{}); err != nil {
		t.Fatal(err)
	}
	taken := func() hostnet.Host { return hostnet.Host{Routes: []netip.Prefix{a.identity.Plan.V4}} }
	before := a.identity.Plan.V4
	if err := a.identify(t.Context(), taken()); err != nil || a.identity.Plan.V4 == before || a.clash.Load() != nil {
		t.Fatalf("without devices the tunnel does not move: %v", err)
	}
	m, err := peers.New(t.Context(), peers.Config{DB: st.DB(), Device: peerstest.NewDevice(), Logger: quiet, Facts: func() peers.Facts {
		return peers.Facts{PublicKey: wgtypes.Key{1}, Endpoint: &peers.Endpoint{Host: "home.example.org", Port: 5}, Tunnel: a.identity.Plan.Own()}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Create(t.Context(), peers.NewPeer{Name: "phone"}); err != nil {
		t.Fatal(err)
	}
	before = a.identity.Plan.V4
	if err := a.identify(t.Context(), taken()); err != nil || a.identity.Plan.V4 != before {
		t.Fatalf("with a device: %v, %v", a.identity.Plan.V4, err)
	}
	c := a.clash.Load()
	if c == nil || c.mine != before || c.theirs != before || !c.hides() {
		t.Fatalf("noted is %+v", c)
	}
	a.noteClash(a.identity.Plan, taken())
	if a.clash.Load() != c {
		t.Error("the same clash is noted again")
	}
	a.noteClash(a.identity.Plan, hostnet.Host{})
	if a.clash.Load() != nil {
		t.Error("it does not end")
	}
}

func TestAClashIsToldWithWhereToGo(t *testing.T) {
	here := netip.MustParsePrefix("10.77.3.0/24")
	for _, c := range []struct {
		name, taken string
		to          netip.Prefix
		state       api.JointState
		advice      string
	}{
		{"the same network", "10.77.3.0/24", netip.MustParsePrefix("10.20.9.0/24"), api.JointFailed, "such as 10.20.9.0/24"},
		{"a part of it", "10.77.3.128/25", netip.MustParsePrefix("10.20.9.0/24"), api.JointFailed, "such as 10.20.9.0/24"},
		{"one that contains it", "10.0.0.0/8", netip.Prefix{}, api.JointAttention, "--to"},
	} {
		j := jointOf(&clash{here, netip.MustParsePrefix(c.taken), time.Now()}, c.to)
		if j.State != c.state || !strings.Contains(j.Advice, c.advice) || !strings.Contains(j.Summary, c.taken) || !strings.Contains(j.Summary, here.String()) || j.Since.IsZero() {
			t.Errorf("%s: %+v", c.name, j)
		}
	}
}

// A VPN of the box's own may have a route to much, and the LAN is in the way all the same.
func TestTheWorstOfTwoClashesCounts(t *testing.T) {
	plan := state.Plan{V4: netip.MustParsePrefix("10.77.3.0/24"), V6: netip.MustParsePrefix("fd12::/64")}
	c := clashOf(plan, hostnet.Host{Routes: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("10.77.3.0/24"), netip.MustParsePrefix("192.168.1.0/24")}})
	if c == nil || !c.hides() {
		t.Errorf("%+v", c)
	}
}

// A whole default route in two halves, as VPNs make it, takes nothing from the tunnel.
func TestAVPNsRoutesAreNoClash(t *testing.T) {
	a := &appliance{log: slog.New(slog.DiscardHandler)}
	plan := state.Plan{V4: netip.MustParsePrefix("10.77.3.0/24"), V6: netip.MustParsePrefix("fd12::/64")}
	a.noteClash(plan, hostnet.Host{Routes: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/1"), netip.MustParsePrefix("128.0.0.0/1"), netip.MustParsePrefix("fc00::/7")}})
	if c := a.clash.Load(); c != nil {
		t.Errorf("noted is %+v", c)
	}
}
