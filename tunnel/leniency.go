package tunnel

import (
	"bytes"
	"time"

	"homeward/tunnel/internal/initiation"
)

// Each time that a peer is let in again, what was recorded of its handshakes can be sent
// once more. So there are bounds for it, per peer, of two kinds. Who asks with a time that
// is later than any before, and has come by our clock, is likely the phone itself: it waits
// a minute until the next time, then two, and so on. Anything else may be a recording, such
// as one of the days when the phone's clock was in the future, and waits for an hour; what
// it does does not make the phone wait.
const (
	firstWait   = time.Minute // until a phone is let in for the second time
	longestWait = 10 * time.Minute
	doubtWait   = time.Hour      // since anybody was let in with the key
	calmAfter   = 24 * time.Hour // without any of it the next one is the first again
	// clockSlack is how far a phone's clock may be ahead of ours, and still be right.
	clockSlack = 24 * time.Hour
)

// leniency is how a peer was let in so far. The zero value is that it never was.
type leniency struct {
	known initiation.Timestamp // the latest time that it was let in with, which had come
	sure  time.Time            // when that was last
	wait  time.Duration        // how long it waits since then
	any   time.Time            // when it was let in last, for whatever
}

// allows says whether who asks with the time at may be let in now.
func (l leniency) allows(at initiation.Timestamp, now time.Time) bool {
	if l.any.IsZero() || now.Sub(l.any) >= calmAfter {
		return true
	}
	if l.surely(at, now) {
		return now.Sub(l.sure) >= l.wait
	}
	return now.Sub(l.any) >= doubtWait
}

// surely says that at is no recording from before it was let in, nor one of a day that
// has not come.
func (l leniency) surely(at initiation.Timestamp, now time.Time) bool {
	come := initiation.At(now.Add(clockSlack))
	return bytes.Compare(at[:], l.known[:]) > 0 && bytes.Compare(at[:], come[:]) <= 0
}

// used is the leniency after it was let in.
func (l leniency) used(at initiation.Timestamp, now time.Time) leniency {
	if now.Sub(l.any) >= calmAfter {
		l.wait = 0
	}
	if l.surely(at, now) {
		l.known, l.sure, l.wait = at, now, min(max(2*l.wait, firstWait), longestWait)
	}
	l.any = now
	return l
}
