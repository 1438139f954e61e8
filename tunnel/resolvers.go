package tunnel

import (
	"net/netip"

	"homeward/tunnel/internal/dnsproxy"
)

// SystemResolvers returns the host's DNS servers, as /etc/resolv.conf has them at
// each call.
func SystemResolvers() func() []netip.AddrPort { return dnsproxy.System() }
