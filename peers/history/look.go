package history

import (
	"slices"
	"time"

	"homeward/peers"
)

// look counts what the peers did since the last look. It reports whether it is
// time to write that down.
func (r *Recorder) look() (due bool) {
	list, now := r.cfg.Peers(), r.cfg.Now()
	r.mu.Lock()
	if since := now.Sub(r.looked); since > jumped || since < -toldAt {
		r.trimmed = now
	}
	r.looked = now
	var news []Event
	if len(r.pending) == 0 {
		r.turnLocked(now)
	}
	there := make(map[peers.ID]bool, len(list))
	for _, p := range list {
		there[p.ID] = true
		t := r.tracks[p.ID]
		if t == nil {
			t = &track{expired: p.State == peers.Expired}
			r.tracks[p.ID] = t
		}
		r.countLocked(t, p)
		// Not "later than before": the clock may have been set back.
		if at := p.Observed.LastHandshake.Truncate(time.Second); !p.Observed.LastHandshake.IsZero() && !at.Equal(t.seen.Truncate(time.Second)) {
			news = append(news, r.hereLocked(t, p, at)...)
		}
		news = append(news, t.ended(p, now)...)
	}
	for id := range r.tracks {
		if !there[id] {
			r.forgetLocked(id)
			due = true
		}
	}
	due = r.turnLocked(now) || due
	r.mu.Unlock()
	for _, e := range news {
		r.cfg.Stream.Publish(e)
	}
	return due
}

// turnLocked begins another interval when it is time, and reports whether it did.
func (r *Recorder) turnLocked(now time.Time) bool {
	start := fiveMinutes.start(now)
	n := len(r.pending)
	if n > 0 && r.pending[n-1].start.Equal(start) {
		return false
	}
	r.pending = append(r.pending, interval{start, map[peers.ID]Amount{}})
	if n >= maxPending {
		r.pending = slices.Delete(r.pending, 0, 1)
	}
	return n > 0
}

// countLocked adds what the peer's counters say.
func (r *Recorder) countLocked(t *track, p peers.Peer) {
	c := counter{p.PublicKey, Amount{p.Observed.ReceivedBytes, p.Observed.SentBytes}}
	more := c.since(t.counter)
	t.counter = c
	if more.Total() == 0 {
		return
	}
	last := r.pending[len(r.pending)-1]
	last.of[p.ID] = last.of[p.ID].plus(more)
	r.recentLocked(p.ID).add(hourOf(last.start), more.Total())
}

// hereLocked takes a new handshake and returns what is news about it.
func (r *Recorder) hereLocked(t *track, p peers.Peer, at time.Time) (news []Event) {
	from := p.Observed.Endpoint.Addr().Unmap()
	kind := Kind("")
	switch {
	case t.seen.IsZero():
		kind = DeviceFirst
	case at.Sub(t.seen) >= pause:
		kind = DeviceBack
	}
	if kind != "" {
		news = append(news, Event{At: at, Kind: kind, Peer: p.ID, Name: string(p.Name), Place: Coarse(from)})
	}
	t.seen = at
	list := r.sessions[p.ID]
	if t.handshake(at, from, r.cfg.Home(from)) || len(list) == 0 {
		list = append(list, t.open)
	} else {
		list[len(list)-1] = t.open
	}
	r.sessions[p.ID] = list[max(0, len(list)-maxSessions):]
	return news
}

// ended tells once that a peer's time was over or that nobody used it.
func (t *track) ended(p peers.Peer, now time.Time) (news []Event) {
	end := func(was *bool, is bool, cause string) {
		if is && !*was {
			news = append(news, Event{At: now, Kind: DeviceEnded, Peer: p.ID, Name: string(p.Name), Cause: cause})
		}
		*was = is
	}
	end(&t.expired, p.State == peers.Expired, "expired")
	end(&t.idle, p.IdledOut, "idle")
	return news
}

// forgetLocked forgets a peer that was removed.
func (r *Recorder) forgetLocked(id peers.ID) {
	delete(r.tracks, id)
	delete(r.recents, id)
	delete(r.sessions, id)
	for _, i := range r.pending {
		delete(i.of, id)
	}
	r.removed = append(r.removed, id)
}

func (r *Recorder) recentLocked(id peers.ID) *recent {
	c := r.recents[id]
	if c == nil {
		c = &recent{}
		r.recents[id] = c
	}
	return c
}
