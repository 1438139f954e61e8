package netstack

import (
	"net/netip"

	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"
)

// synPacket is the first packet of a TCP connection from 10.66.0.2 to 198.51.100.9.
func synPacket() []byte { return tcpPacket(1, 0, header.TCPFlagSyn) }

// tcpPacket is a packet of the same connection, without payload.
func tcpPacket(seq, ack uint32, flags header.TCPFlags) []byte {
	return tcpPacketOf(netip.MustParseAddr("10.66.0.2"), away, 40000, seq, ack, flags)
}

func tcpPacketOf(from, to netip.Addr, port uint16, seq, ack uint32, flags header.TCPFlags) []byte {
	b := make([]byte, header.IPv4MinimumSize+header.TCPMinimumSize)
	src, dst := stackAddr(from), stackAddr(to)
	ip := header.IPv4(b)
	ip.Encode(&header.IPv4Fields{TotalLength: uint16(len(b)), TTL: 64, Protocol: uint8(header.TCPProtocolNumber), SrcAddr: src, DstAddr: dst})
	ip.SetChecksum(^ip.CalculateChecksum())
	tcp := header.TCP(b[header.IPv4MinimumSize:])
	tcp.Encode(&header.TCPFields{SrcPort: port, DstPort: 80, SeqNum: seq, AckNum: ack, DataOffset: header.TCPMinimumSize, Flags: flags, WindowSize: 65535})
	tcp.SetChecksum(^tcp.CalculateChecksum(checksum.Combine(header.PseudoHeaderChecksum(header.TCPProtocolNumber, src, dst, header.TCPMinimumSize), 0)))
	return b
}

// udpPacketOf is a datagram by IPv4, without a checksum (RFC 768).
func udpPacketOf(from, to netip.AddrPort, payload string) []byte {
	b := make([]byte, header.IPv4MinimumSize+header.UDPMinimumSize, header.IPv4MinimumSize+header.UDPMinimumSize+len(payload))
	b = append(b, payload...)
	ip := header.IPv4(b)
	ip.Encode(&header.IPv4Fields{TotalLength: uint16(len(b)), TTL: 64, Protocol: uint8(header.UDPProtocolNumber), SrcAddr: stackAddr(from.Addr()), DstAddr: stackAddr(to.Addr())})
	ip.SetChecksum(^ip.CalculateChecksum())
	header.UDP(b[header.IPv4MinimumSize:]).Encode(&header.UDPFields{SrcPort: from.Port(), DstPort: to.Port(), Length: uint16(header.UDPMinimumSize + len(payload))})
	return b
}
