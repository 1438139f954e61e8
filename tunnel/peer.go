package tunnel

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
)

// maxKeepalive is what the protocol's text holds: 16 bits of seconds.
const maxKeepalive = 65535 * time.Second

// checkPeers refuses what the device would refuse halfway through, and what
// would let one peer have another's packets, or ours. own is our public key. It
// copies the list.
func (c *Config) checkPeers(list []Peer, own wgtypes.Key) (map[wgtypes.Key]Peer, error) {
	n := 0
	for _, p := range list {
		n += len(p.Addresses)
	}
	all := make([]netip.Addr, 0, n) // one piece of memory, not a thousand
	peers := make(map[wgtypes.Key]Peer, len(list))
	for i, p := range list {
		if err := c.checkPeer(&p, own); err != nil {
			return nil, fmt.Errorf("peer %v: %w", p.PublicKey, err)
		}
		from := len(all)
		all = append(all, p.Addresses...)
		p.Addresses = all[from:len(all):len(all)]
		p.Access = nil // the filter's business; it has a copy of its own
		if peers[p.PublicKey] = p; len(peers) == i {
			return nil, fmt.Errorf("public key %v occurs twice", p.PublicKey)
		}
	}
	return peers, nil
}

func (c *Config) checkPeer(p *Peer, own wgtypes.Key) error {
	switch {
	case p.PublicKey == wgtypes.Key{}:
		return errors.New("there is no public key")
	case p.PublicKey == own:
		return errors.New("the public key is our own")
	case p.Keepalive < 0 || p.Keepalive > maxKeepalive:
		return fmt.Errorf("keepalive %v is not between 0 and %v", p.Keepalive, maxKeepalive)
	}
	for _, a := range p.Addresses {
		in := slices.IndexFunc(c.Addresses, func(own netip.Prefix) bool { return own.Contains(a) })
		if in < 0 {
			return fmt.Errorf("address %v is not in the tunnel's networks %v", a, c.Addresses)
		}
		if c.Addresses[in].Addr() == a {
			return fmt.Errorf("address %v is our own", a)
		}
	}
	return nil
}
