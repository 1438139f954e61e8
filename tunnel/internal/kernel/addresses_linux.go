package kernel

import (
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
)

func prefixes(s ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, p := range s {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}

// never4 are destinations at which nothing lives that a peer may reach.
func never4() []netip.Prefix {
	return prefixes(
		"0.0.0.0/8",          // unspecified
		"100.100.100.200/32", // metadata service
		"127.0.0.0/8",        // loopback
		"168.63.129.16/32",   // metadata service
		"169.254.0.0/16",     // link-local, and most metadata services
		"224.0.0.0/3",        // multicast, reserved, broadcast
	)
}

// hidden4 are IPv4 addresses that must not be inside an IPv6 transition
// address: these, and those that are not global (RFC 6052, section 3.1).
func hidden4() []netip.Prefix {
	return prefixes("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32",
		"169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/3")
}

// never6 is never4 for IPv6.
func never6() []netip.Prefix {
	return prefixes(
		"::/96",             // unspecified, loopback, IPv4-compatible
		"::ffff:0:0/96",     // IPv4-mapped: no address of a packet (RFC 4942, section 2.2)
		"::ffff:0:0:0/96",   // IPv4-translated (RFC 2765)
		"64:ff9b:1::/48",    // local-use translation (RFC 8215): where the IPv4 address lies is not known
		"fd00:ec2::254/128", // metadata service
		"fd20:ce::254/128",  // metadata service
		"fe80::/10",         // link-local
		"fec0::/10",         // site-local
		"ff00::/8",          // multicast
	)
}

// disguise is a kind of IPv6 address that a translator or a tunnel on the way
// takes to an IPv4 address inside of it.
type disguise struct {
	match  clause
	offset uint32 // of the IPv4 address in the IPv6 address
	flip   bool   // its bits are inverted
}

func disguises() []disguise {
	at := func(p string) clause { return within(destination, netip.MustParsePrefix(p)) }
	isatap := rule(ip6.family(), clause{ // RFC 5214, section 6.1: in the interface's half
		&expr.Payload{DestRegister: reg, Base: expr.PayloadBaseNetworkHeader, Offset: ip6.offset[destination] + 8, Len: 4},
		&expr.Bitwise{SourceRegister: reg, DestRegister: reg, Len: 4, Mask: []byte{0xfc, 0xff, 0xff, 0xff}, Xor: make([]byte, 4)},
		&expr.Cmp{Op: expr.CmpOpEq, Register: reg, Data: []byte{0x00, 0x00, 0x5e, 0xfe}},
	})
	return []disguise{
		{at("64:ff9b::/96"), 12, false}, // NAT64, RFC 6052
		{at("2002::/16"), 2, false},     // 6to4, RFC 3056
		{at("2001::/32"), 4, false},     // Teredo's server, RFC 4380
		{at("2001::/32"), 12, true},     // Teredo's client
		{isatap, 12, false},
	}
}

// hides matches destinations in the disguise d of an address in set.
func (d disguise) hides(set *nftables.Set) clause {
	load := clause{&expr.Payload{DestRegister: reg, Base: expr.PayloadBaseNetworkHeader, Offset: ip6.offset[destination] + d.offset, Len: 4}}
	if d.flip {
		load = append(load, &expr.Bitwise{SourceRegister: reg, DestRegister: reg, Len: 4,
			Mask: []byte{0xff, 0xff, 0xff, 0xff}, Xor: []byte{0xff, 0xff, 0xff, 0xff}})
	}
	return rule(d.match, load, inSet(set))
}

// intervals turns sorted prefixes into the elements of an interval set: the
// first address in, the first address out. Neighbours become one interval.
func intervals(ps []netip.Prefix) []nftables.SetElement {
	var out []nftables.SetElement
	for i, p := range ps {
		if i == 0 || after(ps[i-1]) != p.Masked().Addr() {
			out = append(out, nftables.SetElement{Key: p.Masked().Addr().AsSlice()})
		}
		end := after(p)
		if end.IsValid() && (i+1 == len(ps) || end != ps[i+1].Masked().Addr()) {
			out = append(out, nftables.SetElement{Key: end.AsSlice(), IntervalEnd: true})
		}
	}
	return out
}

// after is the first address behind a prefix, invalid when it is the last one.
func after(p netip.Prefix) netip.Addr {
	last := p.Masked().Addr().AsSlice()
	for i := p.Bits(); i < len(last)*8; i++ {
		last[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(last)
	return a.Next()
}
