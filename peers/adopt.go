package peers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/configs/secret"
)

// Adopted is a peer that comes from another server, with the config that it has.
type Adopted struct {
	Name         Name
	PublicKey    wgtypes.Key
	PresharedKey secret.Key // zero: the config has none
	Addresses    []netip.Addr
	Access       Access // empty means AccessEverything
	Enabled      bool
	Expires      time.Time // zero: never
	Created      time.Time
}

// peer is the record that a gets. What its config says is not known.
func (a Adopted) peer(now time.Time) (Peer, error) {
	n := NewPeer{Name: string(a.Name), Access: a.Access}
	p, err := n.peer(now)
	if err != nil {
		return Peer{}, err
	}
	if err := CheckPublicKey(a.PublicKey, wgtypes.Key{}); err != nil {
		return Peer{}, err
	}
	if len(a.Addresses) == 0 {
		return Peer{}, errors.New("it has no address")
	}
	p.PublicKey, p.PresharedKey, p.Addresses = a.PublicKey, a.PresharedKey, a.Addresses
	p.Enabled, p.Created = a.Enabled, toSecond(a.Created)
	if !a.Expires.IsZero() {
		p.Expires = toSecond(a.Expires)
	}
	return p, nil
}

// Adopt stores peers from another server in a transaction of the caller's. It is for
// a database without peers, before a Manager uses it.
func Adopt(ctx context.Context, tx *sql.Tx, list []Adopted, now time.Time) error {
	for _, a := range list {
		p, err := a.peer(now)
		if err == nil {
			err = adoptIn(ctx, tx, p)
		}
		if err != nil {
			return fmt.Errorf("device %q: %w", a.Name, err)
		}
	}
	return nil
}
