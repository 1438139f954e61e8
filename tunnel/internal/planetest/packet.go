//go:build linux

package planetest

import (
	"encoding/binary"
	"net/netip"
)

const (
	protoTCP = 6
	protoUDP = 17

	optMaxSegment = 2
	flagsSyn      = 0x02
	flagsECN      = 0xc0 // ECE and CWR: with SYN, it asks for ECN (RFC 3168, section 6.1.1)
	flagsSynAck   = 0x12
)

// maxSegment reads from the answer to a SYN how much the other side takes.
func maxSegment(packet []byte, to netip.AddrPort) (bytes int, ok bool) {
	header := 20
	if len(packet) > 0 && packet[0]>>4 == 6 {
		header = 40
	}
	if destinationOf(packet) != to.Addr() || len(packet) < header+20 {
		return 0, false
	}
	tcp := packet[header:]
	if binary.BigEndian.Uint16(tcp[2:]) != to.Port() || tcp[13]&0x3f != flagsSynAck {
		return 0, false
	}
	for opts := tcp[20:min(len(tcp), int(tcp[12]>>4)*4)]; len(opts) > 1; {
		switch {
		case opts[0] == 0:
			return 0, false
		case opts[0] == 1:
			opts = opts[1:]
		case opts[0] == optMaxSegment && len(opts) >= 4:
			return int(binary.BigEndian.Uint16(opts[2:])), true
		default:
			opts = opts[max(2, min(int(opts[1]), len(opts))):]
		}
	}
	return 0, false
}

// sourceOf and destinationOf read the addresses of an IP packet.
func sourceOf(packet []byte) netip.Addr      { return addressAt(packet, 12, 8) }
func destinationOf(packet []byte) netip.Addr { return addressAt(packet, 16, 24) }

func addressAt(packet []byte, at4, at6 int) netip.Addr {
	var a netip.Addr
	switch {
	case len(packet) >= 20 && packet[0]>>4 == 4:
		a, _ = netip.AddrFromSlice(packet[at4 : at4+4])
	case len(packet) >= 40 && packet[0]>>4 == 6:
		a, _ = netip.AddrFromSlice(packet[at6 : at6+16])
	}
	return a
}

// protocolOf reads the protocol of an IP packet that has an address.
func protocolOf(packet []byte) byte {
	if packet[0]>>4 == 4 {
		return packet[9]
	}
	return packet[6]
}

// udpPacket is one that no stack would send, because of its addresses.
func udpPacket(from, to netip.AddrPort, payload string) []byte {
	udp := binary.BigEndian.AppendUint16(nil, from.Port())
	udp = binary.BigEndian.AppendUint16(udp, to.Port())
	udp = binary.BigEndian.AppendUint16(udp, uint16(8+len(payload)))
	udp = append(append(udp, 0, 0), payload...)
	binary.BigEndian.PutUint16(udp[6:], checksum(pseudoHeader(from.Addr(), to.Addr(), protoUDP, len(udp)), udp))
	return ipPacket(from.Addr(), to.Addr(), protoUDP, udp)
}

// synPacket begins a TCP connection, by one whose link carries 1500 bytes.
func synPacket(from, to netip.AddrPort, flags byte) []byte {
	tcp := binary.BigEndian.AppendUint16(nil, from.Port())
	tcp = binary.BigEndian.AppendUint16(tcp, to.Port())
	tcp = append(tcp, 0, 0, 0, 1, 0, 0, 0, 0, 6<<4, flags, 0xff, 0xff, 0, 0, 0, 0)
	tcp = append(tcp, optMaxSegment, 4)
	tcp = binary.BigEndian.AppendUint16(tcp, 1460)
	binary.BigEndian.PutUint16(tcp[16:], checksum(pseudoHeader(from.Addr(), to.Addr(), protoTCP, len(tcp)), tcp))
	return ipPacket(from.Addr(), to.Addr(), protoTCP, tcp)
}

func ipPacket(from, to netip.Addr, proto byte, payload []byte) []byte {
	var h []byte
	if to.Is4() {
		h = append(h, 0x45, 0)
		h = binary.BigEndian.AppendUint16(h, uint16(20+len(payload)))
		h = append(h, 0, 1, 0, 0, 64, proto, 0, 0)
		h = append(append(h, from.AsSlice()...), to.AsSlice()...)
		binary.BigEndian.PutUint16(h[10:], checksum(h))
	} else {
		h = append(h, 0x60, 0, 0, 0)
		h = binary.BigEndian.AppendUint16(h, uint16(len(payload)))
		h = append(h, proto, 64)
		h = append(append(h, from.AsSlice()...), to.AsSlice()...)
	}
	return append(h, payload...)
}

func pseudoHeader(from, to netip.Addr, proto byte, length int) []byte {
	h := append(from.AsSlice(), to.AsSlice()...)
	h = binary.BigEndian.AppendUint32(h, uint32(length))
	return append(h, 0, 0, 0, proto)
}

// checksum is that of RFC 1071 over parts of even length but the last.
func checksum(parts ...[]byte) uint16 {
	var sum uint32
	for _, b := range parts {
		for i := 0; i+1 < len(b); i += 2 {
			sum += uint32(binary.BigEndian.Uint16(b[i:]))
		}
		if len(b)%2 == 1 {
			sum += uint32(b[len(b)-1]) << 8
		}
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
