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
// would let one peer have another's packets, or ours. It copies the list.
func (c *Config) checkPeers(list []Peer) (map[wgtypes.Key]Peer, error) {
	peers := make(map[wgtypes.Key]Peer, len(list))
	own := c.PrivateKey.Public() // which costs a thousand times what the rest does
	for _, p := range list {
		if err := c.checkPeer(&p, own); err != nil {
			return nil, fmt.Errorf("peer %v: %w", p.PublicKey, err)
		}
		if _, twice := peers[p.PublicKey]; twice {
			return nil, fmt.Errorf("public key %v occurs twice", p.PublicKey)
		}
		p.Addresses = slices.Clone(p.Addresses)
		p.Access = nil // the filter's business; it has a copy of its own
		peers[p.PublicKey] = p
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
