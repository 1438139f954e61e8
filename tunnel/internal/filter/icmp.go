package filter

import (
	"encoding/binary"
	"net/netip"
)

// Types of ICMP (RFC 792) and ICMPv6 (RFC 4443).
const (
	echoReply4    = 0
	unreachable4  = 3
	echoRequest4  = 8
	timeExceeded4 = 11
	parameter4    = 12
	unreachable6  = 1
	packetTooBig6 = 2
	timeExceeded6 = 3
	parameter6    = 4
	echoRequest6  = 128
	echoReply6    = 129
)

// quoteAtLeast is how many bytes of the upper layer every error quotes (RFC 792).
const quoteAtLeast = 8

func (p *packet) isICMP() bool { return p.proto == protoICMP || p.proto == protoICMPv6 }

func (p *packet) isEchoRequest() bool {
	return p.proto == protoICMP && p.icmp == echoRequest4 || p.proto == protoICMPv6 && p.icmp == echoRequest6
}

func (p *packet) isEchoReply() bool {
	return p.proto == protoICMP && p.icmp == echoReply4 || p.proto == protoICMPv6 && p.icmp == echoReply6
}

// isError says whether p tells about another packet. Redirects and source
// quenches do too, but nobody in a tunnel has use for them.
func (p *packet) isError() bool {
	switch p.proto {
	case protoICMP:
		return p.icmp == unreachable4 || p.icmp == timeExceeded4 || p.icmp == parameter4
	case protoICMPv6:
		return p.icmp == unreachable6 || p.icmp == packetTooBig6 || p.icmp == timeExceeded6 || p.icmp == parameter6
	}
	return false
}

// quote reads the packet that the error p is about, as far as it was quoted.
func (p *packet) quote(q *packet) bool {
	b := p.body[headerICMP:]
	*q = packet{}
	switch {
	case len(b) == 0:
		return false
	case p.proto == protoICMP && b[0]>>4 == 4 && len(b) >= header4:
		length := int(b[0]&0x0f) * 4
		if length < header4 || len(b) < length+quoteAtLeast || binary.BigEndian.Uint16(b[6:])&0x1fff != 0 {
			return false
		}
		q.src, q.dst = netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20]))
		q.proto, q.body = b[9], b[length:]
	case p.proto == protoICMPv6 && b[0]>>4 == 6 && len(b) >= header6:
		q.src, q.dst = netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40]))
		if q.walk(b, b[6], true) != passed || q.frag.later() || len(q.body) < quoteAtLeast {
			return false
		}
	default:
		return false
	}
	return q.readQuoted()
}

// readQuoted reads the ports from the eight bytes that every error has.
func (q *packet) readQuoted() bool {
	switch q.proto {
	case protoTCP, protoUDP:
		q.readPorts(q.body)
	case protoICMP, protoICMPv6:
		q.readICMP(q.body)
		return q.isEchoRequest() || q.isEchoReply()
	}
	return true
}
