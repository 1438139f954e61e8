package main

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"homeward/cmd/homeward/internal/dnsname"
	"homeward/peers"
	"homeward/tunnel"
	"homeward/upnp"
	"homeward/web/api"
)

// lookingForRouter is what is said of the router before it was heard.
const lookingForRouter = "router_looking"

// proof is a packet that came in from outside the house.
type proof struct {
	upnp.Proof
	peer peers.Name // of a handshake
}

// proofs are all packets from outside that prove something of the way in now, the best
// first: handshakes, then knocks of browsers, then what the router counted, and of each
// the latest first. others are knocks, and what was kept of an earlier run. A handshake counts whose source is neither in one of the house's
// networks (at home, IPv6 addresses are public) nor the router's own: such a one would
// have turned round inside the house.
func proofs(list []peers.Peer, others []upnp.Proof, router upnp.Status, home []netip.Prefix, now time.Time) []proof {
	var all []proof
	add := func(p upnp.Proof, peer peers.Name) {
		if router.Proves(p, now) && !(insider{router.WAN, home}).has(p.From) {
			all = append(all, proof{p, peer})
		}
	}
	for _, p := range list {
		add(proofFrom(upnp.ProofHandshake, p.Observed.LastHandshake, p.Observed.Endpoint.Addr()), p.Name)
	}
	for _, p := range others {
		if p.Kept() {
			all = append(all, proof{Proof: p}) // it is one of this place, see proven.Book
			continue
		}
		add(p, "")
	}
	if p, ok := router.Counted(); ok && router.Proves(p, now) {
		all = append(all, proof{Proof: p})
	}
	order := upnp.ProofKinds()
	slices.SortStableFunc(all, func(a, b proof) int {
		return cmp.Or(slices.Index(order, a.Kind)-slices.Index(order, b.Kind), b.At.Compare(a.At))
	})
	return all
}

// proofFrom is a packet from an address outside.
func proofFrom(kind upnp.ProofKind, at time.Time, from netip.Addr) upnp.Proof {
	return upnp.Proof{Kind: kind, At: at, From: from.Unmap(), Six: from.Unmap().Is6()}
}

// knockProofs are the knocks of browsers.
func knockProofs(knocks []tunnel.HeardKnock) (list []upnp.Proof) {
	for _, k := range knocks {
		list = append(list, proofFrom(upnp.ProofKnock, k.At, k.From.Addr()))
	}
	return list
}

// evidence is the best proof, if there is one.
func evidence(list []peers.Peer, others []upnp.Proof, router upnp.Status, home []netip.Prefix, now time.Time) (proof, bool) {
	all := proofs(list, others, router, home, now)
	if len(all) == 0 {
		return proof{}, false
	}
	return all[0], true
}

// wayHome is the path from the internet to the LAN, joint by joint. Working is
// said only of what was observed, never of what a router promised.
func wayHome(t tunnel.Status, router upnp.Status, name dnsname.Status, endpoint *peers.Endpoint, list []peers.Peer, others []upnp.Proof, home []netip.Prefix, now time.Time) []api.Joint {
	seen, proven := evidence(list, others, router, home, now)
	joints := []api.Joint{
		deviceJoint(t),
		routerJoint(router, proven),
		portJoint(t, router, endpoint, proven),
	}
	if j, ok := ipv6Joint(t, router); ok {
		joints = append(joints, j)
	}
	return append(joints,
		addressJoint(router, name, endpoint),
		outsideJoint(router, endpoint, seen, proven),
	)
}

// ipv6Joint is the light of the IPv6 firewall; houses without IPv6 have none.
func ipv6Joint(t tunnel.Status, r upnp.Status) (api.Joint, bool) {
	six := r.IPv6
	j := api.Joint{Key: "ipv6", Title: "IPv6", Since: six.Since, Advice: six.Advice}
	port, addr := six.Address.Port(), six.Address.Addr()
	switch six.Verdict {
	case upnp.NoRouter, upnp.Disabled, upnp.Starting:
		return api.Joint{}, false
	case upnp.Mapped:
		j.State = api.JointWorking
		switch {
		case six.Foreign:
			say(&j, "ipv6_free")
		case six.VerifiedAt.IsZero():
			say(&j, "ipv6_granted", "Port", port, "Address", addr)
		default:
			say(&j, "ipv6_open", "Port", port, "Address", addr)
		}
		if !six.TrafficAt.IsZero() {
			say(&j, "ipv6_counted", "Clock", clock(six.TrafficAt))
		}
	default:
		j.State = api.JointAttention
		say(&j, "ipv6_shut", "Port", t.ListenPort)
		if r.Verdict == upnp.Mapped {
			j.State = api.JointUnknown // devices come home by IPv4
		}
	}
	return j, true
}

func deviceJoint(t tunnel.Status) api.Joint {
	j := api.Joint{Key: "device", Title: "Device", Since: t.Since}
	switch {
	case !t.Up:
		if t.Problem == "" {
			j.State = api.JointUnknown
			say(&j, "device_starting")
			break
		}
		j.State = api.JointFailed
		say(&j, "device_down")
		adviseFree(&j, t.Problem)
	case t.Problem != "":
		j.State = api.JointAttention
		say(&j, "device_limit", "Port", t.ListenPort)
		adviseFree(&j, t.Problem)
	case t.Plane == tunnel.PlaneTUN:
		j.State = api.JointWorking
		say(&j, "device_tun", "Port", t.ListenPort)
	default:
		j.State = api.JointWorking
		say(&j, "device_rootless", "Port", t.ListenPort)
	}
	return j
}

