package main

import (
	"net/netip"
	"slices"
	"time"

	"homeward/peers"
	"homeward/upnp"
	"homeward/web"
	"homeward/web/api"
	"homeward/web/languages"
)

// shownProofs is how many pieces of evidence are told.
const shownProofs = 8

// reachability is whether the house can be reached, with what that rests on.
func reachability(list []peers.Peer, others []upnp.Proof, router upnp.Status, sighting upnp.Sighting, home []netip.Prefix, now time.Time) api.Reachability {
	all := proofs(list, others, router, home, now)
	var seen []upnp.Proof
	for _, p := range all {
		seen = append(seen, p.Proof)
	}
	stale := slices.ContainsFunc(list, func(p peers.Peer) bool {
		return !p.NextReady && (slices.Contains(p.NeedsCode, peers.ReasonEndpoint) || slices.Contains(p.NeedsCode, peers.ReasonPort))
	})
	lies := router.Lies(sighting)
	verdict := router.Reach(seen, stale, lies)
	r := api.Reachability{Verdict: string(verdict), Since: router.Since, Evidence: []api.Evidence{}, Lies: shownLies(lies), Advice: router.Advice}
	text, cure := web.ReachSays(languages.English(), r)
	if r.Text = text; cure != "" {
		r.Advice = cure
	}
	switch verdict {
	case upnp.ReachSeen:
		r.Since, r.Advice = all[0].At, ""
	case upnp.ReachLies:
		r.Since = lies[0].Since
	}
	for _, p := range seen[:min(len(seen), shownProofs)] {
		e := api.Evidence{Kind: string(p.Kind), At: p.At.UTC(), Family: familyOf(p)}
		switch {
		case p.From.IsValid():
			e.From = p.From.String()
		case p.Network.IsValid():
			e.From = p.Network.String()
		}
		r.Evidence = append(r.Evidence, e)
	}
	return r
}

// judge is the same with what servers outside saw.
func (a *appliance) judge(list []peers.Peer, others []upnp.Proof, router upnp.Status, home []netip.Prefix, now time.Time) api.Reachability {
	return reachability(list, others, router, a.echo.Load().sighting(), home, now)
}

func familyOf(p upnp.Proof) string {
	if p.Six {
		return "IPv6"
	}
	return "IPv4"
}

// shownLies are what the router says that is not so, for programs.
func shownLies(lies []upnp.Lie) (list []api.Lie) {
	for _, l := range lies {
		shown := api.Lie{About: string(l.About), By: l.By, Times: l.Times, Since: l.Since.UTC()}
		if l.About == upnp.LieAddress {
			shown.Told, shown.Seen = l.Told.String(), l.Seen.String()
		}
		list = append(list, shown)
	}
	return list
}
