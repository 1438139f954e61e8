//go:build !linux

package netstack

import (
	"net"

	"golang.org/x/net/icmp"
)

// openEcho opens a socket for echo that needs no rights, where there are any.
func openEcho(v4 bool) (net.PacketConn, error) {
	if v4 {
		return icmp.ListenPacket("udp4", "0.0.0.0")
	}
	return icmp.ListenPacket("udp6", "::")
}
