package segment

import "encoding/binary"

// MaxHeader is the largest size of the headers of a packet that is cut.
const MaxHeader = ip6Min + 60

// Large is a TCP packet whose payload is to be cut into segments. It is used up
// by Next.
type Large struct {
	header  [MaxHeader]byte
	layout  layout
	payload [][]byte
	left    int // bytes of payload
	count   int // segments that are left
	mss     int
	seq     uint32
	id      uint16
	sum     uint16 // of the pseudo header without the length
}

// Begin takes a packet to cut: its headers, its payload in any number of
// pieces, which it uses up, and the size of a segment's payload. It says no to
// what is no plain TCP packet. The lengths and checksums in the headers don't
// count.
func (c *Large) Begin(ip, tcp []byte, payload [][]byte, mss int) bool {
	n := len(ip) + len(tcp)
	if mss <= 0 || n > MaxHeader || len(tcp) < tcpMin || int(tcp[tcpOffset]>>4)*4 != len(tcp) {
		return false
	}
	switch {
	case len(ip) == ip4Min && ip[0] == 0x45 && ip[9] == protocolTCP:
		c.id = binary.BigEndian.Uint16(ip[4:])
	case len(ip) == ip6Min && ip[0]>>4 == 6 && ip[6] == protocolTCP:
	default:
		return false
	}
	copy(c.header[:], ip)
	copy(c.header[len(ip):], tcp)
	c.layout = layout{len(ip), n}
	c.payload, c.left, c.mss = payload, 0, mss
	for _, p := range payload {
		c.left += len(p)
	}
	c.count = max(1, (c.left+mss-1)/mss) // without payload, too, it is a packet
	c.seq, c.sum = binary.BigEndian.Uint32(tcp[tcpSeq:]), pseudo(c.header[:], c.layout)
	return true
}

// Count is how many segments are left.
func (c *Large) Count() int { return c.count }

// Next writes the next segment into b and returns its size; 0 means that there
// is none left, or that b is too small.
func (c *Large) Next(b []byte) int {
	want := min(c.mss, c.left)
	if c.count == 0 || len(b) < c.layout.header+want {
		return 0
	}
	l := c.layout
	copy(b, c.header[:l.header])
	n := l.header
	for end := n + want; n < end; {
		k := copy(b[n:end], c.payload[0])
		n += k
		if k == len(c.payload[0]) {
			c.payload = c.payload[1:]
		} else {
			c.payload[0] = c.payload[0][k:]
		}
	}
	b = b[:n]
	c.left -= want
	c.count--
	if l.ip == ip4Min {
		binary.BigEndian.PutUint16(b[4:], c.id)
		c.id++
	}
	setLength(b, l, n)
	t := b[l.ip:]
	binary.BigEndian.PutUint32(t[tcpSeq:], c.seq)
	c.seq += uint32(want)
	c.header[l.ip+tcpFlags] &^= cwr // said once
	if c.left > 0 {
		t[tcpFlags] &^= fin | psh
	}
	t[tcpSum], t[tcpSum+1] = 0, 0
	binary.BigEndian.PutUint16(t[tcpSum:], ^Sum(t, add(c.sum, uint16(len(t)))))
	return n
}
