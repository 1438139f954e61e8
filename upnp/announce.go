package upnp

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/net/ipv4"
)

// announcePort is where clients hear a router that has just started, or whose
// address changed: NAT-PMP repeats its address there (RFC 6886 section 3.2.1), PCP
// an ANNOUNCE (RFC 6887 section 14.1.3).
const announcePort = 5350

// announceGroup are all hosts of the LAN.
var announceGroup = netip.AddrFrom4([4]byte{224, 0, 0, 1})

// isAnnouncement reports whether a datagram is a router's unasked word about itself.
func isAnnouncement(b []byte) bool {
	if r, err := parsePMP(b); err == nil && r.op == pmpOpExternal {
		return true
	}
	r, err := parsePCP(b)
	return err == nil && r.op == pcpOpAnnounce
}

// hearAnnouncements calls heard for every announcement of the gateway's until ctx
// ends. What one says is not believed, because anybody in the LAN can write the
// gateway's address on an envelope: it is a hint to ask the gateway itself.
func hearAnnouncements(ctx context.Context, gw Gateway, heard func()) error {
	link, err := net.InterfaceByName(gw.Interface)
	if err != nil {
		return fmt.Errorf("listening for the router's announcements on %q: %w", gw.Interface, err)
	}
	// The socket is bound to the group, and shares the port with other clients.
	conn, err := net.ListenMulticastUDP("udp4", link, net.UDPAddrFromAddrPort(netip.AddrPortFrom(announceGroup, announcePort)))
	if err != nil {
		return fmt.Errorf("listening for the router's announcements on %q: %w", gw.Interface, err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	p := ipv4.NewPacketConn(conn)
	if err := p.SetControlMessage(ipv4.FlagInterface, true); err != nil {
		return fmt.Errorf("listening for the router's announcements on %q: %w", gw.Interface, err)
	}
	buf := make([]byte, maxControlPacket+1)
	for {
		n, cm, from, err := p.ReadFrom(buf)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("listening for the router's announcements on %q: %w", gw.Interface, err)
		}
		addr, ok := from.(*net.UDPAddr)
		if !ok || addr.AddrPort().Addr().Unmap() != gw.Addr || cm == nil || cm.IfIndex != link.Index {
			continue
		}
		if isAnnouncement(buf[:n]) {
			heard()
		}
	}
}
