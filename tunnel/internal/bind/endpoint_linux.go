package bind

import (
	"net/netip"
	"sync/atomic"

	"golang.zx2c4.com/wireguard/conn"
)

// endpoint is a peer's address, and the address and port of ours that it called. It does not
// change, so that it can be handed out for many packets; only the source may be
// given up.
type endpoint struct {
	to      netip.AddrPort
	name    sockaddr // to
	nameLen uint32
	src     netip.Addr
	control []byte // makes packets leave from src
	via     uint16 // our further port that the peer called; 0: the first
	cleared atomic.Bool
}

var _ conn.Endpoint = (*endpoint)(nil)

func newEndpoint(to netip.AddrPort, src netip.Addr, ifindex uint32, via uint16) *endpoint {
	to = netip.AddrPortFrom(to.Addr().Unmap(), to.Port())
	e := &endpoint{to: to, src: src, control: sourceControl(src, ifindex), via: via}
	e.name, e.nameLen = newSockaddr(to)
	return e
}

func (e *endpoint) addrPort() netip.AddrPort { return e.to }

// called is our further port that the peer called; 0: the first.
func (e *endpoint) called() uint16 { return e.via }

// ClearSrc gives the source up: the kernel chooses one.
func (e *endpoint) ClearSrc() { e.cleared.Store(true) }

// viaPort is the same peer, called from a further port of ours.
func (e *endpoint) viaPort(port uint16) conn.Endpoint { return newEndpoint(e.to, e.src, 0, port) }

// fromAnywhere is the same peer, called from an address of ours that the kernel chooses.
func (e *endpoint) fromAnywhere() conn.Endpoint { return newEndpoint(e.to, netip.Addr{}, 0, e.via) }

func (e *endpoint) DstToString() string { return e.to.String() }
func (e *endpoint) DstIP() netip.Addr   { return e.to.Addr() }
func (e *endpoint) SrcToString() string { return e.SrcIP().String() }

// DstToBytes is what cookies are bound to.
func (e *endpoint) DstToBytes() []byte {
	b, _ := e.to.MarshalBinary() // there is no error
	return b
}

// SrcIP is the address of ours that the peer called; invalid means any.
func (e *endpoint) SrcIP() netip.Addr {
	if e.cleared.Load() {
		return netip.Addr{}
	}
	return e.src
}

// ParseEndpoint implements conn.Bind.
func (*sockets) ParseEndpoint(s string) (conn.Endpoint, error) {
	to, err := netip.ParseAddrPort(s)
	if err != nil {
		return nil, err
	}
	return newEndpoint(to, netip.Addr{}, 0, 0), nil
}
