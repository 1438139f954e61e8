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
	p.folded, p.idleFrom, p.said, p.nextSaid = "", time.Time{}, nil, nil
	return fmt.Sprintf("%+v", p)
}

// Plain is c with its exported fields alone.
func Plain(c ClientConfig) ClientConfig {
	c.profile, c.home, c.second = "", nil, false
	return c
}
