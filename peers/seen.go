package peers

import (
	"context"
	"time"
)

// seenStep is how much later than stored a peer must have been here for another
// write: the state may lie on an SD card.
const seenStep = time.Hour

// rememberSeen stores the last handshakes that are later than the stored ones by
// more than step.
func (m *Manager) rememberSeen(ctx context.Context, step time.Duration) error {
	observed := m.cfg.Device.Observed()
	m.write.Lock()
	defer m.write.Unlock()
	seen, now := make(map[ID]time.Time), toSecond(m.cfg.Now())
	for _, p := range m.roster.byID {
		t := toSecond(observed[p.PublicKey].LastHandshake)
		switch here := !observed[p.PublicKey].LastHandshake.IsZero(); {
		case here && t.After(now.Add(step+time.Hour)): // a clock was wrong: it would never be idle again
		case here && t.Sub(p.Seen) > step, here && p.Seen.After(now.Add(step+time.Hour)):
			seen[p.ID] = t
		}
	}
	if len(seen) == 0 {
		return nil
	}
	if err := m.store.setSeen(context.WithoutCancel(ctx), seen); err != nil {
		return m.reloadLocked(ctx, err)
	}
	for id, t := range seen {
		if p, ok := m.roster.get(id); ok {
			p.Seen = t
			m.roster = m.roster.with(p)
		}
	}
	m.publishLocked()
	return nil
}

// idleOut disables the peers that nobody has used for as long as their owner
// allowed. settle, which follows, tells the device.
func (m *Manager) idleOut(ctx context.Context) error {
	observed := m.cfg.Device.Observed()
	m.write.Lock()
	defer m.write.Unlock()
	now := m.cfg.Now()
	for _, p := range m.roster.byID {
		p := *p
		out := p.with(observed[p.PublicKey]).idleOut()
		if !p.wanted(now) || out.IsZero() || now.Before(out) {
			continue
		}
		p.Enabled, p.IdledOut = false, true
		m.settled = false
		if err := m.storeEditLocked(ctx, p); err != nil {
			return err
		}
		m.cfg.Logger.Info("device disabled, since nobody used it", "peer", p.ID, "name", string(p.Name), "idle_days", p.IdleDays)
	}
	return nil
}
