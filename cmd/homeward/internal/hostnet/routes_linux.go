package hostnet

import (
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// routes returns the destinations in the main table, and the interface of the
// default route with the lowest metric, IPv4 before IPv6.
func routes(own string) (dst []netip.Prefix, uplink string, err error) {
	for _, family := range []int{netlink.FAMILY_V4, netlink.FAMILY_V6} {
		list, err := netlink.RouteListFiltered(family, &netlink.Route{Table: unix.RT_TABLE_MAIN}, netlink.RT_FILTER_TABLE)
		if err != nil {
			return nil, "", err
		}
		metric, name := 0, ""
		for _, r := range list {
			via := linkName(r.LinkIndex)
			if via == "" || via == own {
				continue
			}
			if r.Dst == nil || isZero(r) {
				if name == "" || r.Priority < metric {
					metric, name = r.Priority, via
				}
				continue
			}
			if p, ok := prefix(r.Dst); ok && !p.Addr().IsLinkLocalUnicast() && !p.Addr().IsMulticast() {
				dst = append(dst, p)
			}
		}
		if uplink == "" {
			uplink = name
		}
	}
	return dst, uplink, nil
}

func isZero(r netlink.Route) bool {
	ones, _ := r.Dst.Mask.Size()
	return ones == 0 && r.Dst.IP.IsUnspecified()
}

func linkName(index int) string {
	l, err := netlink.LinkByIndex(index)
	if err != nil {
		return ""
	}
	return l.Attrs().Name
}
