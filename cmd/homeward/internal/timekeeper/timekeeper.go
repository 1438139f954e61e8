// Package timekeeper says what time it is to those who act on it for good: who end a
// guest's access, switch off idle devices, or forget old history.
//
// The system's clock is believed with care. Many boxes have none that runs while they
// are off: they begin in 1970, or where they were switched off, until the network tells
// them; and a bad time server or a flat battery makes any clock jump, by years and back.
// A wrong hour must not cut a device off or delete what is two years old.
//
//   - A time before this program was written is never believed. Until there is a better
//     one, it is the newest time that the state knows of, and runs on from there.
//   - A jump is believed when it has lasted for Settle, small ones at once.
//   - So is a start far later than the newest time that the state knows of.
//   - From a time that was not believed to a later one, such as by the first word of a
//     time server, is no jump.
//
// What measures durations needs none of this: Go's times have a monotonic part.
package timekeeper

import (
	"sync"
	"time"
)

// Settle is how long a jump has to last until it is believed.
const Settle = 15 * time.Minute

const (
	// small is how far a clock may be set at a time without a second thought.
	small = 2 * time.Minute
	// longOff is how long a box may have been off without a second thought.
	longOff = 180 * 24 * time.Hour
)

// written is a time at which this program was being written.
var written = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// Config is what a Clock needs. Wall and Elapsed are for tests; nil means the system's.
type Config struct {
	Newest  time.Time            // the newest time that the state knows of; zero: none
	Wall    func() time.Time     // the system's clock
	Elapsed func() time.Duration // since whenever; it never jumps
}

// Clock says what time it is. Its methods may be called from any goroutine.
type Clock struct {
	cfg Config

	mu     sync.Mutex // guards the fields that follow
	base   time.Time  // the believed time at the moment at
	at     time.Duration
	unsure bool // base was not told by the system's clock

	jumping bool          // the system's clock says something else
	ahead   time.Duration // by how much, if jumping
	since   time.Duration // when that began, if jumping
}

// New makes a clock.
func New(cfg Config) *Clock {
	if cfg.Wall == nil {
		cfg.Wall = time.Now
	}
	if cfg.Elapsed == nil {
		began := time.Now()
		cfg.Elapsed = func() time.Duration { return time.Since(began) }
	}
	c := &Clock{cfg: cfg, at: cfg.Elapsed(), base: plain(cfg.Wall())}
	known := plain(cfg.Newest)
	switch {
	case c.base.Before(written):
		c.base, c.unsure = later(known, written), true
	case !known.IsZero() && c.base.Before(known), !known.Before(written) && c.base.Sub(known) > longOff:
		c.base, c.unsure = known, true
	}
	return c
}

// Now is the time that is believed.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	elapsed, wall := c.cfg.Elapsed(), plain(c.cfg.Wall())
	believed := c.base.Add(elapsed - c.at)
	ahead := wall.Sub(believed)
	switch {
	case wall.Before(written):
		c.jumping = false
		return believed.In(time.Local)
	case ahead.Abs() <= small, c.unsure && ahead > 0 && ahead <= longOff:
		return c.believeLocked(wall, elapsed)
	case !c.jumping || (ahead-c.ahead).Abs() > small:
		c.jumping, c.ahead, c.since = true, ahead, elapsed
	case elapsed-c.since >= Settle:
		return c.believeLocked(wall, elapsed)
	}
	return believed.In(time.Local)
}

func (c *Clock) believeLocked(wall time.Time, elapsed time.Duration) time.Time {
	c.base, c.at, c.unsure, c.jumping = wall, elapsed, false, false
	return wall.In(time.Local)
}

// Ahead is by how much the system's clock is ahead of what is believed; zero when it is
// believed. Times that others took from it, such as of handshakes, are off by as much.
func (c *Clock) Ahead() time.Duration {
	believed := c.Now()
	if ahead := plain(c.cfg.Wall()).Sub(believed); ahead.Abs() > small {
		return ahead
	}
	return 0
}

// plain is a time without its monotonic part, which would hide that the clock was set.
func plain(t time.Time) time.Time { return t.Round(0) }

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
