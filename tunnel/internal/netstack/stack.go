package netstack

import (
	"fmt"
	"net/netip"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/icmp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
)

// nicID is the stack's only interface.
const nicID = 1

const (
	tcpBufferDefault = 1 << 20 // grown on demand, up to Limits.Buffer
	// timeWait is short because a connection that is over costs memory until
	// then. A FIN that comes later than this is answered with a reset.
	timeWait = 250 * time.Millisecond
)

// newStack makes a stack with one interface on d that has these addresses, and
// takes packets for any other address as well.
func newStack(d *device, own []netip.Prefix, buffer int) (*stack.Stack, error) {
	s := stack.New(stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol, ipv6.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol, udp.NewProtocol, icmp.NewProtocol4, icmp.NewProtocol6},
	})
	d.stack = s
	if err := configure(s, d, own, buffer); err != nil {
		s.Destroy()
		return nil, err
	}
	return s, nil
}

func configure(s *stack.Stack, d *device, own []netip.Prefix, buffer int) error {
	if err := tuneTCP(s, buffer); err != nil {
		return err
	}
	if err := s.CreateNIC(nicID, link{d}); err != nil {
		return fmt.Errorf("creating the stack's interface: %v", err)
	}
	for _, p := range own {
		// Without the prefix length: the peers are not neighbours on a link.
		a := tcpip.ProtocolAddress{Protocol: protocolOf(p.Addr()), AddressWithPrefix: stackAddr(p.Addr()).WithPrefix()}
		if err := s.AddProtocolAddress(nicID, a, stack.AddressProperties{}); err != nil {
			return fmt.Errorf("giving the stack address %v: %v", p.Addr(), err)
		}
	}
	s.SetRouteTable([]tcpip.Route{
		{Destination: header.IPv4EmptySubnet, NIC: nicID},
		{Destination: header.IPv6EmptySubnet, NIC: nicID},
	})
	// Promiscuous: take packets for every address. Spoofing: answer from it.
	if err := s.SetPromiscuousMode(nicID, true); err != nil {
		return fmt.Errorf("making the stack take all packets: %v", err)
	}
	if err := s.SetSpoofing(nicID, true); err != nil {
		return fmt.Errorf("making the stack answer for all addresses: %v", err)
	}
	return nil
}

func tuneTCP(s *stack.Stack, buffer int) error {
	sack := tcpip.TCPSACKEnabled(true)
	recovery := tcpip.TCPRecovery(0) // RACK costs a third of the throughput
	congestion := tcpip.CongestionControlOption("cubic")
	wait := tcpip.TCPTimeWaitTimeoutOption(timeWait)
	moderate := tcpip.TCPModerateReceiveBufferOption(true)
	for _, o := range []tcpip.SettableTransportProtocolOption{
		&sack, &recovery, &congestion, &wait, &moderate,
		&tcpip.TCPReceiveBufferSizeRangeOption{Min: tcp.MinBufferSize, Default: min(tcpBufferDefault, buffer), Max: buffer},
		&tcpip.TCPSendBufferSizeRangeOption{Min: tcp.MinBufferSize, Default: min(tcpBufferDefault, buffer), Max: buffer},
	} {
		if err := s.SetTransportProtocolOption(tcp.ProtocolNumber, o); err != nil {
			return fmt.Errorf("setting the stack's %T: %v", o, err)
		}
	}
	return nil
}

func addrOf(a tcpip.Address) netip.Addr {
	addr, _ := netip.AddrFromSlice(a.AsSlice())
	return addr
}

func stackAddr(a netip.Addr) tcpip.Address { return tcpip.AddrFromSlice(a.AsSlice()) }

func protocolOf(a netip.Addr) tcpip.NetworkProtocolNumber {
	if a.Is4() {
		return ipv4.ProtocolNumber
	}
	return ipv6.ProtocolNumber
}

func fullAddress(a netip.AddrPort) tcpip.FullAddress {
	return tcpip.FullAddress{NIC: nicID, Addr: stackAddr(a.Addr()), Port: a.Port()}
}
