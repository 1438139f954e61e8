package upnp

import (
	"net/netip"
	"time"
)

// liesAfter is how often the router's word must have been contradicted until it is
// taken for wrong: its address may have changed between being told and being seen, and
// an entry may be gone because its firewall was loaded anew just then.
const liesAfter = 2

// keptNotAfter is the same for entries that were granted and not kept.
const keptNotAfter = 3

// promptly is how soon after the grant an entry must be gone to count as one that was
// never kept. Routers that tidy up take some minutes.
const promptly = 10 * time.Second

// LieAbout is what a router says that is not so.
type LieAbout string

// The lies.
const (
	LieAddress LieAbout = "address" // others see the house at another one
	LieEntry   LieAbout = "entry"   // it says yes, and its own table says otherwise
)

// Lie is a word of the router's that what was seen disagreed with, again and again.
type Lie struct {
	About LieAbout
	// Told and Seen are of LieAddress: what the router says, and what was seen.
	Told, Seen netip.Addr
	// By is who saw it: a server outside, or the protocol by which the table was read.
	By string
	// Times is how often it was seen since Since.
	Times int
	Since time.Time
}

// Sighting is by which address a server outside saw the house.
type Sighting struct {
	By         string     // the server
	Told, Seen netip.Addr // what the router said at that time, and what was seen
	// Times is how often the two differed in the same way, one after another, since Since.
	Times int
	Since time.Time
}

// Confirmed reports whether it was seen often enough.
func (s Sighting) Confirmed() bool { return s.Times >= liesAfter }

// Told is the address by which the router says the house is on the internet: the
// outermost one's where there are two. It is not valid while none is told.
func (s Status) Told() netip.Addr {
	if s.External.IsValid() && s.External.Is4() {
		return s.External
	}
	return s.WAN
}

// Lies are what the router says that is not so: what it keeps not, and where it says
// that the house is. What servers outside saw is a lie only where nothing else explains
// it: a router that itself tells of a carrier's NAT or of another router in front of it
// tells the truth, and who has no port open misses nothing by a wrong address.
func (s Status) Lies(seen Sighting) []Lie {
	var list []Lie
	if s.Denied.Times >= keptNotAfter {
		list = append(list, Lie{About: LieEntry, By: s.Denied.By, Times: s.Denied.Times, Since: s.Denied.Since})
	}
	told := s.Told()
	open := s.Verdict == Mapped || s.Verdict == ByHand
	if open && seen.Confirmed() && seen.Told == told && seen.Seen != told && classify(told) == wanPublic && classify(seen.Seen) == wanPublic {
		list = append(list, Lie{About: LieAddress, Told: told, Seen: seen.Seen, By: seen.By, Times: seen.Times, Since: seen.Since})
	}
	return list
}

// Denied is how often in a row the router granted the port and did not keep it: its own
// table, read right afterwards, had no such entry, or another one.
type Denied struct {
	Times int
	Since time.Time
	By    string // the protocol by which the table was read
}

// denial notes an answer by which the router's table has not what was granted just now.
func (k *keeper) denial(a answer) {
	gone := a.outcome == notThere && !k.grantedAt.IsZero() && time.Since(k.grantedAt) <= promptly
	if !a.denied && !gone {
		return
	}
	if k.denied.Times == 0 {
		k.denied.Since = time.Now()
	}
	k.denied.Times++
	k.denied.By = k.readBy()
}

// readBy is the protocol by which the router's table is read.
func (k *keeper) readBy() string {
	switch s := k.session.(type) {
	case nil:
		return ""
	case *witnessed:
		return s.witness.router().Via
	default:
		return s.router().Via
	}
}
