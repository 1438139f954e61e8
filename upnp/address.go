package upnp

import "net/netip"

// wanClass says what the router's own address on the internet side means.
type wanClass uint8

const (
	wanNone    wanClass = iota // none, or one that cannot be: 0.0.0.0, loopback, documentation
	wanPublic                  // the whole internet can reach it
	wanPrivate                 // there is another router in front of this one
	wanCarrier                 // shared by customers of the provider (RFC 6598, DS-Lite)
)

// never are ranges that no router on the public internet has (RFC 6890).
var (
	rfc1918 = prefixes("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
	shared  = prefixes("100.64.0.0/10", "192.0.0.0/29")
	never   = prefixes(
		"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24",
		"192.52.193.0/24", "192.88.99.0/24", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	)
)

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

func within(a netip.Addr, list []netip.Prefix) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// classify looks at an IPv4 address that a router calls its external one.
func classify(a netip.Addr) wanClass {
	a = a.Unmap()
	switch {
	case !a.Is4():
		return wanNone
	case within(a, rfc1918):
		return wanPrivate
	case within(a, shared):
		return wanCarrier
	case within(a, never):
		return wanNone
	}
	return wanPublic
}
