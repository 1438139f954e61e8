package netstack

import (
	"net"
	"net/netip"
	"syscall"
)

// kernelEcho asks by the kernel's unprivileged ping sockets (SOCK_DGRAM with
// IPPROTO_ICMP or IPPROTO_ICMPV6). The kernel puts its own identifier and
// checksum in.
type kernelEcho struct {
	net.PacketConn
	to netip.Addr
}

func pingWay(to netip.Addr) (echoWay, error) {
	c, err := openEcho(to.Is4())
	if err != nil {
		return nil, err
	}
	return &kernelEcho{c, to}, nil
}

func (e *kernelEcho) ask(request []byte) error {
	_, err := e.WriteTo(request, &net.UDPAddr{IP: e.to.AsSlice()})
	return err
}

func (e *kernelEcho) answer(buf []byte) ([]byte, error) {
	for {
		n, from, err := e.ReadFrom(buf)
		if err != nil {
			return nil, err
		}
		if u, ok := from.(*net.UDPAddr); ok && u.AddrPort().Addr().Unmap() == e.to && n >= echoHeader && buf[0] == replyType(e.to.Is4()) {
			return buf[:n], nil
		}
	}
}

func (e *kernelEcho) said() ([]verdict, [][]byte) { return heard(e), nil }

// SyscallConn implements syscall.Conn.
func (e *kernelEcho) SyscallConn() (syscall.RawConn, error) {
	c, ok := e.PacketConn.(syscall.Conn)
	if !ok {
		return nil, syscall.EOPNOTSUPP
	}
	return c.SyscallConn()
}
