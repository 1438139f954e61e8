package peers

// Remembered returns how many configs with private keys are in memory.
func Remembered(m *Manager) int {
	m.handed.mu.Lock()
	defer m.handed.mu.Unlock()
	return len(m.handed.entries)
}
