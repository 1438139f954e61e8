package hostnet

import (
	"net/netip"
	"slices"
	"testing"
)

func p(s string) netip.Prefix { return netip.MustParsePrefix(s) }

// nas is a box at home with a container bridge, another VPN and a public
// IPv6 address.
var nas = Host{
	Addresses: []Address{
		{"lo", p("127.0.0.1/8")}, {"lo", p("::1/128")},
		{"eth0", p("192.168.77.10/24")}, {"eth0", p("2a02:810:1:2::10/64")}, {"eth0", p("fd12:3456::10/64")}, {"eth0", p("fe80::1/64")},
		{"docker0", p("172.17.0.1/16")}, {"wg0", p("10.8.0.1/24")}, {"eth1", p("10.20.0.5/16")},
	},
	Routes: []netip.Prefix{p("10.99.0.0/16")},
	Uplink: "eth0",
}

func TestLANIsWhatTheUplinkIsIn(t *testing.T) {
	if got, want := nas.LAN(), []netip.Prefix{p("192.168.77.0/24"), p("fd12:3456::/64")}; !slices.Equal(got, want) {
		t.Errorf("LAN = %v, want %v", got, want)
	}
}

func TestLANWithoutDefaultRouteIsEveryRealInterface(t *testing.T) {
	h := nas
	h.Uplink = ""
	if got, want := h.LAN(), []netip.Prefix{p("10.20.0.0/16"), p("192.168.77.0/24"), p("fd12:3456::/64")}; !slices.Equal(got, want) {
		t.Errorf("LAN = %v, want %v", got, want)
	}
}

func TestTakenHasEveryNetworkAndRoute(t *testing.T) {
	got := nas.Taken()
	for _, want := range []string{"192.168.77.0/24", "172.17.0.0/16", "10.8.0.0/24", "10.20.0.0/16", "10.99.0.0/16", "fd12:3456::/64", "2a02:810:1:2::/64"} {
		if !slices.Contains(got, p(want)) {
			t.Errorf("Taken misses %s", want)
		}
	}
	if slices.Contains(got, p("127.0.0.0/8")) {
		t.Error("Taken has loopback")
	}
}

func TestHomeHasPublicNetworksToo(t *testing.T) {
	h := nas
	h.Routes = append(slices.Clone(nas.Routes), p("0.0.0.0/1"), p("2000::/3"), p("2a02:810:1:7::/64"))
	got := h.Home()
	for _, want := range []string{"192.168.77.0/24", "2a02:810:1:2::/64", "2a02:810:1:7::/64", "fd12:3456::/64"} {
		if !slices.Contains(got, p(want)) {
			t.Errorf("Home misses %s: %v", want, got)
		}
	}
	if slices.ContainsFunc(got, func(n netip.Prefix) bool {
		return n.Contains(netip.MustParseAddr("8.8.8.8")) || n.Contains(netip.MustParseAddr("2001:4860::8888"))
	}) {
		t.Errorf("half of the internet is at home: %v", got)
	}
}

func TestAdminPageIsNeverOnAPublicOrContainerAddress(t *testing.T) {
	want := []netip.Addr{}
	for _, a := range []string{"10.20.0.5", "127.0.0.1", "192.168.77.10", "::1", "fd12:3456::10"} {
		want = append(want, netip.MustParseAddr(a))
	}
	if got := nas.Private(); !slices.Equal(got, want) {
		t.Errorf("Private = %v, want %v", got, want)
	}
}

func TestLinksPreferTheUplinksIPv4Address(t *testing.T) {
	if got := nas.Preferred(); got != netip.MustParseAddr("192.168.77.10") {
		t.Errorf("Preferred = %v", got)
	}
	if got := (Host{}).Preferred(); !got.IsLoopback() {
		t.Errorf("Preferred without a network = %v, want loopback", got)
	}
}

func TestReadWorksHere(t *testing.T) {
	h, err := Read("homeward0")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(h.Private(), netip.Addr.IsLoopback) {
		t.Errorf("no loopback address among %v", h.Private())
	}
}
