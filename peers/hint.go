package peers

// Hint names something about a peer that its owner probably did not mean.
type Hint string

// The hints. AllowedIPs of the profile decide what a device sends home, access
// decides what home lets through: some pairs of them leave little.
const (
	// HintReachesNothing: nothing is allowed, or only what is at home goes through the
	// tunnel, and only the internet is allowed.
	HintReachesNothing Hint = "reaches_nothing"
	// HintNoInternet: everything goes through the tunnel, and only home is allowed.
	HintNoInternet Hint = "no_internet"
	// HintTwoPlaces: two devices seem to have the same code; see Peer.TwoPlaces.
	HintTwoPlaces Hint = "two_places"
)

// Hints lists what p's owner should know.
func (p Peer) Hints() []Hint {
	var list []Hint
	switch {
	case p.Routes == "" && p.Profile == ProfileHome && p.Access == AccessInternet:
		list = append(list, HintReachesNothing)
	case p.Access == AccessNothing:
		list = append(list, HintReachesNothing)
	case p.Routes == "" && p.Profile == ProfileEverything && p.Access == AccessHome:
		list = append(list, HintNoInternet)
	}
	if len(p.TwoPlaces) > 0 {
		list = append(list, HintTwoPlaces)
	}
	return list
}
