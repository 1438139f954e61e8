package ddns

import (
	"net/netip"
	"slices"
)

// Records are the address records of a name. An invalid address is no record.
type Records struct {
	A, AAAA netip.Addr
}

// wanted applies the policy: A whenever there is a public IPv4 address, AAAA only
// when nothing but IPv6 works.
func wanted(v4, v6 netip.Addr, onlyIPv6 bool) Records {
	var r Records
	if v4 = v4.Unmap(); v4.Is4() && isPublic(v4) {
		r.A = v4
	}
	if onlyIPv6 && v6.Is6() && !v6.Is4In6() && isPublic(v6) {
		r.AAAA = v6.WithZone("")
	}
	return r
}

func (r Records) empty() bool { return !r.A.IsValid() && !r.AAAA.IsValid() }

// list is the addresses with a comma between, the IPv4 one first.
func (r Records) list() string {
	switch {
	case !r.AAAA.IsValid():
		return text(r.A)
	case !r.A.IsValid():
		return text(r.AAAA)
	}
	return r.A.String() + "," + r.AAAA.String()
}

// text is the address, or nothing for none.
func text(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// isPublic reports whether the whole internet can send to an address.
func isPublic(a netip.Addr) bool {
	a = a.Unmap()
	if !a.IsValid() || a.Zone() != "" || !a.IsGlobalUnicast() {
		return false
	}
	return !slices.ContainsFunc(special(a.Is4()), func(p netip.Prefix) bool { return p.Contains(a) })
}

// special are the ranges that are not, or need not be, a host on the internet
// (RFC 6890 and IANA's registries of special-purpose addresses), and what clouds
// answer on with secrets of the machine.
func special(v4 bool) []netip.Prefix {
	if v4 {
		return prefixes(
			"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
			"192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24",
			"192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
			"224.0.0.0/4", "240.0.0.0/4",
			"168.63.129.16/32", // Azure's metadata, on an address that looks public
		)
	}
	return prefixes(
		"::/8",           // unspecified, loopback, mapped and compatible
		"64:ff9b:1::/48", // local NAT64 (RFC 8215): any address may be behind
		"100::/64",       // discard (RFC 6666)
		"2001::/23",      // Teredo, benchmarking, ORCHID and others
		"2001:db8::/32",  // documentation
		"2002::/16",      // 6to4: any address may be behind
		"3fff::/20",      // documentation (RFC 9637)
		"5f00::/16",      // segment routing
		"fc00::/7",       // unique local; fd00:ec2::254 is Amazon's metadata
		"fe80::/10",      // link-local
		"fec0::/10",      // site-local, once
		"ff00::/8",       // multicast
	)
}

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}
