package netstack

import (
	"errors"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

const (
	icmpTTL = 64
	quoted  = 8 // bytes of the upper layer that an error has to carry (RFC 792)
)

// quoteOf copies what an ICMP error about pkt has to carry: its IP header and
// the beginning of the upper layer, which holds a TCP or UDP client's ports.
func quoteOf(pkt *stack.PacketBuffer) []byte {
	t := pkt.TransportHeader().Slice()
	return append(append([]byte(nil), pkt.NetworkHeader().Slice()...), t[:min(quoted, len(t))]...)
}

// reportUnreachable tells the peer of key what became of the packet quoted. It
// says nothing for stayedSilent.
func (p *Plane) reportUnreachable(key flowKey, quote []byte, o outcome) {
	peer, target := key.id.RemoteAddress, key.id.LocalAddress
	v4 := peer.Len() == header.IPv4AddressSize
	var kind, code byte
	switch {
	case v4 && o == refused:
		kind, code = byte(header.ICMPv4DstUnreachable), byte(header.ICMPv4PortUnreachable)
	case v4 && o == hostUnreachable:
		kind, code = byte(header.ICMPv4DstUnreachable), byte(header.ICMPv4HostUnreachable)
	case v4 && o == networkUnreachable:
		kind, code = byte(header.ICMPv4DstUnreachable), byte(header.ICMPv4NetUnreachable)
	case v4 && o == prohibited:
		kind, code = byte(header.ICMPv4DstUnreachable), byte(header.ICMPv4AdminProhibited)
	case v4 && o == expired:
		kind, code = byte(header.ICMPv4TimeExceeded), byte(header.ICMPv4TTLExceeded)
	case o == refused:
		kind, code = byte(header.ICMPv6DstUnreachable), byte(header.ICMPv6PortUnreachable)
	case o == hostUnreachable:
		kind, code = byte(header.ICMPv6DstUnreachable), byte(header.ICMPv6AddressUnreachable)
	case o == networkUnreachable:
		kind, code = byte(header.ICMPv6DstUnreachable), byte(header.ICMPv6NetworkUnreachable)
	case o == prohibited:
		kind, code = byte(header.ICMPv6DstUnreachable), byte(header.ICMPv6Prohibited)
	case o == expired:
		kind, code = byte(header.ICMPv6TimeExceeded), byte(header.ICMPv6HopLimitExceeded)
	default:
		return
	}
	from := target // a refusal comes from the host that refused, all else from the router: us
	if o != refused {
		for _, own := range p.own {
			if own.Addr().Is4() == v4 {
				from = stackAddr(own.Addr())
			}
		}
	}
	p.sendICMP(from, peer, append([]byte{kind, code, 0, 0, 0, 0, 0, 0}, quote...))
}

// sendICMP sends an ICMP message to a peer. It fills in the checksum.
func (p *Plane) sendICMP(from, peer tcpip.Address, msg []byte) {
	r, err := p.stack.FindRoute(nicID, from, peer, protocolOf(addrOf(peer)), false)
	if err != nil {
		return // an address family that we don't have, or closing
	}
	defer r.Release()
	proto := header.ICMPv4ProtocolNumber
	msg[2], msg[3] = 0, 0
	if peer.Len() == header.IPv4AddressSize {
		header.ICMPv4(msg).SetChecksum(^checksum.Checksum(msg, 0))
	} else {
		proto = header.ICMPv6ProtocolNumber
		header.ICMPv6(msg).SetChecksum(header.ICMPv6Checksum(header.ICMPv6ChecksumParams{Header: msg, Src: from, Dst: peer}))
	}
	pkt := stack.NewPacketBuffer(stack.PacketBufferOptions{
		ReserveHeaderBytes: int(r.MaxHeaderLength()),
		Payload:            buffer.MakeWithData(msg),
	})
	defer pkt.DecRef()
	pkt.TransportProtocolNumber = proto
	// An error is a packet lost, as it may be anywhere.
	_ = r.WritePacket(stack.NetworkHeaderParams{Protocol: proto, TTL: icmpTTL}, pkt)
}

// refusal says why the peer may not have the flow: one of our own addresses is
// answered by the stack itself, so that asking for it here is a mistake.
func (p *Plane) refusal(key flowKey) error {
	if p.isOwn(key.target().Addr()) && !p.isOurs(key) {
		return nil
	}
	err := p.dialable(key.target().Addr())
	if errors.Is(err, errBox) && p.mayUseBox(key.source()) {
		return nil
	}
	if err != nil {
		p.logger.Debug("refused a flow", "err", err)
	}
	return err
}
