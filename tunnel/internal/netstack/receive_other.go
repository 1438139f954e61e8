//go:build !linux

package netstack

import (
	"net"
	"syscall"
)

func receiver(c net.Conn) func(*datagram) error {
	return func(d *datagram) error { return receiveAny(c, d) }
}

func transmitter(c net.Conn) func([]byte) (int, error) { return c.Write }

func awaitReadable(syscall.Conn) error { return nil } // the read waits, with its buffer
