package main

import (
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/peers"
	"homeward/tunnel"
)

// device shows the tunnel to the peers: neither room knows the other.
type device struct {
	tunnel *tunnel.Tunnel
	admin  uint16 // the admin page's TCP port
	times  *sightings
}

// SetPeers implements peers.Device.
func (d device) SetPeers(wanted []peers.DevicePeer) error {
	list := make([]tunnel.Peer, len(wanted))
	same := map[peers.Access]*tunnel.Access{} // most have what others have
	for i, p := range wanted {
		access := same[p.Access]
		if access == nil {
			made := accessOf(p.Access, d.admin)
			access, same[p.Access] = &made, &made
		}
		list[i] = tunnel.Peer{PublicKey: p.PublicKey, PresharedKey: p.PresharedKey, Addresses: p.Addresses, Keepalive: p.Keepalive, Access: access}
	}
	return d.tunnel.SetPeers(list)
}

// Observed implements peers.Device.
func (d device) Observed() map[wgtypes.Key]peers.Observed {
	seen := map[wgtypes.Key]peers.Observed{}
	for _, p := range d.tunnel.Peers() {
		seen[p.PublicKey] = peers.Observed{Endpoint: p.Endpoint, LastHandshake: p.LastHandshake, ReceivedBytes: p.ReceivedBytes, SentBytes: p.SentBytes}
	}
	d.times.correct(seen)
	return seen
}
