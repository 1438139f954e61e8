package main

import (
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
		say(&j, "home_answers", "Networks", prefixes(n.lan))
	case n.problem != "" && r.Verdict != upnp.Mapped:
		j.State = api.JointAttention
		say(&j, "home_apart")
		adviseFree(&j, n.problem)
	case len(n.lan) == 0:
		j.State = api.JointAttention
		say(&j, "home_none")
		advise(&j, "home_connect")
	default:
		say(&j, "home_nobody", "Networks", prefixes(n.lan))
	}
	return j
}

func prefixes(list []netip.Prefix) string {
	var texts []string
	for _, p := range list {
		texts = append(texts, p.String())
	}
	return strings.Join(texts, ", ")
}
