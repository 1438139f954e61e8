package filter

import "net/netip"

// isSpecial says that nothing lives at a that a peer may reach, whatever it is
// granted.
func isSpecial(a netip.Addr) bool {
	if a.Is4() {
		b := a.As4()
		switch {
		case b[0] == 0, // unspecified, "this network"
			b[0] == 127,                      // loopback
			b[0] == 169 && b[1] == 254,       // link-local, and most metadata services
			b[0] >= 224,                      // multicast, reserved, broadcast
			b == [4]byte{100, 100, 100, 200}, // metadata service (Alibaba)
			b == [4]byte{168, 63, 129, 16},   // metadata service (Azure)
			b == [4]byte{192, 0, 0, 192}:     // metadata service (Oracle)
			return true
		}
		return false
	}
	b := a.As16()
	switch {
	case b[0] == 0xff, // multicast
		b[0] == 0xfe && b[1] >= 0x80: // link-local, site-local
		return true
	case b == [16]byte{}, b == [16]byte{15: 1}: // unspecified, loopback
		return true
	}
	return a == metadataEC2 || a == metadataGCE
}

var (
	metadataEC2 = netip.AddrFrom16([16]byte{0xfd, 0x00, 0x0e, 0xc2, 14: 0x02, 15: 0x54})
	metadataGCE = netip.AddrFrom16([16]byte{0xfd, 0x20, 0x00, 0xce, 14: 0x02, 15: 0x54})
)

// isDisguised says that a is an IPv6 address which a stack, a translator or a
// tunnel on the way takes to an IPv4 address inside of it. What that one is
// does not matter: a peer that means an IPv4 address can say so.
func isDisguised(a netip.Addr) bool {
	if !a.Is6() {
		return false
	}
	b := a.As16()
	if [8]byte(b[:8]) == [8]byte{} {
		return true // mapped (RFC 4291), compatible, translated (RFC 2765)
	}
	switch [4]byte(b[:4]) {
	case [4]byte{0x00, 0x64, 0xff, 0x9b}:
		// NAT64: 64:ff9b::/96 (RFC 6052) and 64:ff9b:1::/48 (RFC 8215); what
		// lies between is assigned to nobody.
		return true
	case [4]byte{0x20, 0x01, 0x00, 0x00}:
		return true // Teredo, RFC 4380
	}
	if b[0] == 0x20 && b[1] == 0x02 {
		return true // 6to4, RFC 3056
	}
	// ISATAP, RFC 5214, section 6.1: the universal and group bits may be set.
	return b[8]&^0x03 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe
}

// isPrivate says that a is not of the internet by its very look.
func isPrivate(a netip.Addr) bool {
	if a.Is6() {
		return a.As16()[0]&0xfe == 0xfc // RFC 4193
	}
	b := a.As4()
	return b[0] == 10 ||
		b[0] == 172 && b[1]&0xf0 == 16 ||
		b[0] == 192 && b[1] == 168 ||
		b[0] == 100 && b[1]&0xc0 == 64 || // shared by providers, RFC 6598
		b[0] == 192 && b[1] == 0 && b[2] == 0 || // protocol assignments, RFC 6890
		b[0] == 198 && b[1]&0xfe == 18 // laboratories, RFC 2544
}

// broadcasts returns the two directed broadcast addresses of an IPv4 network,
// today's and that of old.
func broadcasts(p netip.Prefix) []netip.Addr {
	if !p.Addr().Is4() || p.Bits() > 30 {
		return nil
	}
	r := RangeOf(p)
	return []netip.Addr{r.First, r.Last}
}
