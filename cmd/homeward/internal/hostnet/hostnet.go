// Package hostnet answers what the appliance has to know of the network that
// the box stands in: the LAN, the addresses for the admin page, and the ranges
// that the tunnel must keep clear of. It only reads.
package hostnet

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// Address is one address of this box.
type Address struct {
	Interface string
	Prefix    netip.Prefix // the address with the length of its network
}

// Host is what was found at one moment.
type Host struct {
	Addresses []Address
	Routes    []netip.Prefix // destinations of the main routing table but the default route
	// Uplink is the interface of the IPv4 default route, or of the IPv6 one;
	// empty means that there is neither.
	Uplink string
}

// virtual are the beginnings of interface names that are never the LAN:
// containers' and virtual machines' bridges, and other VPNs.
var virtual = []string{"docker", "br-", "veth", "virbr", "lxc", "lxd", "cni", "flannel", "podman", "tun", "tap", "wg", "tailscale", "zt", "ppp", "utun"}

// Read asks the system. The interface named own is left out: it is ours.
func Read(own string) (Host, error) {
	var h Host
	ifs, err := net.Interfaces()
	if err != nil {
		return Host{}, fmt.Errorf("listing the network interfaces: %w", err)
	}
	for _, i := range ifs {
		if i.Name == own || i.Flags&net.FlagUp == 0 {
			continue
		}
		addrs, err := i.Addrs()
		if err != nil {
			continue // it went away meanwhile
		}
		for _, a := range addrs {
			if p, ok := prefix(a); ok {
				h.Addresses = append(h.Addresses, Address{i.Name, p})
			}
		}
	}
	h.Routes, h.Uplink, err = routes(own)
	if err != nil {
		return Host{}, fmt.Errorf("reading the routing table: %w", err)
	}
	return h, nil
}

func prefix(a net.Addr) (netip.Prefix, bool) {
	n, ok := a.(*net.IPNet)
	if !ok {
		return netip.Prefix{}, false
	}
	ip, ok := netip.AddrFromSlice(n.IP)
	bits, _ := n.Mask.Size()
	if ip.Is4In6() && bits > 32 {
		bits -= 96
	}
	return netip.PrefixFrom(ip.Unmap(), bits), ok
}

// Taken returns the networks that the tunnel's own must not overlap.
func (h Host) Taken() []netip.Prefix {
	taken := slices.Clone(h.Routes)
	for _, a := range h.Addresses {
		if !a.Prefix.Addr().IsLoopback() && !a.Prefix.Addr().IsLinkLocalUnicast() {
			taken = append(taken, a.Prefix.Masked())
		}
	}
	return unique(taken)
}

// LAN returns the home's own networks: the private ones on the interface of
// the default route, or without a default route on every real interface.
// Public IPv6 prefixes are left out, since the provider changes them.
func (h Host) LAN() []netip.Prefix {
	var lan []netip.Prefix
	for _, a := range h.Addresses {
		if h.isLAN(a) && a.Prefix.Addr().IsPrivate() && !a.Prefix.IsSingleIP() {
			lan = append(lan, a.Prefix.Masked())
		}
	}
	return unique(lan)
}

// Home returns every network that the box is in or has a direct route to, public
// ones included: whoever calls from there is not outside. Routes that cover much
// of the internet, as VPNs make them, are left out.
func (h Host) Home() []netip.Prefix {
	var home []netip.Prefix
	for _, p := range h.Taken() {
		if least := map[bool]int{true: 8, false: 48}[p.Addr().Is4()]; p.Bits() >= least {
			home = append(home, p)
		}
	}
	return home
}

// Private returns the box's own addresses by which people at home open the
// admin page: private ones of real interfaces, and loopback.
func (h Host) Private() []netip.Addr {
	var out []netip.Addr
	for _, a := range h.Addresses {
		ip := a.Prefix.Addr()
		if ip.IsLoopback() || ip.IsPrivate() && !isVirtual(a.Interface) {
			out = append(out, ip)
		}
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return slices.Compact(out)
}

// Preferred returns the address to print in links: a private IPv4 address of
// the uplink, or any other private one, or loopback.
func (h Host) Preferred() netip.Addr {
	best, rank := netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0
	for _, a := range h.Addresses {
		ip, r := a.Prefix.Addr(), 0
		if !ip.IsPrivate() || isVirtual(a.Interface) {
			continue
		}
		if r = 1; a.Interface == h.Uplink {
			r += 2
		}
		if ip.Is4() {
			r++
		}
		if r > rank {
			best, rank = ip, r
		}
	}
	return best
}

func (h Host) isLAN(a Address) bool {
	if h.Uplink != "" {
		return a.Interface == h.Uplink
	}
	return !isVirtual(a.Interface)
}

func isVirtual(name string) bool {
	return slices.ContainsFunc(virtual, func(v string) bool { return strings.HasPrefix(name, v) })
}

func unique(p []netip.Prefix) []netip.Prefix {
	slices.SortFunc(p, netip.Prefix.Compare)
	return slices.Compact(p)
}
