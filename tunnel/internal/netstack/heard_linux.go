package netstack

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// listenForErrors makes a socket of the host keep what routers and hosts on the
// way say about its packets, until heard asks for it (ip(7), IP_RECVERR).
func listenForErrors(c syscall.Conn, v4 bool) error {
	if v4 {
		return setOption(c, unix.IPPROTO_IP, unix.IP_RECVERR, 1)
	}
	return setOption(c, unix.IPPROTO_IPV6, unix.IPV6_RECVERR, 1)
}

// setHops sets the TTL or hop limit of a socket's packets, 0 for the host's own.
func setHops(c syscall.Conn, v4 bool, hops int) error {
	if hops == 0 {
		hops = -1
	}
	if v4 {
		return setOption(c, unix.IPPROTO_IP, unix.IP_TTL, hops)
	}
	return setOption(c, unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, hops)
}

// allowFragments lets routers cut the packets of an IPv4 socket.
func allowFragments(c syscall.Conn) error {
	return setOption(c, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DONT)
}

// routeMTU is what fits into the way of a connected socket, as the host knows it.
func routeMTU(c syscall.Conn, v4 bool) (mtu int, err error) {
	level, name := unix.IPPROTO_IPV6, unix.IPV6_MTU
	if v4 {
		level, name = unix.IPPROTO_IP, unix.IP_MTU
	}
	cerr := control(c, func(fd int) { mtu, err = unix.GetsockoptInt(fd, level, name) })
	return mtu, errors.Join(cerr, err)
}

// control runs f with the socket's number. c is nil for what is no socket.
func control(c syscall.Conn, f func(fd int)) error {
	if c == nil {
		return errors.ErrUnsupported
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	return raw.Control(func(fd uintptr) { f(int(fd)) })
}

func setOption(c syscall.Conn, level, name, value int) (err error) {
	cerr := control(c, func(fd int) { err = unix.SetsockoptInt(fd, level, name, value) })
	return errors.Join(cerr, err)
}

// The parts of struct sock_extended_err (linux/errqueue.h), and what follows it.
const (
	extendedErr  = 16
	originLocal  = 1 // SO_EE_ORIGIN_LOCAL
	originICMP   = 2
	originICMP6  = 3
	mostVerdicts = 64 // at one go: a socket keeps no more than its buffer holds
)

// heard takes what listenForErrors has kept.
func heard(c syscall.Conn) []verdict {
	var list []verdict
	// A socket that is closed has nothing to say.
	_ = control(c, func(fd int) {
		data, control := make([]byte, quotedEcho), make([]byte, 256)
		for range mostVerdicts {
			n, cn, _, _, err := unix.Recvmsg(fd, data, control, unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
			if err != nil {
				return
			}
			messages, err := unix.ParseSocketControlMessage(control[:cn])
			if err != nil {
				continue
			}
			for _, m := range messages {
				if v, ok := verdictOf(m.Data); ok {
					v.data = append([]byte(nil), data[:n]...)
					list = append(list, v)
				}
			}
		}
	})
	return list
}

// verdictOf reads a struct sock_extended_err with the address of who reported.
func verdictOf(b []byte) (v verdict, ok bool) {
	if len(b) < extendedErr {
		return v, false
	}
	errno, info := syscall.Errno(binary.NativeEndian.Uint32(b)), binary.NativeEndian.Uint32(b[8:])
	v.mtu = int(info)
	switch origin := b[4]; {
	case origin == originLocal && errno == syscall.EMSGSIZE:
		v.outcome = tooBig
		return v, true
	case origin != originICMP && origin != originICMP6:
		return v, false
	}
	v.outcome, v.kind, v.code = reported, b[5], b[6]
	if from := b[extendedErr:]; len(from) >= 8 && binary.NativeEndian.Uint16(from) == unix.AF_INET {
		v.from = netip.AddrFrom4([4]byte(from[4:8]))
	} else if len(from) >= 24 && binary.NativeEndian.Uint16(from) == unix.AF_INET6 {
		v.from = netip.AddrFrom16([16]byte(from[8:24])).Unmap()
	}
	return v, true
}

// hearsErrors says that heard tells all that happens to a socket's packets.
const hearsErrors = true
