package filter

import (
	"net/netip"
	"slices"
)

// class is what a destination is to all peers alike.
type class uint8

const (
	special   class = iota // nothing that a peer may reach
	disguised              // leads to another address than it says
	own                    // ours inside the tunnel
	box                    // the box's, outside of the tunnel
	inTunnel               // another peer's, or nobody's
	home
	internet
)

// policy is all that decides about a new flow. It is never changed, only
// replaced.
type policy struct {
	tunnel []netip.Prefix         // our own addresses with the tunnel's prefix lengths
	peers  map[netip.Addr]*member // by their own addresses
	host   *host                  // nil: not known yet
	look   func(netip.Addr) class // replaced by tests, to show what a defence is good for
	ids    map[ID]*member
}

// Host is where the box is at home.
type Host struct {
	// Addresses are all that the box has, with the lengths of their networks.
	// What is in these networks is at home.
	Addresses []netip.Prefix
	// Inside are networks within the box, of containers or virtual machines.
	// All that is in there counts as the box itself.
	Inside []netip.Prefix
	// Home are further networks that are at home, such as the router's address on
	// the internet side: many a router shows its settings there to whoever asks
	// from within.
	Home []netip.Prefix
	// Listens are the UDP ports of the tunnel itself. They are nobody's service: a peer
	// that is called inside of its own tunnel has each packet encrypted again and again.
	Listens []uint16
}

func (h *Host) equal(o *Host) bool {
	return slices.Equal(h.Addresses, o.Addresses) && slices.Equal(h.Inside, o.Inside) && slices.Equal(h.Home, o.Home) &&
		slices.Equal(h.Listens, o.Listens)
}

// host is Host in a form that is quick to ask.
type host struct {
	Host
	addresses map[netip.Addr]bool
	broadcast map[netip.Addr]bool
	networks  []netip.Prefix
}

func newHost(given Host) *host {
	h := &host{
		Host:      Host{slices.Clone(given.Addresses), slices.Clone(given.Inside), slices.Clone(given.Home), slices.Clone(given.Listens)},
		addresses: map[netip.Addr]bool{}, broadcast: map[netip.Addr]bool{},
	}
	for _, p := range h.Addresses {
		a := p.Addr().WithZone("")
		bits := p.Bits()
		if a.Is4In6() {
			a, bits = a.Unmap(), max(0, bits-96)
		}
		p = netip.PrefixFrom(a, bits)
		h.addresses[a] = true
		for _, b := range broadcasts(p) {
			h.broadcast[b] = true
		}
		if bits > 0 && !isSpecial(a) {
			h.networks = append(h.networks, p.Masked())
		}
	}
	h.networks = append(h.networks, h.Home...)
	return h
}

// classOf says what a destination is.
func (p *policy) classOf(a netip.Addr) class {
	if p.look != nil {
		return p.look(a)
	}
	switch {
	case isDisguised(a):
		if a == netip.IPv6Unspecified() || a == netip.IPv6Loopback() {
			return special
		}
		return disguised
	case isSpecial(a):
		return special
	}
	for _, t := range p.tunnel {
		if t.Contains(a) {
			if t.Addr() == a {
				return own
			}
			return inTunnel
		}
	}
	return p.outside(a)
}

// outside is classOf for what is not in the tunnel. As long as nobody said
// which addresses are the box's, every one may be.
func (p *policy) outside(a netip.Addr) class {
	switch {
	case p.host == nil || p.host.addresses[a]:
		return box
	case p.host.broadcast[a]:
		return special
	case slices.ContainsFunc(p.host.Inside, func(n netip.Prefix) bool { return n.Contains(a) }):
		return box
	case isPrivate(a), slices.ContainsFunc(p.host.networks, func(n netip.Prefix) bool { return n.Contains(a) }):
		return home
	}
	return internet
}

// decide says whether the member m may have the flow k.
func (p *policy) decide(m *member, k *key) Reason {
	if p.peers[k.self] != m {
		return Spoofed
	}
	a := &m.access
	switch p.classOf(k.remote) {
	case special:
		return Special
	case disguised:
		return Disguised
	case own:
		if isAlways(k) || p.allowsBox(a, k) {
			return passed
		}
		return ToBox
	case box:
		if p.host != nil && p.allowsBox(a, k) {
			return passed
		}
		return ToBox
	case inTunnel:
		// Not to another address of its own either: that one needs no way home.
		if other := p.peers[k.remote]; a.Peers && other != nil && other != m {
			return passed
		}
		return ToPeer
	case home:
		if a.Home || a.allows(k.remote, uint8(k.proto), k.remotePort) {
			return passed
		}
	case internet:
		if a.Internet || a.allows(k.remote, uint8(k.proto), k.remotePort) {
			return passed
		}
	}
	return NotGranted
}

// allowsBox says whether k is a service of the box that a grants.
func (p *policy) allowsBox(a *Access, k *key) bool {
	if p.host != nil && k.proto == protoUDP && slices.Contains(p.host.Listens, k.remotePort) {
		return false
	}
	return a.allowsBox(uint8(k.proto), k.remotePort)
}

// isAlways says that every peer may have the flow k to our own address.
func isAlways(k *key) bool {
	switch k.proto {
	case protoUDP, protoTCP:
		return k.remotePort == dnsPort
	}
	return k.proto == protoICMP || k.proto == protoICMPv6
}
