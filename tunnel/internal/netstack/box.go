package netstack

import (
	"net"
	"net/netip"
	"syscall"
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

// isOurs says whether a flow ends at our own tunnel address, and is answered or
// refused by the stack. One that a peer may have with the host itself goes on
// there, as it would if the address were the host's: the filter has looked at
// the port. Names are always the stack's, since every peer may ask for them.
func (p *Plane) isOurs(key flowKey) bool {
	to := key.target()
	return p.isOwn(to.Addr()) && (to.Port() == dnsPort || !p.mayUseBox(key.source()))
}

// dialFor opens the host's socket for a flow.
func (p *Plane) dialFor(f *flow, network string) (net.Conn, error) {
	if to := f.target(); p.isOwn(to.Addr()) {
		host, err := hostAddress(to.Addr().Is4())
		if err != nil {
			return nil, err
		}
		return dialBox(f.ctx, network, netip.AddrPortFrom(host, to.Port()))
	}
	if p.mayUseBox(f.source()) && p.dialable(f.target().Addr()) != nil {
		return dialBox(f.ctx, network, f.target()) // refusal has let it pass
	}
	return p.dial(f.ctx, network, f.target())
}

// hostAddress is one of the host's own on the network, by which its services
// are reached.
func hostAddress(v4 bool) (netip.Addr, error) {
	to := "[2001:db8::1]:9"
	if v4 {
		to = "192.0.2.1:9"
	}
	// No packet is sent: connecting a datagram socket asks for the way only.
	if c, err := net.Dial("udp", to); err == nil {
		defer c.Close()
		if local, err := netip.ParseAddrPort(c.LocalAddr().String()); err == nil {
			return local.Addr().Unmap(), nil
		}
	}
	all, err := interfacePrefixes()
	if err != nil {
		return netip.Addr{}, err
	}
	for _, p := range all { // without a way out, any that others could reach
		if a := p.Addr(); a.Is4() == v4 && a.IsGlobalUnicast() {
			return a, nil
		}
	}
	return netip.Addr{}, syscall.ENETUNREACH
}
