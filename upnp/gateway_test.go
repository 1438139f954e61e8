package upnp

import (
	"errors"
	"net/netip"
	"testing"
)

func TestGatewayChoice(t *testing.T) {
	eth := route{gateway: netip.MustParseAddr("192.168.1.1"), link: "eth0", kind: "device", metric: 100}
	with := func(change func(*route)) route {
		r := eth
		change(&r)
		return r
	}
	for name, tt := range map[string]struct {
		routes []route
		want   string // interface; empty means none
	}{
		"no route":              {nil, ""},
		"one":                   {[]route{eth}, "eth0"},
		"lowest metric":         {[]route{eth, with(func(r *route) { r.link, r.metric = "wlan0", 50 })}, "wlan0"},
		"vpn with lower metric": {[]route{with(func(r *route) { r.link, r.kind, r.metric = "wg0", "wireguard", 1 }), eth}, "eth0"},
		"tun with lower metric": {[]route{with(func(r *route) { r.link, r.kind, r.metric = "tun0", "tuntap", 1 }), eth}, "eth0"},
		"cable pulled":          {[]route{with(func(r *route) { r.down = true }), with(func(r *route) { r.link, r.metric = "wlan0", 600 })}, "wlan0"},
		"inside a container":    {[]route{with(func(r *route) { r.kind = "veth" })}, "eth0"},
		"without gateway":       {[]route{{link: "ppp0", kind: "ppp"}}, ""},
		"directly online":       {[]route{with(func(r *route) { r.gateway = netip.MustParseAddr("81.2.69.1") })}, ""},
	} {
		got, err := choose(tt.routes)
		if got.link != tt.want || (err == nil) != (tt.want != "") || err != nil && !errors.Is(err, ErrNoGateway) {
			t.Errorf("%s: chose %q, %v; want %q", name, got.link, err, tt.want)
		}
	}
}
