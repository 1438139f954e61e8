package peers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/configs/secret"
)

// hasOwnKey says that whoever has p's latest code keeps its private key to itself.
func (p Peer) hasOwnKey() bool {
	return p.said != nil && p.said.OwnKey && (!p.Renewing() || p.nextSaid != nil && p.nextSaid.OwnKey)
}

// renewEvery is how often the device is asked whether a new code was used.
const renewEvery = time.Second

// Rotate hands out a new code for a peer: another key pair and preshared key, the
// same name, address and rights. The old code works until the first handshake
// with the new one, and then never again; a code of an earlier Rotate that was not
// used yet is worth nothing any more. A peer that keeps its own private key gets
// its config anew instead, with the keys that it has. It refuses with ErrNotFound
// or ErrNoEndpoint, and then nothing is stored.
//
// WireGuard gives an inner address to one key only: until its first handshake the
// new key has none, and Run moves the address over.
func (m *Manager) Rotate(ctx context.Context, id ID) (Issued, error) {
	return m.rotate(ctx, id, nil, secretHash{})
}

// RotateTo is Rotate to a public key that the device brings. It refuses with a
// FieldError as well.
func (m *Manager) RotateTo(ctx context.Context, id ID, key wgtypes.Key) (Issued, error) {
	if err := CheckPublicKey(key, m.cfg.Facts().PublicKey); err != nil {
		return Issued{}, err
	}
	return m.rotate(ctx, id, &key, secretHash{})
}

// rotate uses the invite up with the same stroke, if there is one.
func (m *Manager) rotate(ctx context.Context, id ID, brought *wgtypes.Key, invite secretHash) (Issued, error) {
	if m.cfg.Facts().Endpoint == nil { // before keys are made
		return Issued{}, ErrNoEndpoint
	}
	public, private, preshared, err := newKeys(brought)
	if err != nil {
		return Issued{}, err
	}
	m.write.Lock()
	defer m.write.Unlock()
	p, err := m.findLocked(ctx, id)
	if err != nil {
		return Issued{}, err
	}
	facts := m.cfg.Facts() // not before: the tunnel may have been renumbered meanwhile
	if facts.Endpoint == nil {
		return Issued{}, ErrNoEndpoint
	}
	again := brought == nil && invite == (secretHash{}) && p.hasOwnKey() // nothing to make: only what the config says may have changed
	holder := p
	if again {
		private = secret.Key{}
	} else {
		holder.PublicKey, holder.PresharedKey = public, preshared
	}
	client := newClientConfig(holder, private, *facts.Endpoint, facts)
	if err := client.check(); err != nil {
		return Issued{}, fmt.Errorf("making the config of device %q: %w", p.Name, err)
	}
	now := m.cfg.Now()
	if again {
		p.said = fingerprintOf(client)
		err = m.store.reissue(context.WithoutCancel(ctx), p, now)
	} else {
		unused, before := p.Next.PublicKey, p
		if p.kept, err = m.sealLocked(public, private, preshared); err != nil {
			return Issued{}, err
		}
		p.Next, p.nextSaid = NextKey{public, preshared}, fingerprintOf(client)
		if err = m.store.setNext(context.WithoutCancel(ctx), p, invite, now); err == nil {
			m.former.add(p, now, unused)
			m.cleanAfterLocked(ctx, before)
		}
	}
	if errors.Is(err, ErrKeyTaken) {
		return Issued{}, keyTakenError()
	}
	if errors.Is(err, ErrInvite) {
		return Issued{}, err
	}
	if err != nil {
		return Issued{}, fmt.Errorf("storing the new code of device %d: %w", id, m.failedLocked(ctx, err))
	}
	p.Version++
	m.roster = m.roster.with(p)
	until := now.Add(m.cfg.HandOver)
	m.handed.keep(id, client, until)
	m.cfg.Logger.Info("new code for a device", "peer", id, "name", string(p.Name))
	_ = m.pushLocked() // when refused, the peer shows as Pending
	m.kickRun()        // which waits for the first handshake, and has a key to forget
	p, err = m.Get(id)
	return Issued{Peer: p, Client: client.clone(), Until: until, Kept: p.kept != nil}, err
}

// renewing reports whether a new code waits for its first use.
func (m *Manager) renewing() bool {
	return slices.ContainsFunc(m.latest.Load().byID, func(p *Peer) bool { return p.Renewing() })
}

// moveOver gives the peers whose new code was used to their new keys.
func (m *Manager) moveOver(ctx context.Context) error {
	observed := m.cfg.Device.Observed()
	m.write.Lock()
	defer m.write.Unlock()
	for _, p := range m.roster.byID {
		p := *p
		if !p.Renewing() || observed[p.Next.PublicKey].LastHandshake.IsZero() {
			continue
		}
		m.settled = false // settle, which follows, tells the device
		if err := m.store.promote(context.WithoutCancel(ctx), p); err != nil {
			return m.reloadLocked(ctx, err)
		}
		m.former.add(p, m.cfg.Now(), p.PublicKey)
		p.PublicKey, p.PresharedKey, p.Next, p.Version = p.Next.PublicKey, p.Next.PresharedKey, NextKey{}, p.Version+1
		p.said, p.nextSaid = p.nextSaid, nil
		m.roster = m.roster.with(p)
		m.cfg.Logger.Info("the new code of a device is in use, the old one has ended", "peer", p.ID, "name", string(p.Name))
	}
	return nil
}
