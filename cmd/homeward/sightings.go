package main

import (
	"sync"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/cmd/homeward/internal/timekeeper"
	"homeward/peers"
)

// sightings says when handshakes were by the clock that homeward believes. The device
// has them by the system's, which may be wrong at that moment and right at the next: a
// time is corrected when it is seen first, and then stays.
type sightings struct {
	clock *timekeeper.Clock

	mu sync.Mutex // guards of
	of map[wgtypes.Key]sighting
}

type sighting struct{ told, believed time.Time }

// correct replaces the times of the handshakes.
func (s *sightings) correct(seen map[wgtypes.Key]peers.Observed) {
	ahead, now := s.clock.Ahead(), s.clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	next := make(map[wgtypes.Key]sighting, len(seen))
	for k, o := range seen {
		if o.LastHandshake.IsZero() {
			continue
		}
		t := s.of[k]
		if !t.told.Equal(o.LastHandshake) {
			t = sighting{o.LastHandshake, o.LastHandshake.Add(-ahead)}
			if t.believed.After(now) { // the clock was set after it
				t.believed = now
			}
		}
		next[k] = t
		o.LastHandshake = t.believed
		seen[k] = o
	}
	s.of = next
}
