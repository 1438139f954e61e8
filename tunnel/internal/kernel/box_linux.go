package kernel

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/google/nftables"
)

// OpenBox makes these peers the only ones that get through to the box itself.
func (p *Plane) OpenBox(peers []netip.Addr) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return net.ErrClosed
	}
	if len(p.rules.users) == 0 {
		return errors.New("opening the box to peers: there is no filter in front that says to which of its services")
	}
	if slices.Equal(peers, p.boxUsers) {
		return nil
	}
	// A short exchange with the kernel under the lock, so that table and list
	// say the same.
	conn, err := nftables.New()
	if err != nil {
		return fmt.Errorf("opening the box to peers: %w", err)
	}
	for _, s := range p.rules.users {
		conn.FlushSet(s)
	}
	for _, a := range peers {
		s := p.rules.users[a.Is4()]
		if s == nil {
			continue // a family that this host does not have
		}
		if err := conn.SetAddElements(s, []nftables.SetElement{{Key: a.AsSlice()}}); err != nil {
			return fmt.Errorf("opening the box to %v: %w", a, err)
		}
	}
	if err := conn.Flush(); err != nil {
		return fmt.Errorf("opening the box to peers: %w", err)
	}
	for is4, s := range p.rules.users {
		p.rules.keep(s, func([]nftables.SetElement) []nftables.SetElement {
			var all []nftables.SetElement
			for _, a := range peers {
				if a.Is4() == is4 {
					all = append(all, nftables.SetElement{Key: a.AsSlice()})
				}
			}
			return all
		})
	}
	p.boxUsers = slices.Clone(peers)
	return nil
}
