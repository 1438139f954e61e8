package filter

import (
	"encoding/binary"
	"net/netip"
	"slices"
)

// The packets of the tests are put together here byte by byte, by nothing that
// the filter uses.

func addr(s string) netip.Addr     { return netip.MustParseAddr(s) }
func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

// ip puts an IP header before a payload.
func ip(from, to netip.Addr, proto byte, payload []byte) []byte {
	if to.Is4() {
		h := []byte{0x45, 0, 0, 0, 0, 1, 0, 0, 64, proto, 0, 0}
		binary.BigEndian.PutUint16(h[2:], uint16(20+len(payload)))
		return slices.Concat(h, from.AsSlice(), to.AsSlice(), payload)
	}
	h := []byte{0x60, 0, 0, 0, 0, 0, proto, 64}
	binary.BigEndian.PutUint16(h[4:], uint16(len(payload)))
	return slices.Concat(h, from.AsSlice(), to.AsSlice(), payload)
}

func ports(from, to uint16) []byte {
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, from), to)
}

func udpBody(from, to uint16, n int) []byte {
	b := binary.BigEndian.AppendUint16(ports(from, to), uint16(8+n))
	return append(append(b, 0, 0), make([]byte, n)...)
}

func tcpBody(from, to uint16, flags byte, n int) []byte {
	return append(append(ports(from, to), 0, 0, 0, 1, 0, 0, 0, 1, 5<<4, flags, 0xff, 0xff, 0, 0, 0, 0), make([]byte, n)...)
}

func udp(from, to netip.AddrPort) []byte {
	return ip(from.Addr(), to.Addr(), 17, udpBody(from.Port(), to.Port(), 4))
}

func tcp(from, to netip.AddrPort, flags byte) []byte {
	return ip(from.Addr(), to.Addr(), 6, tcpBody(from.Port(), to.Port(), flags, 0))
}

// echo is a request or a reply.
func echo(from, to netip.Addr, reply bool, id uint16) []byte {
	proto, kind := byte(1), byte(8)
	switch {
	case to.Is6() && reply:
		proto, kind = 58, 129
	case to.Is6():
		proto, kind = 58, 128
	case reply:
		kind = 0
	}
	return ip(from, to, proto, append([]byte{kind, 0, 0, 0, byte(id >> 8), byte(id), 0, 1}, "data"...))
}

// unreachable is an ICMP error about the packet quoted.
func unreachable(from, to netip.Addr, quoted []byte) []byte {
	proto, kind := byte(1), byte(3)
	if to.Is6() {
		proto, kind = 58, 1
	}
	return ip(from, to, proto, append([]byte{kind, 1, 0, 0, 0, 0, 0, 0}, quoted...))
}

// pieces cuts a packet without options into fragments of n bytes.
func pieces(b []byte, id uint32, n int) [][]byte {
	v4 := b[0]>>4 == 4
	header := 40
	if v4 {
		header = 20
	}
	var out [][]byte
	for from, body := 0, b[header:]; from < len(body); from += n {
		to := min(from+n, len(body))
		out = append(out, piece(b, id, from, body[from:to], to < len(body)))
	}
	return out
}

// piece is one fragment of b.
func piece(b []byte, id uint32, from int, body []byte, more bool) []byte {
	at := uint16(from)
	if b[0]>>4 == 4 {
		at /= 8
		if more {
			at |= 0x2000
		}
		f := slices.Concat(b[:20], body)
		binary.BigEndian.PutUint16(f[2:], uint16(len(f)))
		binary.BigEndian.PutUint16(f[4:], uint16(id))
		binary.BigEndian.PutUint16(f[6:], at)
		return f
	}
	if more {
		at |= 1
	}
	h := binary.BigEndian.AppendUint32([]byte{b[6], 0, byte(at >> 8), byte(at)}, id)
	f := slices.Concat(b[:40], h, body)
	binary.BigEndian.PutUint16(f[4:], uint16(len(f)-40))
	f[6] = 44
	return f
}

// extended puts extension headers before the payload of an IPv6 packet. Each is
// its number and its bytes, of which the first is overwritten.
func extended(b []byte, kinds []byte, headers ...[]byte) []byte {
	f := slices.Clone(b[:40])
	last := b[6]
	for i, h := range headers {
		h = slices.Clone(h)
		h[0] = last
		if i+1 < len(kinds) {
			h[0] = kinds[i+1]
		}
		f = append(f, h...)
	}
	f = append(f, b[40:]...)
	if len(kinds) > 0 {
		f[6] = kinds[0]
	}
	binary.BigEndian.PutUint16(f[4:], uint16(len(f)-40))
	return f
}
