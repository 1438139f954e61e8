package imports

import (
	"fmt"
	"net/netip"
	"strings"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
)

// ConfOf writes an interface that runs as the wg-quick file that would make it.
func ConfOf(d wgtypes.Device, addresses []netip.Prefix) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "[Interface]\nPrivateKey = %s\nListenPort = %d\n", d.PrivateKey, d.ListenPort)
	for _, a := range addresses {
		fmt.Fprintf(&b, "Address = %v\n", a)
	}
	for _, p := range d.Peers {
		fmt.Fprintf(&b, "\n[Peer]\nPublicKey = %s\nPresharedKey = %s\n", p.PublicKey, p.PresharedKey)
		for _, n := range p.AllowedIPs {
			fmt.Fprintf(&b, "AllowedIPs = %s\n", n.String())
		}
	}
	return []byte(b.String())
}
