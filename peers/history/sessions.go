package history

import (
	"net/netip"
	"time"

	"homeward/peers"
)

const (
	// sessionGap ends a session: a tunnel in use makes a handshake every two
	// minutes, and a sleeping phone misses some.
	sessionGap   = 10 * time.Minute
	sessionsKept = 90 * 24 * time.Hour
	maxSessions  = 200 // of each peer
	// pause is how long a peer must have been away for its coming to be news.
	pause = 24 * time.Hour
)

// Session is a time during which a peer was here, from one network.
type Session struct {
	First, Last time.Time // handshakes, to the second
	Place       string    // see Coarse
	Home        bool      // it was in the house
}

// track is what is known of a peer while the program runs.
type track struct {
	counter
	seen    time.Time // its last handshake
	open    Session   // the latest one; zero: none in this run
	expired bool
	idle    bool
}

// handshake takes a peer's latest handshake and reports whether it begins another
// session than the open one.
func (t *track) handshake(at time.Time, from netip.Addr, home bool) (another bool) {
	place := Coarse(from)
	if t.open.First.IsZero() || at.Before(t.open.Last) || at.Sub(t.open.Last) > sessionGap || place != t.open.Place {
		t.open = Session{at, at, place, home}
		return true
	}
	t.open.Last = at
	return false
}

// stretch is a session with its peer, on its way to the disk.
type stretch struct {
	peer peers.ID
	Session
}
