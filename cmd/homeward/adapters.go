package main

import (
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/peers"
	"homeward/tunnel"
)

// device shows the tunnel to the peers: neither room knows the other.
type device struct{ tunnel *tunnel.Tunnel }

// SetPeers implements peers.Device.
func (d device) SetPeers(wanted []peers.DevicePeer) error {
	list := make([]tunnel.Peer, len(wanted))
	for i, p := range wanted {
		access := accessOf(p.Access)
		list[i] = tunnel.Peer{PublicKey: p.PublicKey, PresharedKey: p.PresharedKey, Addresses: p.Addresses, Keepalive: p.Keepalive, Access: &access}
	}
	return d.tunnel.SetPeers(list)
}

// accessOf is what the packet filter understands. What it does not know is nothing.
func accessOf(a peers.Access) tunnel.Access {
	switch a {
	case peers.AccessEverything:
		return tunnel.Everything()
	case peers.AccessHome:
		return tunnel.HomeOnly()
	case peers.AccessInternet:
		return tunnel.InternetOnly()
	}
	return tunnel.Access{}
}

// Observed implements peers.Device.
func (d device) Observed() map[wgtypes.Key]peers.Observed {
	seen := map[wgtypes.Key]peers.Observed{}
	for _, p := range d.tunnel.Peers() {
		seen[p.PublicKey] = peers.Observed{Endpoint: p.Endpoint, LastHandshake: p.LastHandshake, ReceivedBytes: p.ReceivedBytes, SentBytes: p.SentBytes}
	}
	return seen
}
