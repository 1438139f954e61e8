// Package tunnel is about packets: the WireGuard device, the data plane behind
// it, the names that peers look up inside the tunnel, and what was observed.
//
//	UDP socket ─ bind ─ wireguard-go ─ filter ─ plane ─ LAN and internet
//	                        │            │        └─ our own addresses: DNS, echo
//	                     SetPeers ───────┘
//
// The filter decides for each peer what it may reach (Access), the same way for
// both planes; the planes refuse what no peer may reach a second time.
// The bind survives errors of the socket and counts what knocks. The plane is the kernel's (a TUN
// device) or rootless (gVisor and ordinary sockets); both let peers reach the
// same. The package knows public keys and addresses, never whose they are; it
// knows neither HTTP nor the router.
package tunnel
