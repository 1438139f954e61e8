package netstack

import (
	"net/netip"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/ports"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
)

// opens says whether an IP packet is the first of a TCP connection, and from
// which port to which.
func opens(b []byte) (from, to uint16, ok bool) {
	size := header.IPv6MinimumSize
	proto := b[6]
	if header.IPVersion(b) == header.IPv4Version {
		size, proto = int(header.IPv4(b).HeaderLength()), b[9]
	}
	if proto != uint8(header.TCPProtocolNumber) || len(b) < size+header.TCPMinimumSize {
		return 0, 0, false
	}
	h := header.TCP(b[size:])
	const which = header.TCPFlagSyn | header.TCPFlagAck | header.TCPFlagRst
	return h.SourcePort(), h.DestinationPort(), h.Flags()&which == header.TCPFlagSyn
}

// reopen makes the stack forget the connection in TIME_WAIT from whose port the
// peer opens another one (RFC 1122, section 4.2.2.13). The stack would do so
// only for a listener, and swallow the SYN otherwise: the peer would lose a
// second, as a client does that opens thousands of connections to one server
// and soon uses its ports again.
func reopen(s *stack.Stack, proto tcpip.NetworkProtocolNumber, peer, target netip.AddrPort) {
	id := stack.TransportEndpointID{
		LocalAddress: stackAddr(target.Addr()), LocalPort: target.Port(),
		RemoteAddress: stackAddr(peer.Addr()), RemotePort: peer.Port(),
	}
	ep, ok := s.FindTransportEndpoint(proto, tcp.ProtocolNumber, id, nicID).(*tcp.Endpoint)
	if ok && tcp.EndpointState(ep.State()) == tcp.StateTimeWait {
		// Its timer ends the rest of it, and finds it gone from here.
		s.UnregisterTransportEndpoint([]tcpip.NetworkProtocolNumber{proto}, tcp.ProtocolNumber, id, ep, ports.Flags{}, 0)
	}
}
