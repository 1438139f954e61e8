package timekeeper

import (
	"testing"
	"time"
)

// fake is a box whose clock can be set.
type fake struct {
	wall    time.Time
	elapsed time.Duration
}

func (f *fake) clock(newest time.Time) *Clock {
	return New(Config{Newest: newest, Wall: func() time.Time { return f.wall }, Elapsed: func() time.Duration { return f.elapsed }})
}

func (f *fake) pass(d time.Duration) { f.wall, f.elapsed = f.wall.Add(d), f.elapsed+d }

var today = time.Date(2027, 5, 4, 12, 0, 0, 0, time.UTC)

const year = 365 * 24 * time.Hour

// want looks at the clock every ten seconds, as its users do, until some time passed.
func (f *fake) want(t *testing.T, c *Clock, passes time.Duration, want time.Time) {
	t.Helper()
	for end := f.elapsed + passes; ; f.pass(min(10*time.Second, end-f.elapsed)) {
		got := c.Now()
		if f.elapsed == end {
			if !got.Equal(want) {
				t.Errorf("it is %v, want %v; the system says %v", got, want, f.wall)
			}
			return
		}
	}
}

func TestABoxThatBeginsIn1970GoesOnWhereItWasUntilItIsToldTheTime(t *testing.T) {
	f := &fake{wall: time.Unix(5, 0)}
	c := f.clock(today)
	f.want(t, c, 0, today)
	f.want(t, c, time.Hour, today.Add(time.Hour)) // however long nobody tells it
	f.wall = today.Add(48 * time.Hour)
	f.want(t, c, 0, today.Add(48*time.Hour)) // at once
	f.wall = time.Unix(5, 0)
	f.want(t, c, 24*time.Hour, today.Add(72*time.Hour)) // and never back to 1970
	if got := c.Ahead(); got > -50*year {
		t.Errorf("the system is said to be ahead by %v", got)
	}
}

func TestAFirstStartIn1970(t *testing.T) {
	f := &fake{}
	c := f.clock(time.Time{})
	f.wall = time.Unix(5, 0)
	if got := c.Now(); got.Before(written) {
		t.Errorf("it is %v", got)
	}
	f.wall = written.Add(time.Hour)
	f.want(t, c, 0, written.Add(time.Hour))
}

func TestAJumpIsBelievedWhenItLasts(t *testing.T) {
	for name, jump := range map[string]time.Duration{"forward": 10 * year, "back": -100 * 24 * time.Hour, "a day": 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			f := &fake{wall: today}
			c := f.clock(today.Add(-time.Hour))
			f.want(t, c, time.Hour, today.Add(time.Hour))
			f.wall = f.wall.Add(jump)
			f.want(t, c, Settle-time.Minute, today.Add(time.Hour+Settle-time.Minute))
			f.wall = f.wall.Add(-jump) // it was a mistake
			f.want(t, c, Settle, today.Add(time.Hour+2*Settle-time.Minute))
			if c.Ahead() != 0 {
				t.Errorf("ahead by %v", c.Ahead())
			}
			f.wall = f.wall.Add(jump)
			f.want(t, c, Settle+time.Minute, today.Add(time.Hour+3*Settle+jump))
		})
	}
}

func TestSmallCorrectionsAreFollowedAtOnce(t *testing.T) {
	f := &fake{wall: today}
	c := f.clock(today)
	for _, by := range []time.Duration{-time.Minute, time.Minute, -2 * time.Second, 90 * time.Second} {
		f.wall = f.wall.Add(by)
		f.want(t, c, 0, f.wall)
	}
}

func TestAStartAtATimeThatIsHardToBelieve(t *testing.T) {
	for name, wall := range map[string]time.Time{"ten years later": today.Add(10 * year), "before what is known": today.Add(-30 * 24 * time.Hour)} {
		t.Run(name, func(t *testing.T) {
			f := &fake{wall: wall}
			c := f.clock(today)
			f.want(t, c, Settle-time.Minute, today.Add(Settle-time.Minute))
			f.want(t, c, 2*time.Minute, wall.Add(Settle+time.Minute)) // what the state knew was wrong
		})
	}
	f := &fake{wall: today.Add(30 * 24 * time.Hour)} // the box was off
	f.want(t, f.clock(today), 0, f.wall)
}
