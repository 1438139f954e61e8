package upnp

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
)

// ErrNoGateway means that there is no default route to a home router.
var ErrNoGateway = errors.New("no default route")

// Gateway is the router at the end of the default route.
type Gateway struct {
	Addr      netip.Addr // the router's address in the LAN
	Self      netip.Addr // our own address towards it
	Interface string     // the interface on which it is
	// As is our address as this router sees it, where another router in between
	// translates; invalid: Self.
	As netip.Addr
}

// client is our address as the router sees it.
func (g Gateway) client() netip.Addr {
	if g.As.IsValid() {
		return g.As
	}
	return g.Self
}

// route is a default route of the kernel's table.
type route struct {
	gateway netip.Addr
	link    string
	kind    string // type of the interface, as the kernel calls it
	metric  int
	down    bool
}

// choose picks the default route that can lead to a home router.
func choose(routes []route) (route, error) {
	r, err := lowest(routes)
	if err == nil && !r.gateway.IsPrivate() && classify(r.gateway) != wanCarrier {
		return route{}, fmt.Errorf("the gateway %v isn't a home router's address: %w", r.gateway, ErrNoGateway)
	}
	return r, err
}

// lowest is the usable default route with the lowest metric. Ethernet pairs (veth)
// stay in: inside a container or a network namespace they are the way out.
func lowest(routes []route) (route, error) {
	best := -1
	for i, r := range routes {
		if r.down || !r.gateway.IsValid() || tunnelLike(r.kind) {
			continue
		}
		if best < 0 || r.metric < routes[best].metric {
			best = i
		}
	}
	if best < 0 {
		return route{}, ErrNoGateway
	}
	return routes[best], nil
}

// address6 is one of an interface's IPv6 addresses.
type address6 struct {
	addr netip.Addr
	// fleeting are temporary addresses (RFC 8981), deprecated ones (RFC 4862 section
	// 5.5.4) and such that may not be ours.
	fleeting bool
}

// global6 are the addresses that are handed out to the public (RFC 4291 section 2.4).
var global6 = netip.MustParsePrefix("2000::/3")

// lasting picks the address by which the internet may find this box: always the same
// one as long as it is there.
func lasting(addrs []address6) (netip.Addr, error) {
	var best netip.Addr
	for _, a := range addrs {
		if !a.fleeting && global6.Contains(a.addr) && (!best.IsValid() || a.addr.Less(best)) {
			best = a.addr
		}
	}
	if !best.IsValid() {
		return netip.Addr{}, fmt.Errorf("no public IPv6 address that lasts: %w", ErrNoGateway)
	}
	return best, nil
}

// tunnelLike reports interfaces whose far end is not the home router: VPNs (ours
// too) and dummies.
func tunnelLike(kind string) bool {
	switch kind {
	case "tuntap", "tun", "wireguard", "dummy", "ipip", "gre", "sit", "ip6tnl", "vti", "xfrm", "ppp":
		return true
	}
	return false
}

// sourceTowards is the address that the kernel would send from. Connecting a UDP
// socket sends nothing.
func sourceTowards(gw netip.Addr) (netip.Addr, error) {
	c, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(gw, 9)))
	if err != nil {
		return netip.Addr{}, fmt.Errorf("finding our address towards the gateway %v: %w", gw, err)
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap(), nil
}
