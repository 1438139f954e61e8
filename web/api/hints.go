package api

import (
	"fmt"
	"strings"

	"homeward/peers"
)

// HintText is a hint about p as a sentence.
func HintText(h peers.Hint, p peers.Peer) string {
	switch h {
	case peers.HintReachesNothing:
		return "It reaches nothing: only what is at home goes through the tunnel, and only the internet is allowed."
	case peers.HintNoInternet:
		return "While its tunnel is on, it has no internet: everything goes through home, and only home is allowed."
	case peers.HintTwoPlaces:
		places := make([]string, len(p.TwoPlaces))
		for i, a := range p.TwoPlaces {
			places[i] = a.String()
		}
		return fmt.Sprintf("Its key is used from two places in turns (%s): two devices have the same code, or somebody copied it. Make a new code, and add the other device by itself.", strings.Join(places, " and "))
	}
	return ""
}

// ReasonText says why a code should be replaced.
func ReasonText(r peers.Reason) string {
	return map[peers.Reason]string{
		peers.ReasonEndpoint: "home has another name or address", peers.ReasonPort: "home has another port",
		peers.ReasonServerKey: "homeward has another key", peers.ReasonAddress: "the tunnel has other addresses",
		peers.ReasonDNS: "names are looked up elsewhere", peers.ReasonNetworks: "other networks go through home",
		peers.ReasonProfile: "something else should go through home", peers.ReasonMTU: "packets have another size",
		peers.ReasonKeepalive: "the keepalive is another",
	}[r]
}
