package guide

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
)

var rule = Rule{Name: "homeward", To: netip.MustParseAddrPort("192.168.1.5:41234"), Router: netip.MustParseAddr("192.168.1.1")}

func TestEveryBrandIsComplete(t *testing.T) {
	wanted := []Brand{FritzBox, ASUS, NETGEAR, DLink, TPLink, Keenetic, MikroTik, UniFi, OpenWrt, Speedport, Livebox, Huawei, Xiaomi, Generic}
	if list := Brands(); len(list) != len(wanted) || list[len(list)-1] != Generic {
		t.Errorf("brands: %v", list)
	}
	for _, b := range wanted {
		m, ok := menus[b]
		if !ok || !slices.Contains(Brands(), b) || !b.Known() {
			t.Errorf("%s is missing", b)
			continue
		}
		f := m.fields
		texts := append([]string{m.name, m.add, m.upnp, f.name, f.protocol, f.external, f.address, f.internal}, append(m.forward, m.switchAt...)...)
		for _, v := range m.also {
			texts = append(texts, v.Field, v.Value)
		}
		if len(m.forward) == 0 || len(m.switchAt) == 0 || slices.Contains(texts, "") {
			t.Errorf("%s is not complete: %+v", b, m)
		}
		if m.page != "" && !strings.HasPrefix(m.page, "http") {
			t.Errorf("%s: %q is no address of a page", b, m.page)
		}
		if b != Generic && !slices.ContainsFunc(signs, func(s struct {
			part  string
			brand Brand
		}) bool {
			return s.brand == b
		}) {
			t.Errorf("%s is never recognised", b)
		}
	}
}

// What routers call themselves, in the shapes in which their descriptions were
// published in bug reports: maker and model.
func TestRoutersAreRecognised(t *testing.T) {
	for name, want := range map[string]Brand{
		"AVM Berlin FRITZ!Box 7490":                       FritzBox,
		"AVM FRITZ!Box 7590":                              FritzBox,
		"FRITZ!Box 6660 Cable":                            FritzBox,
		"ASUSTeK Computer Inc. RT-AX88U":                  ASUS,
		"ASUS Wireless Router RT-AC68U":                   ASUS,
		"NETGEAR, Inc. R7000":                             NETGEAR,
		"NETGEAR Orbi RBR50":                              NETGEAR,
		"D-link DSL-X1852E":                               DLink,
		"D-Link Corporation DIR-882":                      DLink,
		"TP-Link Archer AX55":                             TPLink,
		"TP-LINK TL-WR841N":                               TPLink,
		"Keenetic Ltd. Keenetic Giga":                     Keenetic,
		"ZyXEL Keenetic Ultra II":                         Keenetic,
		"MikroTik Router OS":                              MikroTik,
		"Ubiquiti Networks UniFi Security Gateway":        UniFi,
		"Ubiquiti Inc. UniFi Dream Machine":               UniFi,
		"OpenWRT router":                                  OpenWrt,
		"OpenWrt Xiaomi Mi Router 4A":                     OpenWrt,
		"Sagemcom Residential Livebox,(DSL,WAN Ethernet)": Livebox,
		"Huawei Technologies Co., Ltd. Speedport W 724V":  Speedport,
		"Deutsche Telekom Speedport Smart 3":              Speedport,
		"Huawei Technologies Co., Ltd. HG8245H":           Huawei,
		"Xiaomi MiWiFi Router R3":                         Xiaomi,
		"MitraStar Internet Gateway":                      Generic,
		"Debian GNU/Linux router":                         Generic,
		"Technicolor Dasus-Box":                           Generic, // a name that only holds a maker's
		"":                                                Generic,
	} {
		if got := Recognise(name); got != want {
			t.Errorf("%q: %s, want %s", name, got, want)
		}
	}
}

func TestAnAddressMakesABrandLikely(t *testing.T) {
	if b := Guess(netip.MustParseAddr("192.168.178.1")); b != FritzBox {
		t.Errorf("%s", b)
	}
	if b := Guess(netip.MustParseAddr("192.168.1.1")); b != Generic {
		t.Errorf("half the world is called %s", b)
	}
}

func TestTheGuideHasThisHousesValues(t *testing.T) {
	for _, b := range Brands() {
		g := For(b, rule)
		text := strings.Join(g.Steps(), "\n")
		for _, part := range []string{"homeward", "UDP", "41234", "192.168.1.5", "http://192.168.1.1", g.Menu[0]} {
			if !strings.Contains(text, part) {
				t.Errorf("%s: %q is missing in:\n%s", b, part, text)
			}
		}
		if strings.Count(text, "41234") != 2 || g.Brand != b || g.Switch == "" {
			t.Errorf("%s:\n%+v", b, g)
		}
	}
	g := For(FritzBox, rule)
	if !slices.Contains(g.Values, Value{"Port to device", "41234"}) || g.Open != "http://fritz.box (or http://192.168.1.1)" ||
		!strings.HasPrefix(g.Switch, "“Permit independent port sharing for this device” (Internet > Permit Access > Port Sharing") {
		t.Errorf("%+v", g)
	}
	if g := For("no such brand", Rule{Name: "homeward", To: netip.AddrPortFrom(netip.Addr{}, 41234)}); g.Brand != Generic || g.Open != "" || !strings.Contains(strings.Join(g.Steps(), " "), "this box") {
		t.Errorf("of an unknown brand and address: %+v", g)
	}
	if g := For(Generic, Rule{Router: netip.MustParseAddr("fe80::1%eth0"), To: rule.To}); g.Open != "http://[fe80::1]" {
		t.Errorf("a router with an IPv6 address: %q", g.Open)
	}
}
