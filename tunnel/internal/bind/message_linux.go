package bind

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"
)

// controlSize is room for a pktinfo of either family and a segment size.
const controlSize = 64

// appendControl appends a control message (RFC 3542, section 20) as this
// system's kernel has it.
func appendControl(b []byte, level, kind uint32, data ...byte) []byte {
	end := len(b) + unix.CmsgSpace(len(data))
	if unix.SizeofCmsghdr == 16 {
		b = binary.NativeEndian.AppendUint64(b, uint64(unix.CmsgLen(len(data))))
	} else {
		b = binary.NativeEndian.AppendUint32(b, uint32(unix.CmsgLen(len(data))))
	}
	b = binary.NativeEndian.AppendUint32(b, level)
	b = binary.NativeEndian.AppendUint32(b, kind)
	b = append(b, data...)
	return append(b, make([]byte, end-len(b))...)
}

// sourceControl makes a message leave from an address of ours. An interface is
// named for link-local ones only: elsewhere the way back may be another.
func sourceControl(src netip.Addr, ifindex uint32) []byte {
	switch {
	case src.Is4():
		var info [unix.SizeofInet4Pktinfo]byte
		a := src.As4()
		copy(info[4:], a[:]) // ipi_spec_dst
		return appendControl(nil, unix.IPPROTO_IP, unix.IP_PKTINFO, info[:]...)
	case src.Is6():
		var info [unix.SizeofInet6Pktinfo]byte
		a := src.As16()
		copy(info[:], a[:]) // ipi6_addr
		if src.IsLinkLocalUnicast() {
			binary.NativeEndian.PutUint32(info[16:], ifindex)
		}
		return appendControl(nil, unix.IPPROTO_IPV6, unix.IPV6_PKTINFO, info[:]...)
	}
	return nil
}

// parseControl reads which of our addresses was called, by which interface, and
// the size of the joined datagrams, or 0.
func parseControl(b []byte) (src netip.Addr, ifindex uint32, size int) {
	for len(b) > unix.SizeofCmsghdr {
		h, data, rest, err := unix.ParseOneSocketControlMessage(b)
		if err != nil {
			return src, ifindex, size
		}
		switch {
		case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO && len(data) >= unix.SizeofInet4Pktinfo:
			src = netip.AddrFrom4([4]byte(data[4:8]))
		case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo:
			src, ifindex = netip.AddrFrom16([16]byte(data[:16])), binary.NativeEndian.Uint32(data[16:])
		case h.Level == unix.SOL_UDP && h.Type == unix.UDP_GRO && len(data) >= 2:
			size = int(binary.NativeEndian.Uint16(data))
		}
		b = rest
	}
	return src, ifindex, size
}
