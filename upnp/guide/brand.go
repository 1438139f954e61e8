package guide

import (
	"net/netip"
	"slices"
	"strings"
)

// Brand is a maker, or a line, of routers with menus of its own.
type Brand string

// The brands.
const (
	Generic   Brand = "generic"
	ASUS      Brand = "asus"
	DLink     Brand = "d-link"
	FritzBox  Brand = "fritzbox"
	Huawei    Brand = "huawei"
	Keenetic  Brand = "keenetic"
	Livebox   Brand = "livebox"
	MikroTik  Brand = "mikrotik"
	NETGEAR   Brand = "netgear"
	OpenWrt   Brand = "openwrt"
	Speedport Brand = "speedport"
	TPLink    Brand = "tp-link"
	UniFi     Brand = "unifi"
	Xiaomi    Brand = "xiaomi"
)

// Brands lists all brands for a person to choose from: by name, the generic one last.
func Brands() []Brand {
	list := make([]Brand, 0, len(menus))
	for b := range menus {
		if b != Generic {
			list = append(list, b)
		}
	}
	slices.SortFunc(list, func(a, b Brand) int { return strings.Compare(strings.ToLower(a.Name()), strings.ToLower(b.Name())) })
	return append(list, Generic)
}

// Known reports whether b is one of Brands.
func (b Brand) Known() bool { _, ok := menus[b]; return ok }

// Name is what people call it.
func (b Brand) Name() string { return b.menu().name }

func (b Brand) menu() menu {
	if m, ok := menus[b]; ok {
		return m
	}
	return menus[Generic]
}

// signs are parts of what routers call themselves (UPnP's manufacturer and model),
// in lower case. The first that fits counts: lines that several makers build, and
// systems that run on others' machines, come before makers.
var signs = []struct {
	part  string
	brand Brand
}{
	{"openwrt", OpenWrt},
	{"livebox", Livebox}, {"funbox", Livebox}, // built by Sagemcom, Arcadyan and others
	{"speedport", Speedport}, // built by Huawei, Arcadyan, Sercomm and others
	{"keenetic", Keenetic},   // once a line of ZyXEL's
	{"fritz!", FritzBox}, {" avm ", FritzBox},
	{"mikrotik", MikroTik}, {"routeros", MikroTik},
	{"unifi", UniFi}, {"dream machine", UniFi},
	{"miwifi", Xiaomi}, {"xiaomi", Xiaomi}, {"redmi", Xiaomi},
	{"asustek", ASUS}, {" asus ", ASUS},
	{"netgear", NETGEAR},
	{"tp-link", TPLink}, {"tplink", TPLink}, {"archer", TPLink},
	{"d-link", DLink}, {"dlink", DLink},
	{"huawei", Huawei}, {"echolife", Huawei},
}

// Recognise finds the brand by what a router calls itself: maker and model in one
// text. What nobody knows is Generic.
func Recognise(name string) Brand {
	name = " " + strings.ToLower(name) + " "
	for _, s := range signs {
		if strings.Contains(name, s.part) {
			return s.brand
		}
	}
	return Generic
}

// fresh are addresses that routers have as they come from the maker, where hardly
// anybody else's do.
var fresh = map[netip.Addr]Brand{
	netip.AddrFrom4([4]byte{192, 168, 178, 1}): FritzBox,
	netip.AddrFrom4([4]byte{192, 168, 88, 1}):  MikroTik,
	netip.AddrFrom4([4]byte{192, 168, 50, 1}):  ASUS,
	netip.AddrFrom4([4]byte{192, 168, 31, 1}):  Xiaomi,
	netip.AddrFrom4([4]byte{192, 168, 2, 1}):   Speedport,
	netip.AddrFrom4([4]byte{192, 168, 100, 1}): Huawei,
	netip.AddrFrom4([4]byte{192, 168, 8, 1}):   Huawei,
}

// Guess tells the brand that a router's address makes likely. It is a suggestion to
// a person, not a finding.
func Guess(router netip.Addr) Brand {
	if b, ok := fresh[router]; ok {
		return b
	}
	return Generic
}
