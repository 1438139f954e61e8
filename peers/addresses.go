package peers

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
)

// allocate picks the lowest free address of every tunnel prefix, IPv4 first.
// The prefixes hold our own addresses: 10.6.0.1/24. taken is not changed.
func allocate(tunnel []netip.Prefix, taken map[netip.Addr]bool) ([]netip.Addr, error) {
	if len(tunnel) == 0 {
		return nil, errors.New("choosing addresses: the tunnel has no prefix yet")
	}
	var chosen []netip.Addr
	for _, prefix := range tunnel {
		if !prefix.IsValid() {
			return nil, fmt.Errorf("choosing addresses: the tunnel prefix %v is invalid", prefix)
		}
		free := func(a netip.Addr) bool { return !taken[a] && !slices.Contains(chosen, a) }
		a, ok := lowestFree(prefix, free)
		if !ok {
			return nil, fmt.Errorf("%w: all of %v are given out; remove a device that is no longer used, or give the tunnel a larger network in the settings, or by homeward peers renumber --to 10.77.0.0/16", ErrNoAddress, prefix.Masked())
		}
		chosen = append(chosen, a)
	}
	slices.SortFunc(chosen, netip.Addr.Compare)
	return chosen, nil
}

// lowestFree never gives out the prefix's first address (the network, or all
// routers in IPv6), our own, and in IPv4 the last one (broadcast).
func lowestFree(own netip.Prefix, free func(netip.Addr) bool) (netip.Addr, bool) {
	network := own.Masked()
	for a := network.Addr().Next(); network.Contains(a); a = a.Next() {
		if a.Is4() && !network.Contains(a.Next()) {
			break
		}
		if a != own.Addr() && free(a) {
			return a, true
		}
	}
	return netip.Addr{}, false
}
