package netstack

import (
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// openEcho opens a socket of the kernel's for echo that needs no rights: its
// identifier and checksum are the kernel's, and replies to others don't reach it.
func openEcho(v4 bool) (net.PacketConn, error) {
	family, proto := unix.AF_INET6, unix.IPPROTO_ICMPV6
	if v4 {
		family, proto = unix.AF_INET, unix.IPPROTO_ICMP
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, proto)
	if err != nil {
		return nil, fmt.Errorf("opening a ping socket: %w", err)
	}
	file := os.NewFile(uintptr(fd), "ping")
	defer file.Close() // the connection has a copy
	c, err := net.FilePacketConn(file)
	if err != nil {
		return nil, fmt.Errorf("opening a ping socket: %w", err)
	}
	u, ok := c.(*net.UDPConn)
	if !ok {
		c.Close()
		return nil, fmt.Errorf("opening a ping socket: it is a %T", c)
	}
	return u, nil
}
