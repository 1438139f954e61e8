package upnp

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// kernelGateway reads the default route from the kernel's main table.
func kernelGateway() (Gateway, error) {
	routes, err := defaultRoutes(netlink.FAMILY_V4)
	if err != nil {
		return Gateway{}, err
	}
	best, err := choose(routes)
	if err != nil {
		return Gateway{}, err
	}
	self, err := sourceTowards(best.gateway)
	if err != nil {
		return Gateway{}, err
	}
	return Gateway{Addr: best.gateway, Self: self, Interface: best.link}, nil
}

// kernelGateway6 reads IPv6's default route, and our lasting address on its interface.
func kernelGateway6() (Gateway, error) {
	routes, err := defaultRoutes(netlink.FAMILY_V6)
	if err != nil {
		return Gateway{}, err
	}
	best, err := lowest(routes)
	if err != nil {
		return Gateway{}, err
	}
	if best.gateway.IsLinkLocalUnicast() {
		best.gateway = best.gateway.WithZone(best.link)
	}
	link, err := netlink.LinkByName(best.link)
	if err != nil {
		return Gateway{}, fmt.Errorf("looking at the interface %q: %w", best.link, err)
	}
	list, err := again(func() ([]netlink.Addr, error) { return netlink.AddrList(link, netlink.FAMILY_V6) })
	if err != nil {
		return Gateway{}, fmt.Errorf("reading the addresses of %q: %w", best.link, err)
	}
	var addrs []address6
	for _, a := range list {
		const fleeting = unix.IFA_F_TEMPORARY | unix.IFA_F_DEPRECATED | unix.IFA_F_TENTATIVE | unix.IFA_F_DADFAILED
		if addr, ok := netip.AddrFromSlice(a.IP); ok {
			addrs = append(addrs, address6{addr, a.Flags&fleeting != 0})
		}
	}
	self, err := lasting(addrs)
	if err != nil {
		return Gateway{}, err
	}
	return Gateway{Addr: best.gateway, Self: self, Interface: best.link}, nil
}

// defaultRoutes reads the default routes of a family from the kernel's main table.
func defaultRoutes(family int) ([]route, error) {
	list, err := again(func() ([]netlink.Route, error) {
		return netlink.RouteListFiltered(family, &netlink.Route{Table: unix.RT_TABLE_MAIN}, netlink.RT_FILTER_TABLE)
	})
	if err != nil {
		return nil, fmt.Errorf("reading the default route: %w", err)
	}
	var routes []route
	for _, r := range list {
		if r.Dst != nil && (!r.Dst.IP.IsUnspecified() || r.Dst.Mask[0] != 0) {
			continue
		}
		hops := []*netlink.NexthopInfo{{LinkIndex: r.LinkIndex, Gw: r.Gw, Flags: r.Flags}}
		if len(r.MultiPath) > 0 {
			hops = r.MultiPath
		}
		for _, hop := range hops {
			gw, ok := netip.AddrFromSlice(hop.Gw)
			if gw = gw.Unmap(); !ok || gw.Is4() != (family == netlink.FAMILY_V4) {
				continue
			}
			link, err := netlink.LinkByIndex(hop.LinkIndex)
			if err != nil {
				continue // it went away a moment ago
			}
			routes = append(routes, route{
				gateway: gw,
				link:    link.Attrs().Name,
				kind:    link.Type(),
				metric:  r.Priority,
				down:    hop.Flags&(unix.RTNH_F_LINKDOWN|unix.RTNH_F_DEAD) != 0,
			})
		}
	}
	return routes, nil
}

// again asks once more when a table changed while the kernel told it.
func again[T any](ask func() ([]T, error)) (list []T, err error) {
	for range 3 {
		if list, err = ask(); !errors.Is(err, netlink.ErrDumpInterrupted) {
			break
		}
	}
	return list, err
}
