package peers

import (
	"context"
	"errors"
	"fmt"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/configs/secret"
)

// keptCode is the keys of the code that a peer got last, as they are stored. It is
// never changed.
type keptCode struct {
	key    wgtypes.Key // the public one
	sealed []byte
}

// keptPurpose binds what is sealed to the public key, so that nobody who writes to the
// database can put one peer's keys in another's place.
func keptPurpose(key wgtypes.Key) string { return "kept code of " + key.String() }

// keeps says whether the operator wants codes to be kept.
func (m *Manager) keeps() bool { return m.cfg.KeepCodes != nil && m.cfg.KeepCodes() }

// sealLocked returns the keys of a code as they may be stored; nil where they are not
// to be, or where the device has its private key to itself.
func (m *Manager) sealLocked(key wgtypes.Key, private, preshared secret.Key) (*keptCode, error) {
	if !m.keeps() || private.IsZero() {
		return nil, nil
	}
	box, err := m.cfg.Box()
	if err != nil {
		return nil, fmt.Errorf("sealing the code, which the settings want to be kept: %w", err)
	}
	m.keptThere = true
	one, two := private.Reveal(), preshared.Reveal()
	return &keptCode{key, box.Seal(keptPurpose(key), append(one[:], two[:]...))}, nil
}

// isKept says whether the code that p got last is kept.
func (m *Manager) isKept(p Peer) bool {
	key := p.PublicKey
	if p.Renewing() {
		key = p.Next.PublicKey
	}
	return p.kept != nil && p.kept.key == key && m.keeps()
}

// unsealed is the code that p got last, if it is kept: as it was handed out. It refuses
// with ErrForgotten, or with ErrOutdated where the code would be of no use.
func (m *Manager) unsealed(p Peer) (Issued, error) {
	said, preshared := p.said, p.PresharedKey
	if p.Renewing() {
		said, preshared = p.nextSaid, p.Next.PresharedKey
	}
	if !m.isKept(p) || said == nil {
		return Issued{}, fmt.Errorf("device %q: %w", p.Name, ErrForgotten)
	}
	facts := m.cfg.Facts()
	if len(said.outdated(p, facts)) > 0 {
		return Issued{}, fmt.Errorf("device %q: %w", p.Name, ErrOutdated)
	}
	private, err := m.unseal(p.kept, preshared)
	var client ClientConfig
	if err == nil {
		client, err = said.client(p, private, preshared, facts)
	}
	if err != nil {
		m.cfg.Logger.Warn("the kept code of a device cannot be read", "peer", p.ID, "name", string(p.Name), "err", err)
		return Issued{}, fmt.Errorf("device %q: %w", p.Name, ErrForgotten)
	}
	return Issued{Peer: p, Client: client, Kept: true}, nil
}

// unseal gives back the private key, if it is the one that belongs there.
func (m *Manager) unseal(k *keptCode, preshared secret.Key) (secret.Key, error) {
	box, err := m.cfg.Box()
	if err != nil {
		return secret.Key{}, err
	}
	b, err := box.Open(keptPurpose(k.key), k.sealed)
	if err != nil {
		return secret.Key{}, err
	}
	if len(b) != 2*wgtypes.KeyLen {
		return secret.Key{}, errors.New("it has a wrong length")
	}
	private := secret.NewKey(wgtypes.Key(b[:wgtypes.KeyLen]))
	if private.Public() != k.key || wgtypes.Key(b[wgtypes.KeyLen:]) != preshared.Reveal() {
		return secret.Key{}, errors.New("it has other keys than the device")
	}
	return private, nil
}

// client is the config that said f, with p's name as it is now.
func (f *fingerprint) client(p Peer, private, preshared secret.Key, facts Facts) (ClientConfig, error) {
	server, err := wgtypes.ParseKey(f.ServerKey)
	if err != nil {
		return ClientConfig{}, err
	}
	endpoint := Endpoint{Host: f.Host, Port: f.Port}
	if now := facts.Endpoint; now != nil && now.Host == f.Host && now.Port == f.Port {
		endpoint = *now // which has the warnings
	}
	c := ClientConfig{
		ID: p.ID, Name: p.Name, PrivateKey: private, Addresses: f.Addresses, DNS: f.DNS, MTU: f.MTU, ServerKey: server, PresharedKey: preshared,
		AllowedIPs: f.Allowed, Endpoint: endpoint, Keepalive: f.Keepalive, profile: f.Profile, home: allowedIPs(ProfileHome, facts),
	}.clone()
	return c, c.check()
}

// ForgetKept erases all codes that are kept, unless they are to be, also from what was put
// aside. What could not be
// erased is tried again by Run.
func (m *Manager) ForgetKept(ctx context.Context) error {
	m.write.Lock()
	defer m.write.Unlock()
	if m.keeps() || !m.keptThere {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	known, err := m.store.hasKept(ctx)
	var aside error
	if err == nil && m.cfg.EraseAside != nil {
		aside = m.cfg.EraseAside(ctx, known) // before the database: what is there says that it has to be done
	}
	var n int64
	if err == nil {
		n, err = m.store.eraseKept(ctx)
	}
	if err != nil {
		return fmt.Errorf("erasing the codes that were kept: %w", errors.Join(err, aside))
	}
	m.keptThere = aside != nil
	if n == 0 {
		return aside
	}
	for _, p := range m.roster.byID {
		if p.kept != nil {
			p := *p
			p.kept = nil
			m.roster = m.roster.with(p)
		}
	}
	m.cfg.Logger.Info("the codes that were kept are erased", "codes", n)
	m.publishLocked()
	return aside
}

// cleanAfterLocked empties the write-ahead log where p had a kept code, which is gone.
func (m *Manager) cleanAfterLocked(ctx context.Context, p Peer) {
	if p.kept == nil {
		return
	}
	if err := m.store.clean(context.WithoutCancel(ctx)); err != nil { // the next checkpoint does it
		m.cfg.Logger.Warn("the database's log still has a code that was erased", "peer", p.ID, "err", err)
	}
}
