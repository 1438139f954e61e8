package netstack

import (
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"homeward/tunnel/internal/rawcall"
)

// transmitter returns what sends a datagram to the host's connected socket. One
// goroutine may call it.
func transmitter(c net.Conn) func([]byte) (int, error) {
	socket, ok := c.(syscall.Conn)
	if !ok {
		return c.Write
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return func([]byte) (int, error) { return 0, err }
	}
	// Made once, not for each datagram.
	var from []byte
	var n int
	var errno syscall.Errno
	write := func(fd uintptr) bool {
		n, errno = rawcall.Write(fd, from, true)
		return errno != unix.EAGAIN
	}
	return func(b []byte) (int, error) {
		from = b
		defer func() { from = nil }()
		if err := raw.Write(write); err != nil {
			return 0, err
		}
		if errno != 0 {
			return 0, os.NewSyscallError("write", errno)
		}
		return n, nil
	}
}
