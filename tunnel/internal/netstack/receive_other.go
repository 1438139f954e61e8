//go:build !linux

package netstack

import (
	"net"
	"syscall"
)

func receiver(c net.Conn) func(*datagram) error {
	return func(d *datagram) error { return receiveAny(c, d) }
}

func awaitReadable(syscall.Conn) error { return nil } // the read waits, with its buffer
