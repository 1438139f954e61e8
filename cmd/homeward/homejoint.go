package main

import (
	"fmt"
	"net/netip"
	"strings"

	"homeward/tunnel"
	"homeward/upnp"
	"homeward/web/api"
)

// homeJoint is the last one: from this box to what is at home. It is green once a
// device got an answer through this box. That the network looks like a container's
// own does not count where a router was heard all the same.
func homeJoint(t tunnel.Status, r upnp.Status, counted tunnel.Counters, n *networks) api.Joint {
	j := api.Joint{Key: "home", Title: "Home", State: api.JointUnknown}
	var answers uint64
	for _, p := range counted.Peers {
		answers += p.ToPeer.Packets
	}
	switch {
	case answers > 0 && len(n.lan) > 0:
		j.State, j.Since = api.JointWorking, t.Since
		j.Summary = fmt.Sprintf("Devices got %d answers through this box, which is in %s.", answers, prefixes(n.lan))
	case n.problem != "" && r.Verdict != upnp.Mapped:
		j.State, j.Summary, j.Advice = api.JointAttention, "homeward is in a network of its own, and not in the house's.", n.problem
	case len(n.lan) == 0:
		j.State, j.Summary = api.JointAttention, "This box is in no home network: codes lead to the tunnel only."
		j.Advice = "Connect it to the home network, and make new codes then."
	default:
		j.Summary = fmt.Sprintf("This box is in %s. No device has got an answer through it yet.", prefixes(n.lan))
	}
	return j
}

func prefixes(list []netip.Prefix) string {
	var texts []string
	for _, p := range list {
		texts = append(texts, p.String())
	}
	return strings.Join(texts, " and ")
}
