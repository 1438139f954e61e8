package peers

import (
	"sync"
	"time"
)

// handOver remembers configs with their private keys for a short time, in
// memory only.
type handOver struct {
	mu      sync.Mutex // guards entries
	entries map[ID]handedOver
}

type handedOver struct {
	client ClientConfig
	until  time.Time
	ticket secretHash // zero: nobody has one
}

func (h *handOver) keep(id ID, client ClientConfig, until time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.entries == nil {
		h.entries = make(map[ID]handedOver)
	}
	h.entries[id] = handedOver{client: client, until: until}
}

// get does not rely on forgetExpired having been called.
func (h *handOver) get(id ID, now time.Time) (handedOver, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	e, ok := h.entries[id]
	if ok && !now.Before(e.until) {
		delete(h.entries, id)
		ok = false
	}
	return e, ok
}

// ticket lets whoever has the secret see the config of id, for as long as it is
// remembered.
func (h *handOver) ticket(id ID, hash secretHash) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if e, ok := h.entries[id]; ok {
		e.ticket = hash
		h.entries[id] = e
	}
}

// holder finds the peer of a ticket.
func (h *handOver) holder(hash secretHash) (ID, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, e := range h.entries {
		if e.ticket == hash {
			return id, true
		}
	}
	return 0, false
}

func (h *handOver) forget(id ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.entries, id)
}

func (h *handOver) forgetAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.entries)
}

// forgetExpired returns how long it takes until it has something to do again;
// zero means that nothing is left.
func (h *handOver) forgetExpired(now time.Time) (next time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, e := range h.entries {
		left := e.until.Sub(now)
		if left <= 0 {
			delete(h.entries, id)
		} else if next == 0 || left < next {
			next = left
		}
	}
	return next
}
