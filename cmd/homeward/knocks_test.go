package main

import (
	"net/netip"
	"slices"
	"testing"

	"homeward/configs"
	"homeward/upnp"
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
