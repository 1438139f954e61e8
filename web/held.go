package web

import (
	"crypto/rand"
	"sync"
	"time"
)

// heldFor is how long another server's files wait in memory to be taken over.
const heldFor = 10 * time.Minute

// maxHeld bounds how many wait at a time: the oldest ones give way. Each is at most
// api.MaxImport.
const maxHeld = 3

// source is another server as it was read.
type source struct {
	files map[string][]byte
	runs  string // the interface as which it runs here; empty: somebody sent the files
}

// held are servers that people had read and may take over: in memory only, under a name
// that nobody can guess, and for the session that sent them alone.
type held struct {
	mu   sync.Mutex // guards all
	list []*heldFiles
	over bool
}

// heldFiles are those of one server.
type heldFiles struct {
	source
	id, session string
	end         *time.Timer
}

// put holds files in the place of those that the session sent before.
func (h *held) put(session string, from source) (id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f := &heldFiles{id: rand.Text(), session: session, source: from}
	if h.over {
		return f.id
	}
	h.drop(func(_ int, old *heldFiles) bool { return old.session == session })
	h.drop(func(i int, _ *heldFiles) bool { return i <= len(h.list)-maxHeld })
	f.end = time.AfterFunc(heldFor, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.drop(func(_ int, old *heldFiles) bool { return old == f })
	})
	h.list = append(h.list, f)
	return f.id
}

// take hands the files out, once.
func (h *held) take(session, id string) (from source, there bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.drop(func(_ int, f *heldFiles) bool {
		mine := f.id == id && f.session == session
		if mine {
			from, there = f.source, true
		}
		return mine
	})
	return from, there
}

// close forgets everything, and what comes later at once.
func (h *held) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.over = true
	h.drop(func(int, *heldFiles) bool { return true })
}

// drop forgets some; mu is held.
func (h *held) drop(which func(i int, f *heldFiles) bool) {
	var kept []*heldFiles
	for i, f := range h.list {
		if which(i, f) {
			f.end.Stop()
			continue
		}
		kept = append(kept, f)
	}
	h.list = kept
}
