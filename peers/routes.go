package peers

import (
	"net/netip"
	"slices"
	"strings"
)

// Most of what an owner may write for one device: with more its code gets too dense
// for the cameras of phones.
const (
	maxRoutes    = 20
	maxResolvers = 4
)

// Routes are the networks that a device sends through its tunnel where its owner
// wrote them, instead of those of its Profile: prefixes with a comma between them,
// masked, in order, each once. Empty means those of the Profile. They are comfort for
// the device: what it may reach is its Access.
type Routes string

// Resolvers are the DNS servers that a device is given where its owner wrote them,
// instead of homeward's own: up to 4 addresses with a comma between them, the first
// one first. Empty means homeward's own.
type Resolvers string

// ParseRoutes reads prefixes and single addresses with commas or white space between
// them. All of IPv4 without all of IPv6 is refused, since the other family would go
// past home. The error is a FieldError.
func ParseRoutes(s string) (Routes, error) {
	var list []netip.Prefix
	for _, word := range words(s) {
		p, err := netip.ParsePrefix(word)
		if a, err2 := netip.ParseAddr(word); err2 == nil && a.Zone() == "" {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		switch a := p.Addr(); {
		case err != nil:
			return "", fieldErrorf("allowed_ips", "%.60q is not a network: write it as 192.168.1.0/24", word)
		case a.Is4In6():
			return "", fieldErrorf("allowed_ips", "%v is a disguised IPv4 address: write it as IPv4", p)
		case p.Bits() > 0 && (a.IsLoopback() || a.IsMulticast() || a.IsLinkLocalUnicast()):
			return "", fieldErrorf("allowed_ips", "%v never goes through a tunnel: leave it out", p)
		}
		list = append(list, p.Masked())
	}
	slices.SortFunc(list, comparePrefixes)
	list = slices.Compact(list)
	all := everywhere()
	if slices.Contains(list, all[0]) != slices.Contains(list, all[1]) {
		return "", fieldErrorf("allowed_ips", "%v and %v belong together: else the other half of the internet goes past home", all[0], all[1])
	}
	if len(list) > maxRoutes {
		return "", fieldErrorf("allowed_ips", "%d networks are too many: use up to 20", len(list))
	}
	return Routes(joined(list)), nil
}

// Prefixes are the networks one by one; nil for those of the Profile.
func (r Routes) Prefixes() []netip.Prefix {
	var list []netip.Prefix
	for _, word := range words(string(r)) {
		if p, err := netip.ParsePrefix(word); err == nil { // it was parsed before
			list = append(list, p)
		}
	}
	return list
}

// ParseResolvers reads addresses with commas or white space between them. The error
// is a FieldError.
func ParseResolvers(s string) (Resolvers, error) {
	var list []netip.Addr
	for _, word := range words(s) {
		a, err := netip.ParseAddr(word)
		switch {
		case err != nil || a.Zone() != "" || a.Is4In6():
			return "", fieldErrorf("resolvers", "%.60q is not the address of a DNS server: write it as 192.168.1.1", word)
		case a.IsUnspecified() || a.IsLoopback() || a.IsMulticast() || a.IsLinkLocalUnicast():
			return "", fieldErrorf("resolvers", "no device can ask %v through a tunnel: name another DNS server", a)
		}
		if !slices.Contains(list, a) {
			list = append(list, a)
		}
	}
	if len(list) > maxResolvers {
		return "", fieldErrorf("resolvers", "%d DNS servers are too many: use up to 4", len(list))
	}
	return Resolvers(joined(list)), nil
}

// Addrs are the servers one by one; nil for homeward's own.
func (r Resolvers) Addrs() []netip.Addr {
	var list []netip.Addr
	for _, word := range words(string(r)) {
		if a, err := netip.ParseAddr(word); err == nil { // it was parsed before
			list = append(list, a)
		}
	}
	return list
}

// words splits a list as people type it.
func words(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ';' || r == ' ' || r == '\t' || r == '\r' || r == '\n' })
}

// routed are the AllowedIPs of p: the owner's own, else those of its profile. Where its
// names are looked up at home, the way there is among them.
func (p Peer) routed(dns []netip.Addr, f Facts) []netip.Prefix {
	list := p.Routes.Prefixes()
	if list == nil {
		return allowedIPs(p.Profile, f)
	}
	for _, a := range dns {
		if !slices.ContainsFunc(list, func(n netip.Prefix) bool { return n.Contains(a) }) && slices.Contains(f.DNS, a) {
			list = append(list, netip.PrefixFrom(a, a.BitLen()))
		}
	}
	slices.SortFunc(list, comparePrefixes)
	return list
}
