package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"homeward/configs"
	"homeward/tunnel"
	"homeward/upnp"
	"homeward/web/api"
)

func TestOnlyPublicAddressesAreKnockedAt(t *testing.T) {
	at := netip.MustParseAddrPort
	wan, six := at("81.2.69.2:5"), at("[2a01:5ead:77::10]:5")
	open := upnp.Pinhole{Verdict: upnp.Mapped, Address: six}
	for _, c := range []struct {
		name     string
		router   upnp.Status
		endpoint []netip.AddrPort
		want     []netip.AddrPort
	}{
		{"nothing", upnp.Off(5), nil, nil},
		{"mapped", upnp.Status{Mapping: &upnp.Mapping{External: wan}}, nil, []netip.AddrPort{wan}},
		{"both families", upnp.Status{Mapping: &upnp.Mapping{External: wan}, IPv6: open}, nil, []netip.AddrPort{wan, six}},
		{"IPv6 is shut", upnp.Status{IPv6: upnp.Pinhole{Verdict: upnp.Refused, Address: six}}, nil, nil},
		{"the router tells no address", upnp.Status{Mapping: &upnp.Mapping{External: netip.AddrPortFrom(netip.Addr{}, 5)}}, nil, nil},
		{"by hand", upnp.Off(5), []netip.AddrPort{wan}, []netip.AddrPort{wan}},
		{"the same twice", upnp.Status{Mapping: &upnp.Mapping{External: wan}}, []netip.AddrPort{wan}, []netip.AddrPort{wan}},
		{"a name of the LAN", upnp.Off(5), []netip.AddrPort{at("192.168.1.5:5"), at("127.0.0.1:5"), at("[fe80::1]:5")}, nil},
	} {
		if got := callable(c.router, c.endpoint); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestWhoTurnedRoundInTheRouterIsNotOutside(t *testing.T) {
	a := &appliance{settings: configs.Settings{Endpoint: "81.2.69.3:5"}, port: 5}
	a.networks.Store(&networks{home: []netip.Prefix{netip.MustParsePrefix("2a01:5ead:77::/64")}})
	calls := []netip.AddrPort{netip.MustParseAddrPort("81.2.69.2:5")}
	for from, outside := range map[string]bool{
		"81.2.69.2": false, "::ffff:81.2.69.2": false, "81.2.69.3": false, "192.168.1.9": false, "127.0.0.1": false, "2a01:5ead:77::9": false,
		"81.2.70.5": true, "2a01:5ead:70::5": true,
	} {
		if got := a.outside(netip.MustParseAddr(from), calls); got != outside {
			t.Errorf("%s: outside %v, want %v", from, got, outside)
		}
	}
}

// What browsers knocked is told to programs, the latest first, and by the command line.
func TestKnocksThatWereHeardAreTold(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	got := heardKnocks([]tunnel.HeardKnock{
		{At: now, From: netip.MustParseAddrPort("[::ffff:198.51.100.7]:9"), Port: 5},
		{At: now.Add(time.Minute), From: netip.MustParseAddrPort("[2001:db8::7]:9"), Port: 6},
	})
	want := []api.HeardKnock{{At: now.Add(time.Minute).UTC(), Family: "IPv6", From: "2001:db8::7", Port: 6}, {At: now.UTC(), Family: "IPv4", From: "198.51.100.7", Port: 5}}
	if !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	masked := newMask(nil, nil).status(api.Status{Knocks: got})
	if masked.Knocks[1].From != "(public IPv4 1)" || got[1].From != "198.51.100.7" {
		t.Errorf("masked: %+v", masked.Knocks)
	}
}

func TestTheCommandWaitsForAKnock(t *testing.T) {
	dir := newDir(t, "")
	start(t, dir)
	code, out, errs := homeward(t.Context(), dir, "knock", "--for", "1s")
	if code != exitFailed || !strings.Contains(out, "/knock and press the button") || !strings.Contains(errs, "no browser was heard") {
		t.Errorf("nobody knocks: %d %s%s", code, out, errs)
	}
	if code, _, errs := homeward(t.Context(), dir, "knock", "--for", "1ms"); code != exitUsage || !strings.Contains(errs, "one second") {
		t.Errorf("no time to wait: %d %s", code, errs)
	}
	before := api.KnockState{Heard: []api.HeardKnock{{At: time.Unix(5, 0)}}}
	mux := http.NewServeMux()
	asked := 0
	mux.HandleFunc("GET /api/v1/knock", func(w http.ResponseWriter, _ *http.Request) {
		now := before
		if asked++; asked > 1 {
			now.Heard = []api.HeardKnock{{At: time.Unix(6, 0), From: "198.51.100.7", Family: "IPv4", Port: 5}}
		}
		json.NewEncoder(w).Encode(now)
	})
	path := filepath.Join(t.TempDir(), "s")
	socket, err := openSocket(path, mux)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- socket.Run(ctx) }()
	heard, err := awaitKnock(t.Context(), api.NewClient(path), before, testPatience)
	if err != nil || heard.From != "198.51.100.7" || asked != 2 {
		t.Errorf("%+v, %v, asked %d times", heard, err, asked)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
