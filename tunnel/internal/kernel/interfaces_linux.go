package kernel

import (
	"slices"

	"github.com/vishvananda/netlink"
)

const acceptRA = "/accept_ra" // of one interface

// planInterfaces says what has to be changed at single interfaces while the
// host's own switches are on. It changes nothing. ours is what we changed in
// this host already.
//
// IPv4 forwards what came in by an interface only if that one's switch is on,
// too: the tunnel's, and those of the uplinks, by which answers come. Other
// interfaces may be off for a reason. IPv6 does not ask.
func (s sysctls) planInterfaces(own string, uplinks []string, ours journal) []change {
	var out []change
	if on, err := s.read(forward4); err == nil && on == "1" {
		for _, name := range append([]string{own}, uplinks...) {
			key := "net/ipv4/conf/" + name + "/forwarding"
			if v, err := s.read(key); err == nil && v == "0" {
				out = append(out, change{Key: key, Before: v, After: "1"})
			}
		}
	}
	// Where the host was a router before, accept_ra is the operator's business.
	i := slices.IndexFunc(ours.Changes, func(c change) bool { return c.Key == forward6 })
	if on, err := s.read(forward6); i < 0 || err != nil || on != "1" {
		return out
	}
	for _, name := range s.interfaces("ipv6") {
		base := "net/ipv6/conf/" + name
		router := slices.ContainsFunc(ours.Changes[i].Along, func(a setting) bool { return a.Key == base+"/forwarding" })
		ra, _ := s.read(base + "/accept_ra")
		forwarding, _ := s.read(base + "/forwarding")
		if name != own && name != "lo" && !router && ra == "1" && forwarding == "1" {
			out = append(out, change{Key: base + "/accept_ra", Before: "1", After: "2"})
		}
	}
	return out
}

// uplinks names the interfaces of default routes.
func uplinks() []string {
	var names []string
	for _, family := range []int{netlink.FAMILY_V4, netlink.FAMILY_V6} {
		routes, err := netlink.RouteListFiltered(family, &netlink.Route{}, netlink.RT_FILTER_DST)
		if err != nil {
			continue // without IPv6; or they are looked for again in a moment
		}
		for _, r := range routes {
			hops := []int{r.LinkIndex}
			for _, h := range r.MultiPath {
				hops = append(hops, h.LinkIndex)
			}
			for _, index := range hops {
				if l, err := netlink.LinkByIndex(index); err == nil && !slices.Contains(names, l.Attrs().Name) {
					names = append(names, l.Attrs().Name)
				}
			}
		}
	}
	return names
}
