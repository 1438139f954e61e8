package filter

// Reason says why a packet was dropped.
type Reason uint8

// The reasons. The zero Reason is that of a packet that passed.
const (
	passed      Reason = iota
	Malformed          // no packet that an honest stack sends
	Spoofed            // from a source that is no peer's address
	Special            // to loopback, link-local, multicast, broadcast, a metadata service…
	Disguised          // to an address, or by a route or wrapping, that leads elsewhere than it says
	ToBox              // to the box itself
	ToPeer             // to another peer, or to nobody in the tunnel's network
	NotGranted         // to what this peer may not reach
	Unsolicited        // to a peer, belonging to nothing that it began
	Unrelated          // an ICMP message that belongs to no flow
	Fragmented         // a fragment that is tiny, overlaps or has no beginning
	Full               // a new flow, when the peer has too many
	reasons
)

var reasonNames = [reasons]string{
	"passed", "malformed", "spoofed source", "special destination", "disguised destination", "the box itself",
	"another peer", "not granted", "unsolicited", "unrelated ICMP", "bad fragment", "too many flows",
}

// String names the reason for people and counters.
func (r Reason) String() string {
	if r < reasons {
		return reasonNames[r]
	}
	return "unknown"
}

// Reasons lists all reasons for drops.
func Reasons() []Reason {
	var all []Reason
	for r := passed + 1; r < reasons; r++ {
		all = append(all, r)
	}
	return all
}
