package segment

import "encoding/binary"

// Places in the headers.
const (
	ip4Length, ip4ID, ip4Sum                            = 2, 4, 10
	ip6Length                                           = 4
	tcpSeq, tcpAck, tcpOffset, tcpFlags, tcpSum, tcpMin = 4, 8, 12, 13, 16, 20

	fin, psh, ack, cwr = 0x01, 0x08, 0x10, 0x80
	protocolTCP        = 6
	ip4Min             = 20
	ip6Min             = 40
)

// layout is where the parts of a TCP packet are.
type layout struct {
	ip     int // length of the IP header; without options or extensions
	header int // of both headers
}

// layoutOf finds the parts of a plain TCP packet: whole, without IP options,
// extension headers and fragments.
func layoutOf(p []byte) (l layout, ok bool) {
	switch {
	case len(p) >= ip4Min+tcpMin && p[0] == 0x45 && p[9] == protocolTCP:
		if int(binary.BigEndian.Uint16(p[2:])) != len(p) || binary.BigEndian.Uint16(p[6:])&^0x4000 != 0 {
			return l, false
		}
		l.ip = ip4Min
	case len(p) >= ip6Min+tcpMin && p[0]>>4 == 6 && p[6] == protocolTCP:
		if int(binary.BigEndian.Uint16(p[4:]))+ip6Min != len(p) {
			return l, false
		}
		l.ip = ip6Min
	default:
		return l, false
	}
	l.header = l.ip + int(p[l.ip+tcpOffset]>>4)*4
	return l, l.header >= l.ip+tcpMin && l.header <= len(p)
}

// sameStream says whether two packets of one layout have the same addresses and
// ports.
func sameStream(a, b []byte, l layout) bool {
	from := 12
	if l.ip == ip6Min {
		from = 8
	}
	return string(a[from:l.ip+4]) == string(b[from:l.ip+4])
}

// setLength writes the length of the whole packet into its IP header, and the
// header's checksum.
func setLength(p []byte, l layout, length int) {
	if l.ip == ip6Min {
		binary.BigEndian.PutUint16(p[4:], uint16(length-ip6Min))
		return
	}
	binary.BigEndian.PutUint16(p[2:], uint16(length))
	p[10], p[11] = 0, 0
	binary.BigEndian.PutUint16(p[10:], ^Sum(p[:ip4Min], 0))
}

// pseudo is the sum of the pseudo header without the length.
func pseudo(p []byte, l layout) uint16 {
	if l.ip == ip6Min {
		return Sum(p[8:ip6Min], protocolTCP)
	}
	return Sum(p[12:ip4Min], protocolTCP)
}
