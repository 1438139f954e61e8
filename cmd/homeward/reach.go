package main

import (
	"net/netip"
	"slices"
	"time"

	"homeward/peers"
	"homeward/tunnel"
	"homeward/upnp"
	"homeward/web/api"
	"homeward/web/languages"
)

// shownProofs is how many pieces of evidence are told.
const shownProofs = 8

// reachability is whether the house can be reached, with what that rests on.
func reachability(list []peers.Peer, knocks []tunnel.HeardKnock, router upnp.Status, home []netip.Prefix, now time.Time) api.Reachability {
	all := proofs(list, knocks, router, home, now)
	var seen []upnp.Proof
	for _, p := range all {
		seen = append(seen, p.Proof)
	}
	stale := slices.ContainsFunc(list, func(p peers.Peer) bool {
		return !p.NextReady && (slices.Contains(p.NeedsCode, peers.ReasonEndpoint) || slices.Contains(p.NeedsCode, peers.ReasonPort))
	})
	verdict := router.Reach(seen, stale)
	r := api.Reachability{Verdict: string(verdict), Since: router.Since, Evidence: []api.Evidence{}, Advice: router.Advice}
	r.Text = languages.English().Code("reach.verdict", r.Verdict)
	if cure, ok := languages.English().Find("reach.cure", r.Verdict); ok {
		r.Advice = cure
	}
	if verdict == upnp.ReachSeen {
		r.Since, r.Advice = all[0].At, ""
	}
	for _, p := range seen[:min(len(seen), shownProofs)] {
		e := api.Evidence{Kind: string(p.Kind), At: p.At.UTC(), Family: familyOf(p)}
		if p.From.IsValid() {
			e.From = p.From.String()
		}
		r.Evidence = append(r.Evidence, e)
	}
	return r
}

func familyOf(p upnp.Proof) string {
	if p.Six {
		return "IPv6"
	}
	return "IPv4"
}
