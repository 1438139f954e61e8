package bind

import (
	"encoding/binary"
	"net"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"
)

// sockaddr is a struct sockaddr_in or sockaddr_in6, as the kernel has it.
type sockaddr [unix.SizeofSockaddrInet6]byte

// newSockaddr writes down an address and says how long that is.
func newSockaddr(to netip.AddrPort) (s sockaddr, size uint32) {
	binary.BigEndian.PutUint16(s[2:], to.Port())
	if to.Addr().Is4() {
		binary.NativeEndian.PutUint16(s[:], unix.AF_INET)
		a := to.Addr().As4()
		copy(s[4:], a[:])
		return s, unix.SizeofSockaddrInet4
	}
	binary.NativeEndian.PutUint16(s[:], unix.AF_INET6)
	a := to.Addr().As16()
	copy(s[8:], a[:])
	binary.NativeEndian.PutUint32(s[24:], scopeOf(to.Addr().Zone()))
	return s, unix.SizeofSockaddrInet6
}

// addrPort reads it. What is of no family of ours is invalid.
func (s *sockaddr) addrPort() netip.AddrPort {
	port := binary.BigEndian.Uint16(s[2:])
	switch binary.NativeEndian.Uint16(s[:]) {
	case unix.AF_INET:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(s[4:8])), port)
	case unix.AF_INET6:
		a := netip.AddrFrom16([16]byte(s[8:24])).Unmap()
		if scope := binary.NativeEndian.Uint32(s[24:]); scope != 0 {
			a = a.WithZone(strconv.FormatUint(uint64(scope), 10))
		}
		return netip.AddrPortFrom(a, port)
	}
	return netip.AddrPort{}
}

// scopeOf is the number of the interface that a zone names; 0: none, or one that is not
// there. What was received names it by its number, so that the way of a packet asks the
// kernel for no names: a neighbour with many link-local addresses would make it ask for
// each packet.
func scopeOf(zone string) uint32 {
	if zone == "" {
		return 0
	}
	if n, err := strconv.ParseUint(zone, 10, 32); err == nil {
		return uint32(n)
	}
	i, err := net.InterfaceByName(zone)
	if err != nil {
		return 0
	}
	return uint32(i.Index)
}
