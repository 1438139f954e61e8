package peers

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"
)

// MaxUndo is the longest time in which a removal can be undone.
const MaxUndo = time.Hour

// RemoveLater removes a peer when undo is over, in whole seconds up to MaxUndo,
// unless Keep is called before. Until then everything stays as it is; a lost phone is
// for Remove. The removal is on the disk when RemoveLater returns without an error: it
// also happens after a restart. It refuses with a FieldError or ErrNotFound.
func (m *Manager) RemoveLater(ctx context.Context, id ID, undo time.Duration) (Peer, error) {
	if undo < time.Second || undo > MaxUndo || undo%time.Second != 0 {
		return Peer{}, fieldErrorf("undo", "%v is impossible: use whole seconds up to an hour", undo)
	}
	at := toSecond(m.cfg.Now()).Add(undo)
	return m.changeLeaving(ctx, id, at)
}

// Keep undoes RemoveLater. It refuses with ErrNotFound, also when it is too late.
func (m *Manager) Keep(ctx context.Context, id ID) (Peer, error) {
	return m.changeLeaving(ctx, id, time.Time{})
}

func (m *Manager) changeLeaving(ctx context.Context, id ID, at time.Time) (Peer, error) {
	m.write.Lock()
	defer m.write.Unlock()
	p, err := m.findLocked(ctx, id)
	if err != nil {
		return Peer{}, err
	}
	if err := m.store.setRemoval(context.WithoutCancel(ctx), id, at); err != nil {
		return Peer{}, fmt.Errorf("changing when device %q is removed: %w", p.Name, m.failedLocked(ctx, err))
	}
	m.setLeavingLocked(id, at)
	m.cfg.Logger.Info("removal of a device changed", "peer", id, "name", string(p.Name), "at", at)
	m.publishLocked()
	m.kickRun()
	return m.Get(id)
}

// setLeavingLocked replaces the map, which readers may have.
func (m *Manager) setLeavingLocked(id ID, at time.Time) {
	next := maps.Clone(m.leaving)
	if next == nil {
		next = map[ID]time.Time{}
	}
	delete(next, id)
	if !at.IsZero() {
		next[id] = at
	}
	m.leaving = next
}

// removeLeavers removes who is due, and returns how long it takes until the next one
// is; zero means that none leaves.
func (m *Manager) removeLeavers(ctx context.Context) (next time.Duration, err error) {
	now := m.cfg.Now()
	for id, at := range m.latest.Load().leaving {
		// Farther away than it can be: the clock was set back, and somebody wanted it gone.
		if left := at.Sub(now); left > 0 && left <= MaxUndo {
			next = soonest(next, min(left, clockEvery))
			continue
		}
		if gone := m.Remove(ctx, id); gone != nil && !errors.Is(gone, ErrNotFound) {
			err = gone
			next = soonest(next, lastRetry)
		}
	}
	return next, err
}
