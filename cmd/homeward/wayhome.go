package main

import (
	"fmt"
	"net/netip"
	"time"

	"homeward/peers"
	"homeward/tunnel"
	"homeward/upnp"
	"homeward/web/api"
)

// proofLasts is how long a handshake from outside proves that the port is open.
const proofLasts = 7 * 24 * time.Hour

const lookingForRouter = "Looking for the router."

// proof is a handshake that came from outside the house.
type proof struct {
	when time.Time
	from netip.Addr
	peer peers.Name
}

// evidence looks for the latest handshake from a public address that is not
// the router's own: such a one would have turned round inside the house.
func evidence(list []peers.Peer, wan netip.Addr, now time.Time) (proof, bool) {
	var best proof
	for _, p := range list {
		o := p.Observed
		from := o.Endpoint.Addr().Unmap()
		outside := from.IsGlobalUnicast() && !from.IsPrivate() && from != wan
		if outside && o.LastHandshake.After(best.when) && now.Sub(o.LastHandshake) < proofLasts {
			best = proof{o.LastHandshake, from, p.Name}
		}
	}
	return best, !best.when.IsZero()
}

// wayHome is the path from the internet to the LAN, joint by joint. Working is
// said only of what was observed, never of what a router promised.
func wayHome(t tunnel.Status, router upnp.Status, endpoint *peers.Endpoint, list []peers.Peer, now time.Time) []api.Joint {
	seen, proven := evidence(list, router.WAN, now)
	return []api.Joint{
		deviceJoint(t),
		routerJoint(router),
		portJoint(t, router, endpoint, seen, proven),
		addressJoint(router, endpoint),
	}
}

func deviceJoint(t tunnel.Status) api.Joint {
	j := api.Joint{Key: "device", Title: "Device", Since: t.Since}
	switch {
	case !t.Up:
		j.State, j.Summary = api.JointUnknown, "WireGuard is starting."
		if t.Problem != "" {
			j.State, j.Summary = api.JointFailed, "WireGuard is not running."
			j.Advice = t.Problem
		}
	case t.Problem != "":
		j.State, j.Summary, j.Advice = api.JointAttention, fmt.Sprintf("WireGuard listens on UDP %d, with a limit.", t.ListenPort), t.Problem
	default:
		j.State, j.Summary = api.JointWorking, fmt.Sprintf("WireGuard listens on UDP %d (%s).", t.ListenPort, planeInWords(t.Plane))
	}
	return j
}

func planeInWords(k tunnel.PlaneKind) string {
	if k == tunnel.PlaneTUN {
		return "through a network interface of its own"
	}
	return "rootless"
}

func routerJoint(r upnp.Status) api.Joint {
	j := api.Joint{Key: "router", Title: "Router", Since: r.Since}
	name := "The router"
	if r.Router.Name != "" {
		name = r.Router.Name
	}
	switch r.Verdict {
	case upnp.Starting:
		j.State, j.Summary = api.JointUnknown, lookingForRouter
	case upnp.Disabled:
		j.State, j.Summary = api.JointUnknown, "The router is not asked for anything."
	case upnp.NoRouter:
		j.State, j.Summary, j.Advice = api.JointFailed, "There is no router on this network.", r.Advice
	case upnp.NoIGD:
		j.State, j.Summary = api.JointAttention, fmt.Sprintf("The router at %v does not open ports by itself.", r.Gateway.Addr)
	case upnp.RouterBroken:
		j.State, j.Summary = api.JointAttention, fmt.Sprintf("%s at %v gives answers that make no sense.", name, r.Gateway.Addr)
	default:
		j.State, j.Summary = api.JointWorking, fmt.Sprintf("%s answers at %v.", name, r.Gateway.Addr)
	}
	return j
}

func portJoint(t tunnel.Status, r upnp.Status, endpoint *peers.Endpoint, seen proof, proven bool) api.Joint {
	j := api.Joint{Key: "port", Title: "Port", Since: r.Since}
	mapped := r.Verdict == upnp.Mapped && r.Mapping != nil
	switch {
	case proven:
		j.State, j.Since = api.JointWorking, seen.when
		j.Summary = fmt.Sprintf("Open: “%s” came in from %v.", seen.peer, seen.from)
	case mapped:
		j.State = api.JointUnknown
		j.Summary = fmt.Sprintf("The router says that UDP %d leads here. No device has come in from outside yet.", r.Mapping.External.Port())
		j.Advice = "To see it work: switch Wi-Fi off on the phone and turn its tunnel on."
	case r.Verdict == upnp.Starting:
		j.State, j.Summary = api.JointUnknown, fmt.Sprintf("Asking the router for UDP %d.", t.ListenPort)
	case endpoint != nil && endpoint.Source == peers.EndpointOperator:
		j.State = api.JointUnknown
		j.Summary = fmt.Sprintf("Forwarded by hand? No device has come in through UDP %d yet.", t.ListenPort)
		j.Advice = r.Advice
	default:
		j.State, j.Summary, j.Advice = api.JointFailed, fmt.Sprintf("UDP %d is not open on the router.", t.ListenPort), r.Advice
		if r.Verdict == upnp.Disabled {
			j.State = api.JointAttention
		}
	}
	return j
}

func addressJoint(r upnp.Status, endpoint *peers.Endpoint) api.Joint {
	j := api.Joint{Key: "address", Title: "Address", Since: r.Since}
	switch {
	case endpoint != nil:
		j.State, j.Summary = api.JointWorking, fmt.Sprintf("Devices call %s.", endpoint)
		if endpoint.Source == peers.EndpointRouter {
			j.Summary = fmt.Sprintf("Devices call %s, as the router told.", endpoint)
		}
		for _, w := range endpoint.Warnings {
			j.State, j.Advice = api.JointAttention, w
		}
	case r.Verdict == upnp.Starting:
		j.State, j.Summary = api.JointUnknown, "The public address of home is not known yet."
	default:
		j.State, j.Summary = api.JointFailed, "The public address of home is not known."
		j.Advice = "Set endpoint in homeward.toml (or --endpoint) to the public address or DNS name of your home."
	}
	return j
}
