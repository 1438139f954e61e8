package neighbours

import (
	"context"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
)

// whoIsAbsent stirs the machines and reads the kernel's neighbour table until it
// is clear about each, or ctx ends. Who is not in the table is not called absent.
func whoIsAbsent(ctx context.Context, machines map[netip.Addr]Neighbour) map[netip.Addr]bool {
	for m := range machines {
		stir(m)
	}
	poll := time.NewTicker(100 * time.Millisecond)
	defer poll.Stop()
	for {
		absent, open := readTable(machines)
		if !open {
			return absent
		}
		select {
		case <-ctx.Done():
			return absent
		case <-poll.C:
		}
	}
}

// readTable returns the machines that did not answer so far; open says that the
// kernel still asks for one of them.
func readTable(machines map[netip.Addr]Neighbour) (absent map[netip.Addr]bool, open bool) {
	list, err := netlink.NeighList(0, netlink.FAMILY_V4)
	if err != nil {
		return nil, false
	}
	absent = make(map[netip.Addr]bool)
	for _, n := range list {
		ip, ok := netip.AddrFromSlice(n.IP)
		if _, wanted := machines[ip.Unmap()]; !ok || !wanted {
			continue
		}
		switch {
		case n.State&netlink.NUD_INCOMPLETE != 0:
			absent[ip.Unmap()], open = true, true
		case n.State&netlink.NUD_FAILED != 0:
			absent[ip.Unmap()] = true
		case n.State&netlink.NUD_PROBE != 0:
			open = true // it was there a while ago, and is asked whether it still is
			// In NUD_DELAY the kernel asks nothing for five seconds: longer than we wait.
		}
	}
	return absent, open
}
