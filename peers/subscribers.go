package peers

import "sync"

// subscribers are told that something changed, never what: a slow one misses
// nothing, because it looks at the latest state anyway.
type subscribers struct {
	mu   sync.Mutex // guards list
	list map[chan struct{}]bool
}

func (s *subscribers) add() (<-chan struct{}, func()) {
	c := make(chan struct{}, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.list == nil {
		s.list = make(map[chan struct{}]bool)
	}
	s.list[c] = true
	return c, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.list, c)
	}
}

func (s *subscribers) tell() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.list {
		select {
		case c <- struct{}{}:
		default: // told already
		}
	}
}
