package peers

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// maxIdleDays is ten years: whoever wants more wants never.
const maxIdleDays = 3650

// Change is what Edit does to a peer. A nil field stays as it is.
type Change struct {
	Name      *string
	Kind      *Kind
	Note      *string
	Profile   *Profile
	Access    *Access
	DNS       *bool
	Routes    *Routes
	Resolvers *Resolvers
	Keepalive *time.Duration // whole seconds up to 65535; zero leaves it out of the config
	Enabled   *bool
	Expires   *time.Time // zero means never; to the second, else in the future
	IdleDays  *int       // 0 means never, up to 3650
}

// Edit changes a peer as a whole or not at all, and returns it as it is then.
// version is the Version of the peer that the person looked at: when it has
// been changed since, nothing happens and the error is ErrConflict. Version
// zero changes whatever is there.
//
// It refuses with a FieldError, ErrNotFound or ErrConflict. The change is on
// the disk when Edit returns without an error or with ErrNotApplied; the latter
// means that the device has not taken it yet, and that Run keeps trying. What a
// peer may not reach any more is cut at once, open flows included.
func (m *Manager) Edit(ctx context.Context, id ID, version int64, c Change) (Peer, error) {
	now := m.cfg.Now()
	m.write.Lock()
	defer m.write.Unlock()
	old, err := m.findLocked(ctx, id)
	if err != nil {
		return Peer{}, err
	}
	if version != 0 && version != old.Version {
		return Peer{}, fmt.Errorf("device %q: %w", old.Name, ErrConflict)
	}
	p, err := c.applyTo(old, now)
	if err != nil {
		return Peer{}, err
	}
	changed := p.settings() != old.settings()
	if changed {
		if err := m.storeEditLocked(ctx, p); err != nil {
			return Peer{}, err
		}
		m.logEdit(old, p)
	}
	var refused error
	if changed || !m.settled {
		refused = m.pushOrRetryLocked()
	}
	mustTell := c.Access != nil || !p.wanted(now) // else it waits for coming in, which its state tells
	if p, err = m.Get(id); refused != nil && mustTell {
		err = fmt.Errorf("changing device %q: %w: %w", p.Name, ErrNotApplied, refused)
	}
	return p, err
}

// storeEditLocked makes p the next version of what is stored.
func (m *Manager) storeEditLocked(ctx context.Context, p Peer) error {
	err := m.store.update(context.WithoutCancel(ctx), p)
	switch {
	case errors.Is(err, ErrNameTaken):
		return nameTaken(p.Name)
	case errors.Is(err, ErrConflict):
		return fmt.Errorf("device %q: %w", p.Name, m.failedLocked(ctx, err))
	case err != nil:
		return fmt.Errorf("changing device %d: %w", p.ID, m.failedLocked(ctx, err))
	}
	p.Version++
	m.roster = m.roster.with(p)
	return nil
}

// SetEnabled lets a peer in or keeps it out, like Edit.
func (m *Manager) SetEnabled(ctx context.Context, id ID, enabled bool) (Peer, error) {
	return m.Edit(ctx, id, 0, Change{Enabled: &enabled})
}

// SetAccess changes what a peer may reach, like Edit.
func (m *Manager) SetAccess(ctx context.Context, id ID, access Access) (Peer, error) {
	return m.Edit(ctx, id, 0, Change{Access: &access})
}

// applyTo returns p with the changes, each of them checked.
func (c Change) applyTo(p Peer, now time.Time) (Peer, error) {
	var err error
	check := func(set bool, f func() error) {
		if set && err == nil {
			err = f()
		}
	}
	check(c.Name != nil, func() (err error) {
		p.Name, err = ParseName(*c.Name)
		p.folded = p.Name.Folded()
		return err
	})
	check(c.Kind != nil, func() (err error) { p.Kind, err = ParseKind(string(*c.Kind)); return err })
	check(c.Note != nil, func() (err error) { p.Note, err = parseNote(*c.Note); return err })
	check(c.Profile != nil, func() (err error) { p.Profile, err = ParseProfile(string(*c.Profile)); return err })
	check(c.Access != nil, func() (err error) { p.Access, err = ParseAccess(string(*c.Access)); return err })
	check(c.DNS != nil, func() error { p.DNS = *c.DNS; return nil })
	check(c.Routes != nil, func() (err error) { p.Routes, err = ParseRoutes(string(*c.Routes)); return err })
	check(c.Resolvers != nil, func() (err error) { p.Resolvers, err = ParseResolvers(string(*c.Resolvers)); return err })
	check(c.Keepalive != nil, func() error { p.Keepalive = *c.Keepalive; return checkKeepalive(p.Keepalive) })
	check(c.Expires != nil, func() error { return p.setExpires(*c.Expires, now) })
	check(c.IdleDays != nil, func() error { return p.setIdleDays(*c.IdleDays, now) })
	check(c.Enabled != nil, func() error { p.setEnabled(*c.Enabled, now); return nil })
	return p, err
}

func checkKeepalive(d time.Duration) error {
	if d < 0 || d%time.Second != 0 || d/time.Second > 65535 {
		return fieldErrorf("keepalive", "%v is impossible: use whole seconds from 0 to 65535", d)
	}
	return nil
}

func (m *Manager) logEdit(old, p Peer) {
	attrs := []any{"peer", p.ID, "name", string(p.Name)}
	switch {
	case old.Enabled && !p.Enabled:
		m.cfg.Logger.Info("device disabled", attrs...)
	case !old.Enabled && p.Enabled:
		m.cfg.Logger.Info("device enabled", attrs...)
	case old.Access != p.Access:
		m.cfg.Logger.Info("access of a device changed", append(attrs, "access", string(p.Access))...)
	default:
		m.cfg.Logger.Info("device changed", attrs...)
	}
}
