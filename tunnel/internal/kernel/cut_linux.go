package kernel

import (
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"homeward/tunnel/internal/filter"
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

// CutFlowsUnless makes the kernel forget the flows of peers that allowed says
// no to. Those to our own addresses end with their peer only.
func (p *Plane) CutFlowsUnless(allowed func(filter.Flow) bool) {
	p.forget(forbidden(func(f filter.Flow) bool {
		for _, own := range p.cfg.Addresses {
			if own.Contains(f.Peer) {
				return own.Addr() != f.Peer && own.Addr() != f.Remote.Addr() && !allowed(f)
			}
		}
		return false
	}))
}

func (p *Plane) forgetFlows(whose func(netip.Addr) bool) { p.forget(flowsOf(whose)) }

func (p *Plane) forget(which netlink.CustomConntrackFilter) {
	for _, family := range []netlink.InetFamily{unix.AF_INET, unix.AF_INET6} {
		if _, err := netlink.ConntrackDeleteFilters(netlink.ConntrackTable, family, which); err != nil {
			p.cfg.Logger.Warn("cutting flows", "err", err)
		}
	}
}

// forbidden is a filter for flows.
type forbidden func(filter.Flow) bool

// MatchConntrackFlow implements netlink.CustomConntrackFilter.
func (is forbidden) MatchConntrackFlow(f *netlink.ConntrackFlow) bool {
	from, _ := netip.AddrFromSlice(f.Forward.SrcIP)
	to, _ := netip.AddrFromSlice(f.Forward.DstIP)
	return is(filter.Flow{Peer: from.Unmap(), Remote: netip.AddrPortFrom(to.Unmap(), f.Forward.DstPort), Protocol: f.Forward.Protocol})
}

// flowsOf is a filter for flows that a peer has opened, or that lead to one.
type flowsOf func(netip.Addr) bool

// MatchConntrackFlow implements netlink.CustomConntrackFilter.
func (whose flowsOf) MatchConntrackFlow(f *netlink.ConntrackFlow) bool {
	from, _ := netip.AddrFromSlice(f.Forward.SrcIP)
	to, _ := netip.AddrFromSlice(f.Forward.DstIP)
	return whose(from.Unmap()) || whose(to.Unmap())
}
