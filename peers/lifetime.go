package peers

import (
	"fmt"
	"time"
)

// expired says whether the peer's time is over.
func (p Peer) expired(now time.Time) bool { return !p.Expires.IsZero() && !now.Before(p.Expires) }

// wanted says whether the device should let the peer in.
func (p Peer) wanted(now time.Time) bool { return p.Enabled && !p.expired(now) }

// idleOut is when the peer is switched off if it is not seen again, or zero.
func (p Peer) idleOut() time.Time {
	if p.IdleDays == 0 {
		return time.Time{}
	}
	from := p.idleFrom
	if p.Seen.After(from) {
		from = p.Seen
	}
	return from.Add(time.Duration(p.IdleDays) * 24 * time.Hour)
}

// setExpires refuses a new end that has passed already. One that stays as it
// was is no change, however long ago it is.
func (p *Peer) setExpires(t, now time.Time) error {
	if t.IsZero() {
		p.Expires = time.Time{}
		return nil
	}
	t = toSecond(t)
	if t.Equal(p.Expires) {
		return nil
	}
	if !t.After(now) {
		return fieldErrorf("expires", "%s has passed already: use a time in the future, or none", t.Format(time.RFC3339))
	}
	if t.Unix() > latestUnix {
		return fieldErrorf("expires", "the year %d is too far away: leave the end out instead", t.Year())
	}
	p.Expires, p.idleFrom = t, toSecond(now)
	return nil
}

func (p *Peer) setIdleDays(n int, now time.Time) error {
	if n < 0 || n > maxIdleDays {
		return fieldErrorf("idle_days", "%d days are impossible: use 1 to %d, or 0 for never", n, maxIdleDays)
	}
	if n != p.IdleDays {
		p.IdleDays, p.idleFrom = n, toSecond(now)
	}
	return nil
}

func (p *Peer) setEnabled(enabled bool, now time.Time) {
	if enabled && !p.Enabled {
		p.idleFrom = toSecond(now)
	}
	p.Enabled = enabled
	p.IdledOut = p.IdledOut && !enabled
}

// toSecond is t as the database keeps it.
func toSecond(t time.Time) time.Time { return time.Unix(t.Unix(), 0).UTC() }

// latestUnix is the end of the year 9999, the last that RFC 3339 can write.
const latestUnix = 253402300799

// timeOf and unixOf are a time and its number in the database, in which 0
// stands for none.
func timeOf(unix int64) (time.Time, error) {
	switch {
	case unix == 0:
		return time.Time{}, nil
	case unix < 0 || unix > latestUnix:
		return time.Time{}, fmt.Errorf("its time %d is impossible", unix)
	}
	return time.Unix(unix, 0).UTC(), nil
}

func unixOf(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
