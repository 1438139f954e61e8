package peers

import (
	"net/netip"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
)

// Facts is what configs are made of and what this package cannot know itself.
type Facts struct {
	PublicKey wgtypes.Key    // the server's
	Endpoint  *Endpoint      // nil: not known yet, so that no config can be made
	DNS       []netip.Addr   // resolvers for the clients
	MTU       int            // for the clients; zero leaves it to their app
	Tunnel    []netip.Prefix // our own addresses with the length of the tunnel's prefix: 10.6.0.1/24
	LAN       []netip.Prefix // what is at home; may be empty
}
