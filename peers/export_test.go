package peers

import (
	"fmt"
	"time"
)

// Remembered returns how many configs with private keys are in memory.
func Remembered(m *Manager) int {
	m.handed.mu.Lock()
	defer m.handed.mu.Unlock()
	return len(m.handed.entries)
}

// Public is all that others see of a peer, for comparing.
func Public(p Peer) string {
	p.folded, p.idleFrom = "", time.Time{}
	return fmt.Sprintf("%+v", p)
}
