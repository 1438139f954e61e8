package backups

import (
	"context"
	"time"
)

const (
	// nightHour and nightMinute are when a backup is due, by the box's clock: a quiet
	// time, and not the full hour of everybody else.
	nightHour, nightMinute = 3, 17
	// again is how long after a failure it is tried once more.
	again = time.Hour
	// settle is how long the start of the appliance is left alone.
	settle = time.Minute
)

// clockSet is before any time that a clock shows which was ever set: a box without a
// battery starts in 1970, and its backup would be the oldest.
var clockSet = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// due is when the next backup should be written to the folder: at once when there is
// none, an hour after a failure, and else in the next night, or as soon as the box is
// on after it.
func (r record) due(now time.Time) time.Time {
	switch {
	case now.Before(clockSet):
		return now.Add(again)
	case r.Problem != "" && !r.Tried.After(now):
		return r.Tried.Add(again)
	case r.Night.IsZero(), r.Night.After(now): // the clock was wrong then
		return now
	}
	last := r.Night.In(now.Location())
	at := time.Date(last.Year(), last.Month(), last.Day(), nightHour, nightMinute, 0, 0, now.Location())
	if !at.After(last) {
		at = time.Date(last.Year(), last.Month(), last.Day()+1, nightHour, nightMinute, 0, 0, now.Location())
	}
	return at
}

// Run writes the nightly backups until ctx ends. It returns nil.
func (k *Keeper) Run(ctx context.Context) error {
	wait := time.NewTimer(settle)
	defer wait.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-k.kick:
		case <-wait.C:
		}
		k.mu.Lock()
		r := k.record
		k.mu.Unlock()
		if r.Folder != "" && !r.due(time.Now()).After(time.Now()) {
			k.night(ctx, r)
			k.mu.Lock()
			r = k.record
			k.mu.Unlock()
		}
		next := again // a clock that is set, or a computer that slept, is noticed
		if r.Folder != "" {
			next = min(again, max(time.Until(r.due(time.Now())), time.Second))
		}
		wait.Reset(next)
	}
}

// night writes one backup and keeps how it went.
func (k *Keeper) night(ctx context.Context, r record) {
	p := k.store(ctx, r)
	if ctx.Err() != nil {
		return // it was the end that interrupted it
	}
	now := time.Now().UTC()
	k.note(ctx, func(cur *record) {
		if cur.Folder != r.Folder {
			return // another one was chosen meanwhile
		}
		cur.Tried = now
		if p != nil {
			cur.Problem, cur.Advice = p.text, p.advice
			return
		}
		cur.Problem, cur.Advice, cur.Night, cur.Last = "", "", now, now
	})
	text := ""
	if p == nil {
		k.cfg.Logger.Info("backup written", "folder", r.Folder)
	} else {
		text = p.text
	}
	if text != r.Problem { // else it was told
		k.cfg.Tell(text)
	}
}
