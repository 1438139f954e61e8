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
	list, err := mainRoutes()
	if err != nil {
		return Gateway{}, fmt.Errorf("reading the default route: %w", err)
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
			if !ok {
				continue
			}
			link, err := netlink.LinkByIndex(hop.LinkIndex)
			if err != nil {
				continue // it went away a moment ago
			}
			routes = append(routes, route{
				gateway: gw.Unmap(),
				link:    link.Attrs().Name,
				kind:    link.Type(),
				metric:  r.Priority,
				down:    hop.Flags&(unix.RTNH_F_LINKDOWN|unix.RTNH_F_DEAD) != 0,
			})
		}
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

// mainRoutes asks again when the table changed while the kernel told it.
func mainRoutes() (list []netlink.Route, err error) {
	for range 3 {
		list, err = netlink.RouteListFiltered(netlink.FAMILY_V4,
			&netlink.Route{Table: unix.RT_TABLE_MAIN}, netlink.RT_FILTER_TABLE)
		if !errors.Is(err, netlink.ErrDumpInterrupted) {
			break
		}
	}
	return list, err
}
