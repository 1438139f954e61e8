package peers

// Hint names something about a peer that its owner probably did not mean.
type Hint string

// The hints. AllowedIPs of the profile decide what a device sends home, access
// decides what home lets through: some pairs of them leave little.
const (
	// HintReachesNothing: only what is at home goes through the tunnel, and only
	// the internet is allowed.
	HintReachesNothing Hint = "reaches_nothing"
	// HintNoInternet: everything goes through the tunnel, and only home is allowed.
	HintNoInternet Hint = "no_internet"
)

// Hints lists what p's owner should know.
func (p Peer) Hints() []Hint {
	switch {
	case p.Profile == ProfileHome && p.Access == AccessInternet:
		return []Hint{HintReachesNothing}
	case p.Profile == ProfileEverything && p.Access == AccessHome:
		return []Hint{HintNoInternet}
	}
	return nil
}
