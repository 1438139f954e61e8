package netstack

import (
	"encoding/binary"
	"net/netip"

	"gvisor.dev/gvisor/pkg/tcpip/header"
)

// hopsLeft reads the TTL or hop limit of an IP packet.
func hopsLeft(b []byte) byte {
	if header.IPVersion(b) == header.IPv4Version {
		return b[8]
	}
	return b[7]
}

// hop takes one from the TTL or hop limit, as a router does that passes the
// packet on. It must have one left.
func hop(b []byte) {
	if header.IPVersion(b) != header.IPv4Version {
		b[7]--
		return
	}
	b[8]--
	// RFC 1141: what the header lost, its checksum gains.
	sum := uint32(binary.BigEndian.Uint16(b[10:])) + 1<<8
	binary.BigEndian.PutUint16(b[10:], uint16(sum+sum>>16))
}

// end does what a router does with a packet that cannot go on: it tells its
// sender. That one has no hop left (RFC 1812, section 5.3.1; RFC 8200, section
// 3), by which traceroute finds the box, or it must not be cut and is longer
// than what is known to fit (RFC 1191, RFC 8201). It says whether the packet is
// done with.
//
// What may not be reached anyhow is left to who refuses it, and errors about
// errors, later fragments, broadcasts and multicasts are never answered (RFC
// 1122, section 3.2.2; RFC 4443, section 2.4).
func (p *Plane) end(packet []byte, src, dst netip.Addr) bool {
	if p.isOwn(dst) {
		return false
	}
	v := verdict{outcome: expired}
	if hopsLeft(packet) > 1 {
		mtu, known := p.paths.to(dst)
		if !known || len(packet) <= mtu || mayBeCut(packet) || isTCP(packet) {
			return false
		}
		v = verdict{outcome: tooBig, mtu: mtu}
	}
	if !p.device.isPeer(dst) && p.dialable(dst) != nil {
		return false
	}
	key := flowKey{}
	key.id.RemoteAddress, key.id.LocalAddress = stackAddr(src), stackAddr(dst)
	if quote, ok := quoteOfRaw(packet); ok {
		p.report(key, quote, v)
	}
	return true
}

// mayBeCut says whether routers may fragment a packet.
func mayBeCut(b []byte) bool {
	return header.IPVersion(b) == header.IPv4Version && header.IPv4(b).Flags()&header.IPv4FlagDontFragment == 0
}

// isTCP: the stack ends TCP itself, so that the host's connection knows its own
// way.
func isTCP(b []byte) bool {
	if header.IPVersion(b) == header.IPv4Version {
		return b[9] == uint8(header.TCPProtocolNumber)
	}
	return b[6] == uint8(header.TCPProtocolNumber)
}

// quoteOfRaw is quoteOf for a packet that the stack has not seen. It says no to
// those about which there must be no error.
func quoteOfRaw(b []byte) ([]byte, bool) {
	size, proto, later := header.IPv6MinimumSize, b[6], false
	if header.IPVersion(b) == header.IPv4Version {
		h := header.IPv4(b)
		size, proto, later = int(h.HeaderLength()), h.Protocol(), h.FragmentOffset() > 0
	}
	if later || size < header.IPv4MinimumSize || len(b) < size+quoted {
		return nil, false
	}
	switch kind := b[size]; {
	case proto == uint8(header.ICMPv4ProtocolNumber) && header.ICMPv4Type(kind) != header.ICMPv4Echo,
		proto == uint8(header.ICMPv6ProtocolNumber) && header.ICMPv6Type(kind) != header.ICMPv6EchoRequest:
		return nil, false
	}
	return append([]byte(nil), b[:size+quoted]...), true
}
