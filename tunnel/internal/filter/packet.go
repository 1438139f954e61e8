package filter

import (
	"encoding/binary"
	"net/netip"
)

// Protocol numbers of IANA.
const (
	protoHopByHop    = 0
	protoICMP        = 1
	protoIPIP        = 4
	protoTCP         = 6
	protoUDP         = 17
	protoIPv6        = 41
	protoRouting     = 43
	protoFragment    = 44
	protoAH          = 51
	protoICMPv6      = 58
	protoDestination = 60
)

const (
	header4       = 20
	header6       = 40
	headerTCP     = 20
	headerUDP     = 8
	headerICMP    = 8
	maxExtensions = 8 // in one packet; honest ones have one or two
	maxDatagram   = 65535
)

// packet is what the filter reads of a packet.
type packet struct {
	src, dst netip.Addr
	// Ports of TCP and UDP. An echo has its identifier as the port of who asks,
	// and no other port. Zero in fragments other than the first.
	srcPort, dstPort uint16
	proto            uint8 // of the upper layer
	flags            uint8 // of TCP
	icmp             uint8 // type of ICMP or ICMPv6
	size             int   // of the whole packet, in bytes
	body             []byte
	frag             fragment
}

// fragment is where a piece of a datagram belongs. The zero fragment is that of
// a packet in one piece.
type fragment struct {
	id       uint32
	from, to int // bytes of the datagram's divisible part
	more     bool
}

func (f *fragment) is() bool    { return f.to > 0 }
func (f *fragment) later() bool { return f.from > 0 }

// parse reads b. On anything but passed, only size, src and dst count, and they
// may be zero.
func (p *packet) parse(b []byte) Reason {
	*p = packet{size: len(b)}
	if len(b) == 0 {
		return Malformed
	}
	var r Reason
	switch b[0] >> 4 {
	case 4:
		r = p.parse4(b)
	case 6:
		r = p.parse6(b)
	default:
		return Malformed
	}
	if r != passed || p.frag.later() {
		return r
	}
	return p.parseUpper()
}

func (p *packet) parse4(b []byte) Reason {
	if len(b) < header4 {
		return Malformed
	}
	p.src, p.dst = netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20]))
	length, total := int(b[0]&0x0f)*4, int(binary.BigEndian.Uint16(b[2:]))
	if length < header4 || total < length || total > len(b) {
		return Malformed
	}
	if length > header4 && sourceRouted(b[header4:length]) {
		return Disguised
	}
	p.size, p.proto, p.body = total, b[9], b[length:total]
	if p.proto == protoICMPv6 {
		return Malformed
	}
	if at := binary.BigEndian.Uint16(b[6:]); at&0x3fff != 0 {
		return p.setFragment(fragment{id: uint32(binary.BigEndian.Uint16(b[4:])), from: int(at&0x1fff) * 8, more: at&0x2000 != 0}, len(p.body))
	}
	return passed
}

// sourceRouted says whether IPv4 options name other hops than the destination,
// or cannot be read.
func sourceRouted(options []byte) bool {
	const end, none, loose, strict = 0, 1, 131, 137
	for len(options) > 0 {
		switch options[0] {
		case end:
			return false
		case none:
			options = options[1:]
			continue
		case loose, strict:
			return true
		}
		if len(options) < 2 || options[1] < 2 || int(options[1]) > len(options) {
			return true
		}
		options = options[options[1]:]
	}
	return false
}

// setFragment keeps the place of a fragment that is length bytes long.
func (p *packet) setFragment(f fragment, length int) Reason {
	f.to = f.from + length
	if length == 0 || f.more && length%8 != 0 || f.to > maxDatagram {
		return Fragmented
	}
	p.frag = f
	return passed
}

func (p *packet) parse6(b []byte) Reason {
	if len(b) < header6 {
		return Malformed
	}
	p.src, p.dst = netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40]))
	total := header6 + int(binary.BigEndian.Uint16(b[4:]))
	if total > len(b) {
		return Malformed
	}
	p.size = total
	return p.walk(b[:total], b[6], false)
}

// walk goes along the extension headers to the upper layer. A chain that is
// too long, or that the first fragment does not hold as a whole (RFC 7112), is
// no honest stack's. A quoted packet may have been cut off.
func (p *packet) walk(b []byte, next uint8, quoted bool) Reason {
	at, divided := header6, false
	for n := range maxExtensions {
		switch next {
		case protoHopByHop, protoRouting, protoDestination, protoAH, protoFragment:
			if at+8 > len(b) || next == protoHopByHop && n > 0 {
				return Malformed
			}
		default:
			p.proto, p.body = next, b[at:]
			if next == protoICMP {
				return Malformed
			}
			return passed
		}
		length := (int(b[at+1]) + 1) * 8
		switch next {
		case protoAH:
			length = (int(b[at+1]) + 2) * 4
		case protoRouting:
			if b[at+3] != 0 {
				return Disguised // segments left: it goes elsewhere first
			}
		case protoFragment:
			length = 8
			if divided {
				return Malformed
			}
			divided = true
			if r := p.readFragment(b[at:], quoted); r != passed {
				return r
			}
			if p.frag.later() {
				p.proto, p.body = b[at], b[at+length:]
				return passed
			}
		}
		next = b[at]
		if at += length; at > len(b) {
			return Malformed
		}
	}
	return Malformed
}

// readFragment reads a fragment header and what follows it. An atomic fragment
// (RFC 6946) is a packet in one piece.
func (p *packet) readFragment(b []byte, quoted bool) Reason {
	place := binary.BigEndian.Uint16(b[2:])
	f := fragment{id: binary.BigEndian.Uint32(b[4:]), from: int(place &^ 7), more: place&1 != 0}
	length := len(b) - 8
	if quoted {
		length &^= 7
	}
	if f.from == 0 && !f.more {
		return passed
	}
	return p.setFragment(f, length)
}

// parseUpper reads the upper layer's header from p.body.
func (p *packet) parseUpper() Reason {
	short := Malformed
	if p.frag.is() {
		short = Fragmented // tiny first fragment
	}
	b := p.body
	switch p.proto {
	case protoTCP:
		if len(b) < headerTCP {
			return short
		}
		if length := int(b[12]>>4) * 4; length < headerTCP {
			return Malformed
		} else if length > len(b) {
			return short
		}
		p.flags = b[13]
		p.readPorts(b)
	case protoUDP:
		if len(b) < headerUDP {
			return short
		}
		p.readPorts(b)
	case protoICMP, protoICMPv6:
		if len(b) < headerICMP {
			return short
		}
		p.readICMP(b)
	case protoIPIP, protoIPv6:
		return Disguised // the packet inside would reach what this one may not
	}
	return passed
}

func (p *packet) readPorts(b []byte) {
	p.srcPort, p.dstPort = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
}

// readICMP reads the type, and the identifier of an echo.
func (p *packet) readICMP(b []byte) {
	p.icmp = b[0]
	switch {
	case p.isEchoRequest():
		p.srcPort = binary.BigEndian.Uint16(b[4:])
	case p.isEchoReply():
		p.dstPort = binary.BigEndian.Uint16(b[4:])
	}
}
