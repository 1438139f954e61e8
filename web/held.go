package web

import (
	"crypto/rand"
	"sync"
	"time"
)

// heldFor is how long the files of another server wait in memory to be taken over.
const heldFor = 10 * time.Minute

// maxHeld bounds how many wait at a time: the oldest ones give way. Each is at most
// api.MaxImport.
const maxHeld = 3

// held are files that people sent and may take over: in memory only, under a name
// that nobody can guess, and for the session that sent them alone.
type held struct {
	mu   sync.Mutex // guards all
	list []*heldFiles
	over bool
}

// heldFiles are those of one upload.
type heldFiles struct {
	id, session string
	files       map[string][]byte
	end         *time.Timer
}

// put holds files in the place of those that the session sent before.
func (h *held) put(session string, files map[string][]byte) (id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f := &heldFiles{id: rand.Text(), session: session, files: files}
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
func (h *held) take(session, id string) (files map[string][]byte, there bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.drop(func(_ int, f *heldFiles) bool {
		mine := f.id == id && f.session == session
		if mine {
			files, there = f.files, true
		}
		return mine
	})
	return files, there
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
