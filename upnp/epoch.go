package upnp

import "time"

// epoch notices that a router lost its table: every answer of NAT-PMP and PCP
// tells the seconds since that last happened, and those must run like our own
// clock, give or take a cheap oscillator. The zero value knows nothing yet.
//
// RFC 6887 section 8.5 also takes a router's clock that runs ahead for a restart;
// RFC 6886 section 3.6 doesn't, so a NAT-PMP router that counts from something
// else than its start isn't asked again and again.
type epoch struct {
	known  bool
	server time.Duration
	at     time.Time
}

const (
	epochReorder = time.Second     // RFC 6887 section 8.5: an answer may overtake another
	epochSlack   = 2 * time.Second // both RFCs
)

// next takes the epoch of an answer that came now, and reports whether the router
// has lost its table since the answer before. ahead says whether a clock that
// runs ahead counts, too.
func (e *epoch) next(seconds uint32, now time.Time, ahead bool) (lost bool) {
	server := time.Duration(seconds) * time.Second
	if e.known {
		ours, theirs := now.Sub(e.at), server-e.server
		switch {
		case theirs < -epochReorder:
			lost = true
		case ahead:
			lost = ours+epochSlack < theirs-theirs/16 || theirs+epochSlack < ours-ours/16
		default:
			lost = theirs+epochSlack < ours-ours/8
		}
	}
	e.known, e.server, e.at = true, server, now
	return lost
}
