package ddns

import "time"

// State is how far a name is from pointing home.
type State uint8

// The states. Verified is the only good news; Published is the provider's word.
const (
	NoAddress State = iota // there is no public address to publish
	Pending                // to be published: now, or at NextTry
	Published              // the provider accepted it; the zone's servers don't have it yet, or can't be asked
	Verified               // the zone's servers say it
	Stopped                // nothing is tried before the config changes
)

// String returns the state's key, for logs and JSON.
func (s State) String() string {
	switch s {
	case NoAddress:
		return "no-address"
	case Pending:
		return "pending"
	case Published:
		return "published"
	case Verified:
		return "verified"
	case Stopped:
		return "stopped"
	}
	return "unknown"
}

// MarshalText returns the state's key.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Status is a snapshot of what the updater knows. It is never changed.
type Status struct {
	State    State
	Provider Provider
	Name     string
	// Wanted is what the name should have.
	Wanted Records
	// Published is what the provider accepted or the zone was seen to have last,
	// and Since when that became so, as far as this Updater saw.
	Published Records
	Since     time.Time
	// VerifiedAt is when the zone's servers last agreed; zero means not yet.
	VerifiedAt time.Time
	// LastTry is when the provider was last asked to change something, NextTry when
	// it will be again. Zero means never, and that nothing is planned.
	LastTry, NextTry time.Time
	// Problem is the last error, for someone who reports a bug, Advice the one thing
	// to do, in plain words. Both are empty while all is well.
	Problem, Advice string
}

// sameNews reports whether a reader would see no difference apart from the clock.
// LastTry is news: it must be kept before the next start.
func (s Status) sameNews(o Status) bool {
	for _, t := range []*Status{&s, &o} {
		t.Since, t.VerifiedAt, t.NextTry = time.Time{}, time.Time{}, time.Time{}
	}
	return s == o
}