func routerJoint(r upnp.Status, proven bool) api.Joint {
	j := api.Joint{Key: "router", Title: "Router", Since: r.Since}
	at := r.Gateway.Addr
	// named says something of a router that has a name, or the same without.
	named := func(code string, pairs ...any) {
		if r.Router.Name == "" {
			code += "_unnamed"
		} else {
			pairs = append(pairs, "Router", r.Router.Name)
		}
		say(&j, code, pairs...)
	}
	switch r.Verdict {
	case upnp.Starting:
		j.State = api.JointUnknown
		say(&j, lookingForRouter)
	case upnp.Disabled:
		j.State = api.JointUnknown
		say(&j, "router_off")
	case upnp.NoRouter:
		j.State = api.JointFailed
		say(&j, "router_none")
		adviseFree(&j, r.Advice)
	case upnp.NoIGD:
		j.State = api.JointAttention
		say(&j, "router_refuses", "Address", at)
	case upnp.RouterBroken:
		j.State = api.JointAttention
		if len(r.Lies(upnp.Sighting{})) > 0 {
			named("router_denies", "Address", at)
			break
		}
		named("router_nonsense", "Address", at)
	case upnp.IPv6Only:
		j.State = api.JointWorking
		named("router_ipv6")
	case upnp.ByHand:
		j.State = api.JointUnknown
		if proven || !r.CheckedAt.IsZero() {
			j.State = api.JointWorking
		}
		say(&j, "router_left")
	default:
		j.State = api.JointWorking
		named("router_answers", "Address", at)
	}
	for _, other := range r.Others.Addrs() {
		say(&j, "router_other", "Address", other)
	}
	return j
}

// portJoint says what the router says. It is green for an entry that was read
// back: whether packets come through is the outside's business.
func portJoint(t tunnel.Status, r upnp.Status, endpoint *peers.Endpoint, proven bool) (j api.Joint) {
	j = api.Joint{Key: "port", Title: "Port", Since: r.Since}
	mapped, port := r.Verdict == upnp.Mapped && r.Mapping != nil, cmp.Or(r.Port, t.ListenPort)
	if mapped {
		port = r.Mapping.External.Port()
	}
	defer func() {
		if r.FirstPort != 0 && r.Port != r.FirstPort {
			say(&j, "port_other", "First", r.FirstPort, "Port", r.Port)
		}
	}()
	switch {
	case mapped && r.Mapping.Foreign:
		j.State = api.JointWorking
		say(&j, "port_by_hand", "Port", port)
		if !proven {
			say(&j, "port_unseen")
		}
	case mapped && !r.Mapping.VerifiedAt.IsZero():
		j.State = api.JointWorking
		say(&j, "port_read_back", "Port", port, "Clock", clock(r.Mapping.VerifiedAt))
	case mapped:
		j.State = api.JointWorking
		say(&j, "port_granted", "Port", port)
		if !proven {
			j.State = api.JointUnknown
		}
	case r.Verdict == upnp.ByHand && proven:
		j.State = api.JointWorking
		say(&j, "port_said", "Port", port)
	case r.Verdict == upnp.ByHand:
		j.State = api.JointUnknown
		say(&j, "port_said", "Port", port)
		say(&j, "port_unseen")
		advise(&j, "port_watch")
	case r.Verdict == upnp.Starting:
		j.State = api.JointUnknown
		say(&j, "port_asking", "Port", port)
	case r.Verdict == upnp.IPv6Only:
		j.State = api.JointAttention
		say(&j, "port_only_ipv6", "Port", port)
		adviseFree(&j, r.Advice)
	case proven:
		j.State = api.JointWorking
		say(&j, "port_open", "Port", port)
	case endpoint != nil && endpoint.Source == peers.EndpointOperator:
		j.State = api.JointUnknown
		say(&j, "port_todo", "Port", port)
		adviseFree(&j, r.Advice)
	default:
		j.State = api.JointFailed
		say(&j, "port_shut", "Port", port)
		adviseFree(&j, r.Advice)
		if r.Verdict == upnp.Disabled {
			j.State = api.JointAttention
		}
	}
	return j
}

// outsideJoint is the proof: green only for what came in from outside.
func outsideJoint(r upnp.Status, endpoint *peers.Endpoint, seen proof, proven bool) api.Joint {
	j := api.Joint{Key: "outside", Title: "Outside", State: api.JointUnknown}
	switch {
	case proven:
		j.State, j.Since = api.JointWorking, seen.At
		if seen.Kept() && seen.Kind != upnp.ProofCounter {
			say(&j, "outside_earlier", "Network", seen.Network, "Family", familyOf(seen.Proof))
			break
		}
		switch seen.Kind {
		case upnp.ProofKnock:
			say(&j, "outside_knocked", "Address", seen.From, "Family", familyOf(seen.Proof))
		case upnp.ProofCounter:
			say(&j, "outside_counted")
		default:
			say(&j, "outside_seen", "Name", seen.peer, "Address", seen.From, "Family", familyOf(seen.Proof))
		}
	case endpoint == nil && r.Verdict != upnp.Starting:
		say(&j, "outside_cannot")
	default:
		say(&j, "outside_nobody")
		advise(&j, "outside_try")
	}
	return j
}

// clock is a time of day.
func clock(t time.Time) string { return t.Local().Format("15:04") }
