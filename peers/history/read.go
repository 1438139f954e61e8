package history

import (
	"context"
	"slices"
	"time"

	"homeward/peers"
)

// Events returns the chosen events, the latest first, and whether there are more.
func (r *Recorder) Events(f Filter) (list []Event, more bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.diary.find(f)
}

// Actors returns the people of whom there are events, by name.
func (r *Recorder) Actors() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.diary.actors()
}

// Last returns the latest event of a kind.
func (r *Recorder) Last(k Kind) (Event, bool) {
	list, _ := r.Events(Filter{Kinds: []Kind{k}, Limit: 1})
	if len(list) == 0 {
		return Event{}, false
	}
	return list[0], true
}

// Follow opens a subscription to what happens from now on.
func (r *Recorder) Follow() *Subscription { return r.cfg.Stream.Subscribe(32) }

// Traffic returns a peer's traffic over a span up to now, the oldest bar first.
func (r *Recorder) Traffic(ctx context.Context, id peers.ID, span Span) ([]Bar, error) {
	bars := span.bars(r.cfg.Now())
	starts := make([]int64, len(bars))
	for i, b := range bars {
		starts[i] = b.From.Unix()
	}
	step, _ := span.shape()
	r.disk.Lock()
	defer r.disk.Unlock()
	stored, err := r.store.traffic(ctx, id, step, starts)
	if err != nil {
		return nil, err
	}
	for at, a := range r.waiting(id, step) {
		stored[at] = stored[at].plus(a)
	}
	for i := range bars {
		bars[i].Amount = stored[starts[i]]
	}
	return bars, nil
}

// waiting is what is in memory only of a peer's traffic.
func (r *Recorder) waiting(id peers.ID, of step) map[int64]Amount {
	r.mu.Lock()
	defer r.mu.Unlock()
	found := map[int64]Amount{}
	for _, i := range r.pending {
		if a, ok := i.of[id]; ok {
			at := of.start(i.start).Unix()
			found[at] = found[at].plus(a)
		}
	}
	return found
}

// Recent returns what went through each peer's tunnel in each of the latest 24
// hours, both ways together, the current hour last. Peers without any are left out.
func (r *Recorder) Recent() map[peers.ID][RecentHours]uint64 {
	now := hourOf(r.cfg.Now())
	r.mu.Lock()
	defer r.mu.Unlock()
	found := make(map[peers.ID][RecentHours]uint64, len(r.recents))
	for id, c := range r.recents {
		if c.roll(now); c.bytes != [RecentHours]uint64{} {
			found[id] = c.bytes
		}
	}
	return found
}

// Sessions returns a peer's latest sessions, the latest first, at most limit.
func (r *Recorder) Sessions(ctx context.Context, id peers.ID, limit int) ([]Session, error) {
	r.disk.Lock()
	defer r.disk.Unlock()
	list, err := r.store.sessions(ctx, id, limit)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	waiting := slices.Clone(r.sessions[id])
	r.mu.Unlock()
	same := func(s Session) func(Session) bool { return func(o Session) bool { return o.First.Equal(s.First) } }
	for _, s := range waiting {
		list = append(slices.DeleteFunc(list, same(s)), s)
	}
	slices.SortFunc(list, func(a, b Session) int { return b.First.Compare(a.First) })
	return list[:min(limit, len(list))], nil
}

// Away is how long after its last handshake a session counts as over.
func (s Session) Away(now time.Time) bool { return now.Sub(s.Last) > sessionGap }
