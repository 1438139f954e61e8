package netstack

import (
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"homeward/tunnel/internal/rawcall"
)

// receiver returns what waits for a datagram of the host's. One goroutine may
// call it.
func receiver(c net.Conn) func(*datagram) error {
	socket, ok := c.(syscall.Conn)
	if !ok {
		return func(d *datagram) error { return receiveAny(c, d) }
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return func(*datagram) error { return err }
	}
	// Made once, not for each datagram.
	var into *datagram
	var errno syscall.Errno
	read := func(fd uintptr) bool {
		into.buf = datagrams.Get().(*[]byte)
		if into.size, errno = rawcall.Read(fd, *into.buf, true); errno != 0 {
			into.free()
		}
		return errno != unix.EAGAIN
	}
	return func(d *datagram) error {
		into = d
		if err := raw.Read(read); err != nil {
			return err
		}
		if errno != 0 {
			return os.NewSyscallError("read", errno)
		}
		return nil
	}
}

// awaitReadable waits until a socket has something, an error included. A socket
// that tells an error so has told it.
func awaitReadable(c syscall.Conn) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var rerr error
	err = raw.Read(func(fd uintptr) bool {
		for {
			_, _, rerr = unix.Recvfrom(int(fd), nil, unix.MSG_PEEK|unix.MSG_DONTWAIT)
			if rerr != unix.EINTR {
				return rerr != unix.EAGAIN
			}
		}
	})
	if err != nil {
		return err
	}
	if rerr != nil {
		return os.NewSyscallError("recvfrom", rerr)
	}
	return nil
}
