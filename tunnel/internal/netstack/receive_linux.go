package netstack

import (
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
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
	var rerr error
	read := func(fd uintptr) bool {
		into.buf = datagrams.Get().(*[]byte)
		for {
			into.size, rerr = unix.Read(int(fd), *into.buf)
			if rerr != unix.EINTR {
				break
			}
		}
		if rerr != nil {
			into.free()
		}
		return rerr != unix.EAGAIN
	}
	return func(d *datagram) error {
		into = d
		if err := raw.Read(read); err != nil {
			return err
		}
		if rerr != nil {
			return os.NewSyscallError("read", rerr)
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
