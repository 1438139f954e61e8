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
}

// route is a default route of the kernel's table.
type route struct {
	gateway netip.Addr
	link    string
	kind    string // type of the interface, as the kernel calls it
	metric  int
	down    bool
}

// choose picks the default route with the lowest metric that can lead to a home
// router. Ethernet pairs (veth) stay in: inside a container or a network
// namespace they are the way out.
func choose(routes []route) (route, error) {
	best := -1
	for i, r := range routes {
		if r.down || !r.gateway.Is4() || tunnelLike(r.kind) {
			continue
		}
		if best < 0 || r.metric < routes[best].metric {
			best = i
		}
	}
	if best < 0 {
		return route{}, ErrNoGateway
	}
	if gw := routes[best].gateway; !gw.IsPrivate() && classify(gw) != wanCarrier {
		return route{}, fmt.Errorf("the gateway %v isn't a home router's address: %w", gw, ErrNoGateway)
	}
	return routes[best], nil
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
