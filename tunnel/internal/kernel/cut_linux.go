package kernel

import (
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// CutFlows makes the kernel forget the flows of these peers. What still comes
// back from the other side has nowhere to go.
func (p *Plane) CutFlows(addrs []netip.Addr) {
	gone := make(map[netip.Addr]bool, len(addrs))
	for _, a := range addrs {
		gone[a.Unmap()] = true
	}
	whose := func(a netip.Addr) bool { return gone[a] }
	p.cutConns(whose)
	p.forgetFlows(whose)
}

// cutConns resets the connections of peers to our own ports.
func (p *Plane) cutConns(whose func(netip.Addr) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		if whose(c.peer) {
			_ = c.SetLinger(0) // it is closed all the same
			c.TCPConn.Close()
			delete(p.conns, c)
		}
	}
}

func (p *Plane) forgetFlows(whose func(netip.Addr) bool) {
	for _, family := range []netlink.InetFamily{unix.AF_INET, unix.AF_INET6} {
		if _, err := netlink.ConntrackDeleteFilters(netlink.ConntrackTable, family, flowsOf(whose)); err != nil {
			p.cfg.Logger.Warn("cutting flows", "err", err)
		}
	}
}

// flowsOf is a filter for flows that a peer has opened, or that lead to one.
type flowsOf func(netip.Addr) bool

// MatchConntrackFlow implements netlink.CustomConntrackFilter.
func (whose flowsOf) MatchConntrackFlow(f *netlink.ConntrackFlow) bool {
	from, _ := netip.AddrFromSlice(f.Forward.SrcIP)
	to, _ := netip.AddrFromSlice(f.Forward.DstIP)
	return whose(from.Unmap()) || whose(to.Unmap())
}
