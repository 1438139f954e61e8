package segment

import (
	"encoding/binary"
	"math/bits"
)

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
	flags   byte
	ipSum   uint16 // of the IPv4 header without what differs from segment to segment
	tcpSum  uint16 // of the pseudo header and the TCP header without that
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
	c.seq, c.flags = binary.BigEndian.Uint32(tcp[tcpSeq:]), tcp[tcpFlags]
	h, t := c.header[:len(ip)], c.header[len(ip):n]
	if c.layout.ip == ip4Min {
		clear(h[ip4Length : ip4ID+2])
		clear(h[ip4Sum : ip4Sum+2])
		c.ipSum = Sum(h, 0)
	}
	clear(t[tcpSeq:tcpAck])
	t[tcpFlags] = 0
	clear(t[tcpSum : tcpSum+2])
	c.tcpSum = Sum(t, pseudo(c.header[:], c.layout))
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
	l, n := c.layout, c.layout.header
	// Sums are made of what is at hand. What was just written to b is not read
	// again: b was in another core's cache, which takes a while.
	sum := c.tcpSum
	for end := n + want; n < end; {
		k := copy(b[n:end], c.payload[0])
		part := Sum(c.payload[0][:k], 0)
		if n%2 == 1 {
			part = bits.ReverseBytes16(part)
		}
		sum = add(sum, part)
		n += k
		if k == len(c.payload[0]) {
			c.payload = c.payload[1:]
		} else {
			c.payload[0] = c.payload[0][k:]
		}
	}
	copy(b[:l.header], c.header[:l.header])
	c.left -= want
	c.count--
	if l.ip == ip4Min {
		c.number(b, n)
	} else {
		binary.BigEndian.PutUint16(b[ip6Length:], uint16(n-ip6Min))
	}
	flags := c.flags
	if c.left > 0 {
		flags &^= fin | psh
	}
	c.flags &^= cwr // said once
	t := b[l.ip:l.header]
	binary.BigEndian.PutUint32(t[tcpSeq:], c.seq)
	t[tcpFlags] = flags
	sum = add(add(sum, uint16(c.seq>>16)), uint16(c.seq))
	binary.BigEndian.PutUint16(t[tcpSum:], ^add(add(sum, uint16(flags)), uint16(n-l.ip)))
	c.seq += uint32(want)
	return n
}

// number writes what differs from one IPv4 header to the next, of a packet of n bytes.
func (c *Large) number(b []byte, n int) {
	binary.BigEndian.PutUint16(b[ip4Length:], uint16(n))
	binary.BigEndian.PutUint16(b[ip4ID:], c.id)
	binary.BigEndian.PutUint16(b[ip4Sum:], ^add(add(c.ipSum, uint16(n)), c.id))
	c.id++
}
