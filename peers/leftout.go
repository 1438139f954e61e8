package peers

import (
	"context"
	"fmt"
	"slices"
)

// LeftOut is a peer whose row in the database is damaged. It cannot come in, and
// its name, keys and addresses stay taken until it is removed.
type LeftOut struct {
	ID   ID
	Name string // as it is stored; anything may be in it
	Err  error
}

// LeftOut returns the peers that cannot be read.
func (m *Manager) LeftOut() []LeftOut {
	m.write.Lock()
	defer m.write.Unlock()
	return slices.Clone(m.leftOut)
}

func (m *Manager) isLeftOutLocked(id ID) bool {
	return slices.ContainsFunc(m.leftOut, func(l LeftOut) bool { return l.ID == id })
}

func (m *Manager) removeLeftOutLocked(ctx context.Context, id ID) error {
	if err := m.store.remove(context.WithoutCancel(ctx), id); err != nil {
		return fmt.Errorf("removing device %d: %w", id, m.failedLocked(ctx, err))
	}
	m.leftOut = slices.DeleteFunc(m.leftOut, func(l LeftOut) bool { return l.ID == id })
	m.cfg.Logger.Info("damaged device removed", "peer", int64(id))
	return nil
}
