package history

import (
	"context"
	"maps"
	"slices"

	"homeward/peers"
)

// flush writes down all that is not on the disk yet. What fails stays for the
// next time.
func (r *Recorder) flush(ctx context.Context) error {
	r.disk.Lock()
	defer r.disk.Unlock()
	b := r.batch()
	if b.empty() {
		return nil
	}
	if err := r.store.write(ctx, b, r.rows); err != nil {
		return err
	}
	r.written(b)
	return nil
}

// batch is what is to be written. It shares nothing with what goes on growing.
func (r *Recorder) batch() batch {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.cfg.Now()
	b := batch{events: r.diary.unsaved(), oldest: r.diary.oldest(), removed: slices.Clone(r.removed)}
	for _, i := range r.pending {
		if len(i.of) > 0 {
			b.intervals = append(b.intervals, interval{i.start, maps.Clone(i.of)})
		}
	}
	for id, list := range r.sessions {
		for _, s := range list {
			b.sessions = append(b.sessions, stretch{id, s})
		}
	}
	if since := now.Sub(r.trimmed); since >= trimEvery || since < -trimEvery {
		r.diary.trim(now)
		b.oldest, b.trim = r.diary.oldest(), now
	}
	return b
}

// written takes out of the memory what is on the disk.
func (r *Recorder) written(b batch) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, i := range b.intervals {
		r.subtractLocked(i)
	}
	if n := len(r.pending); n > 1 {
		grows := r.pending[n-1].start
		r.pending = slices.DeleteFunc(r.pending, func(i interval) bool { return len(i.of) == 0 && !i.start.Equal(grows) })
	}
	for _, s := range b.sessions {
		r.sessions[s.peer] = slices.DeleteFunc(r.sessions[s.peer], func(o Session) bool { return o == s.Session })
		if len(r.sessions[s.peer]) == 0 {
			delete(r.sessions, s.peer)
		}
	}
	for _, e := range b.events {
		if o, ok := r.diary.get(e.ID); ok && o == e {
			delete(r.diary.dirty, e.ID)
		}
	}
	r.removed = slices.DeleteFunc(r.removed, func(id peers.ID) bool { return slices.Contains(b.removed, id) })
	if !b.trim.IsZero() {
		r.trimmed = b.trim
	}
}

// subtractLocked takes out what was written of an interval, which may have grown.
func (r *Recorder) subtractLocked(i interval) {
	for _, p := range r.pending {
		if !p.start.Equal(i.start) {
			continue
		}
		for id, a := range i.of {
			left, there := p.of[id]
			if !there {
				continue // it was removed meanwhile
			}
			if left.Received, left.Sent = left.Received-a.Received, left.Sent-a.Sent; left.Total() == 0 {
				delete(p.of, id)
			} else {
				p.of[id] = left
			}
		}
	}
}
