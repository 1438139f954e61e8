package netstack

import (
	"encoding/binary"
	"errors"
	"net/netip"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

const (
	icmpTTL = 64
	quoted  = 8 // bytes of the upper layer that an error has to carry (RFC 792)
	// quotedEcho is how much of an echo request is looked at in an error.
	quotedEcho = 64
)

// quoteOf copies what an ICMP error about pkt has to carry: its IP header and
// the beginning of the upper layer, which holds a TCP or UDP client's ports.
func quoteOf(pkt *stack.PacketBuffer) []byte {
	t := pkt.TransportHeader().Slice()
	return append(append([]byte(nil), pkt.NetworkHeader().Slice()...), t[:min(quoted, len(t))]...)
}

// verdict is what became of a packet of a peer.
type verdict struct {
	outcome
	// With reported: who said so, and what, as type and code of ICMP in the
	// packet's family. An invalid address means this host.
	from       netip.Addr
	kind, code byte
	mtu        int    // what fits, in bytes, of tooBig and of such a report
	data       []byte // of a report about an echo: the beginning of the request
}

// message is a type and a code of ICMP.
type message struct{ kind, code byte }

// messages say the outcomes by ICMP and by ICMPv6.
var messages = map[outcome]struct{ four, six message }{
	refused:            {message{byte(header.ICMPv4DstUnreachable), byte(header.ICMPv4PortUnreachable)}, message{byte(header.ICMPv6DstUnreachable), byte(header.ICMPv6PortUnreachable)}},
	hostUnreachable:    {message{byte(header.ICMPv4DstUnreachable), byte(header.ICMPv4HostUnreachable)}, message{byte(header.ICMPv6DstUnreachable), byte(header.ICMPv6AddressUnreachable)}},
	networkUnreachable: {message{byte(header.ICMPv4DstUnreachable), byte(header.ICMPv4NetUnreachable)}, message{byte(header.ICMPv6DstUnreachable), byte(header.ICMPv6NetworkUnreachable)}},
	prohibited:         {message{byte(header.ICMPv4DstUnreachable), byte(header.ICMPv4AdminProhibited)}, message{byte(header.ICMPv6DstUnreachable), byte(header.ICMPv6Prohibited)}},
	expired:            {message{byte(header.ICMPv4TimeExceeded), byte(header.ICMPv4TTLExceeded)}, message{byte(header.ICMPv6TimeExceeded), byte(header.ICMPv6HopLimitExceeded)}},
	tooBig:             {message{byte(header.ICMPv4DstUnreachable), byte(header.ICMPv4FragmentationNeeded)}, message{byte(header.ICMPv6PacketTooBig), 0}},
}

// message says v in the family of a packet. It says no to what is no error that
// a peer could have use for.
func (v *verdict) message(v4 bool) (message, bool) {
	if v.outcome != reported {
		m, ok := messages[v.outcome]
		if v4 {
			return m.four, ok
		}
		return m.six, ok
	}
	m := message{v.kind, v.code}
	if v4 {
		kind := header.ICMPv4Type(v.kind)
		return m, kind == header.ICMPv4DstUnreachable || kind == header.ICMPv4TimeExceeded || kind == header.ICMPv4ParamProblem
	}
	return m, header.ICMPv6Type(v.kind) >= header.ICMPv6DstUnreachable && header.ICMPv6Type(v.kind) <= header.ICMPv6ParamProblem
}

// isTooBig says whether v is about a packet that did not fit.
func (v *verdict) isTooBig(v4 bool) bool {
	m, ok := v.message(v4)
	return ok && (v4 && m == messages[tooBig].four || !v4 && m.kind == messages[tooBig].six.kind)
}

// reportUnreachable tells the peer of key what became of the packet quoted. It
// says nothing for stayedSilent.
func (p *Plane) reportUnreachable(key flowKey, quote []byte, o outcome) {
	p.report(key, quote, verdict{outcome: o})
}

// report is reportUnreachable for what somebody else may have said.
func (p *Plane) report(key flowKey, quote []byte, v verdict) {
	peer, target := key.id.RemoteAddress, key.id.LocalAddress
	v4 := peer.Len() == header.IPv4AddressSize
	m, ok := v.message(v4)
	if !ok {
		return
	}
	// A refusal comes from the host that refused, what a router said from that
	// one, all else from the router that we are.
	from := p.ownFor(v4, target)
	switch {
	case v.outcome == refused, v.outcome == reported && v.from == addrOf(target):
		from = target
	case v.outcome == reported && v.from.IsValid() && v.from.Is4() == v4 && p.dialable(v.from) == nil:
		from = stackAddr(v.from)
	}
	msg := append([]byte{m.kind, m.code, 0, 0, 0, 0, 0, 0}, quote...)
	if v.isTooBig(v4) {
		p.paths.learn(addrOf(target), v.mtu)
		mtu := min(fits(v.mtu, v4), p.device.mtu)
		if v4 {
			binary.BigEndian.PutUint16(msg[6:], uint16(mtu)) // RFC 1191, section 4
		} else {
			binary.BigEndian.PutUint32(msg[4:], uint32(mtu)) // RFC 4443, section 3.2
		}
	}
	p.sendICMP(from, peer, msg)
}

// ownFor is our own address in a family, or other where we have none.
func (p *Plane) ownFor(v4 bool, other tcpip.Address) tcpip.Address {
	for _, own := range p.own {
		if own.Addr().Is4() == v4 {
			return stackAddr(own.Addr())
		}
	}
	return other
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
