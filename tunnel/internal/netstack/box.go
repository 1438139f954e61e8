package netstack

import (
	"net"
	"net/netip"
)

// OpenBox makes these peers the only ones that may reach the host itself by its
// addresses. To its services they come from the host's own address.
func (p *Plane) OpenBox(peers []netip.Addr) error {
	set := make(map[netip.Addr]bool, len(peers))
	for _, a := range peers {
		set[a] = true
	}
	p.boxUsers.Store(&set)
	return nil
}

func (p *Plane) mayUseBox(peer netip.Addr) bool {
	set := p.boxUsers.Load()
	return set != nil && (*set)[peer]
}

// dialFor opens the host's socket for a flow.
func (p *Plane) dialFor(f *flow, network string) (net.Conn, error) {
	if p.mayUseBox(f.source()) && p.dialable(f.target().Addr()) != nil {
		return dialBox(f.ctx, network, f.target()) // refusal has let it pass
	}
	return p.dial(f.ctx, network, f.target())
}
