// Package plane says what a data plane is: the side of the WireGuard device on
// which decrypted packets arrive and from which packets to the peers come.
//
// There are two: kernel (a TUN device, the kernel's forwarding and an nftables
// table of our own) and netstack (gVisor ends the inner flows, ordinary sockets
// of the host continue them). Both pass the conformance suite in planetest, and
// nothing above this package knows which one runs.
package plane

import (
	"log/slog"
	"net"
	"net/netip"

	"golang.zx2c4.com/wireguard/tun"
)

// Config is what both planes need to open.
type Config struct {
	// Name of the network interface, at most 15 bytes; only the kernel plane has one.
	Name string
	// Addresses are our own inside the tunnel, at most one of each family, each
	// with the length of the tunnel's prefix: 10.6.0.1/24, fd00:6::1/64.
	Addresses []netip.Prefix
	// MTU of the inner packets, in bytes.
	MTU int
	// ListenPort is the UDP port of the WireGuard device. The kernel plane keeps
	// it out of the range of masqueraded source ports; see PortKeeper.
	ListenPort uint16
	// StateDir is an existing folder in which the kernel plane notes what it
	// changed in the host, so that a crashed run can be undone.
	StateDir string
	// Guarded says that a filter in front decides which peers may reach each
	// other. Without one, none may.
	Guarded bool
	// Memory is how many bytes the process may use; the rootless plane fits its
	// bounds to it. Zero means 256 MiB.
	Memory int64
	Logger *slog.Logger
}

// Plane is one open data plane.
//
// What peers may reach is the same on both: the LAN and the internet, and on
// our own tunnel addresses only what ListenPacket and Listen opened, and ICMP
// echo. Other peers only behind a filter; never the host's other services by any of its
// addresses, never loopback, link-local, multicast or metadata addresses.
type Plane interface {
	// Device is what wireguard-go reads from and writes to. Closing it is left
	// to wireguard-go; Close follows afterwards.
	Device() tun.Device
	// ListenPacket opens a UDP port on one of our own tunnel addresses to the peers.
	ListenPacket(addr netip.AddrPort) (net.PacketConn, error)
	// Listen opens a TCP port on one of our own tunnel addresses to the peers.
	Listen(addr netip.AddrPort) (net.Listener, error)
	// Close ends all flows and undoes everything that opening changed in the
	// host. It may be called again.
	Close() error
}
