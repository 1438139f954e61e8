package peers

import (
	"net/netip"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/configs/secret"
)

// Device is what a Manager needs of the WireGuard device.
type Device interface {
	// SetPeers makes the given peers the only ones that may come in. It is
	// idempotent and may be called before the device is up. When it returns
	// nil, a peer that is not in the list is out, its open flows included.
	SetPeers([]DevicePeer) error
	// Observed returns what was seen of each peer. It must not wait.
	Observed() map[wgtypes.Key]Observed
}

// DevicePeer is what the device has to know of one peer.
type DevicePeer struct {
	PublicKey    wgtypes.Key
	PresharedKey secret.Key
	Addresses    []netip.Addr
	Access       Access
	// Keepalive is always zero today: the client keeps the path open, and a
	// server that does so as well only wakes sleeping phones.
	Keepalive time.Duration
}
