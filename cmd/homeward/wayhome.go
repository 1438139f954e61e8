package main

import (
	"cmp"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"homeward/cmd/homeward/internal/dnsname"
	"homeward/peers"
	"homeward/tunnel"
	"homeward/upnp"
	"homeward/upnp/ddns"
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

// evidence looks for the latest handshake from a public address that is neither
// in one of the house's networks (at home, IPv6 addresses are public) nor the
// router's own: such a one would have turned round inside the house. What came
// before home had its present address, port and router proves nothing.
func evidence(list []peers.Peer, router upnp.Status, home []netip.Prefix, now time.Time) (proof, bool) {
	var best proof
	for _, p := range list {
		o := p.Observed
		from := o.Endpoint.Addr().Unmap()
		outside := !insider{router.WAN, home}.has(from)
		recent := now.Sub(o.LastHandshake) < proofLasts && !o.LastHandshake.Before(router.PlaceSince)
		if outside && recent && o.LastHandshake.After(best.when) {
			best = proof{o.LastHandshake, from, p.Name}
		}
	}
	return best, !best.when.IsZero()
}

// wayHome is the path from the internet to the LAN, joint by joint. Working is
// said only of what was observed, never of what a router promised.
func wayHome(t tunnel.Status, router upnp.Status, name dnsname.Status, endpoint *peers.Endpoint, list []peers.Peer, home []netip.Prefix, now time.Time) []api.Joint {
	seen, proven := evidence(list, router, home, now)
	joints := []api.Joint{
		deviceJoint(t),
		routerJoint(router),
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
	switch six.Verdict {
	case upnp.NoRouter, upnp.Disabled, upnp.Starting:
		return api.Joint{}, false
	case upnp.Mapped:
		j.State = api.JointWorking
		switch {
		case six.Foreign:
			j.Summary = "The router has no firewall for IPv6."
		case six.VerifiedAt.IsZero():
			j.Summary = fmt.Sprintf("The router has granted to let UDP %d through to %v.", six.Address.Port(), six.Address.Addr())
		default:
			j.Summary = fmt.Sprintf("The router lets UDP %d through to %v.", six.Address.Port(), six.Address.Addr())
		}
		if !six.TrafficAt.IsZero() {
			j.Summary += fmt.Sprintf(" It counted packets at %s.", six.TrafficAt.Local().Format("15:04"))
		}
	default:
		j.State, j.Summary = api.JointAttention, fmt.Sprintf("The router does not let UDP %d through by IPv6.", t.ListenPort)
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
	case upnp.IPv6Only:
		j.State, j.Summary = api.JointWorking, name+" opens its IPv6 firewall."
	default:
		j.State, j.Summary = api.JointWorking, fmt.Sprintf("%s answers at %v.", name, r.Gateway.Addr)
	}
	return j
}

// portJoint says what the router says. It is green for an entry that was read
// back: whether packets come through is the outside's business.
func portJoint(t tunnel.Status, r upnp.Status, endpoint *peers.Endpoint, proven bool) api.Joint {
	j := api.Joint{Key: "port", Title: "Port", Since: r.Since}
	mapped := r.Verdict == upnp.Mapped && r.Mapping != nil
	switch {
	case mapped && r.Mapping.Foreign:
		j.State = api.JointWorking
		j.Summary = fmt.Sprintf("UDP %d is forwarded here by hand, as the router's table says.", r.Mapping.External.Port())
		if !proven {
			j.Summary += " Nobody was seen to come in by it yet."
		}
	case mapped && !r.Mapping.VerifiedAt.IsZero():
		j.State = api.JointWorking
		j.Summary = fmt.Sprintf("The router sends UDP %d here (looked up at %s).", r.Mapping.External.Port(), r.Mapping.VerifiedAt.Local().Format("15:04"))
	case mapped:
		j.State = api.JointWorking
		j.Summary = fmt.Sprintf("The router has granted UDP %d. It cannot be asked whether it keeps it.", r.Mapping.External.Port())
		if !proven {
			j.State = api.JointUnknown
		}
	case r.Verdict == upnp.Starting:
		j.State, j.Summary = api.JointUnknown, fmt.Sprintf("Asking the router for UDP %d.", t.ListenPort)
	case r.Verdict == upnp.IPv6Only:
		j.State, j.Summary, j.Advice = api.JointAttention, fmt.Sprintf("UDP %d is open by IPv6 only.", t.ListenPort), r.Advice
	case proven:
		j.State, j.Summary = api.JointWorking, fmt.Sprintf("UDP %d is open, though homeward did not open it.", t.ListenPort)
	case endpoint != nil && endpoint.Source == peers.EndpointOperator:
		j.State, j.Summary, j.Advice = api.JointUnknown, fmt.Sprintf("UDP %d has to be forwarded by hand. Nobody was seen to come in by it yet.", t.ListenPort), r.Advice
	default:
		j.State, j.Summary, j.Advice = api.JointFailed, fmt.Sprintf("UDP %d is not open on the router.", t.ListenPort), r.Advice
		if r.Verdict == upnp.Disabled {
			j.State = api.JointAttention
		}
	}
	return j
}

// outsideJoint is the proof: green only for a device that came in from outside.
func outsideJoint(r upnp.Status, endpoint *peers.Endpoint, seen proof, proven bool) api.Joint {
	j := api.Joint{Key: "outside", Title: "Outside", State: api.JointUnknown}
	switch {
	case proven:
		family := "IPv4"
		if seen.from.Is6() {
			family = "IPv6"
		}
		j.State, j.Since = api.JointWorking, seen.when
		j.Summary = fmt.Sprintf("“%s” came in from %v (%s).", seen.peer, seen.from, family)
	case endpoint == nil && r.Verdict != upnp.Starting:
		j.Summary = "No device can come in yet: see above."
	default:
		j.Summary = "No device has come in from outside yet."
		j.Advice = "To see it work: switch Wi-Fi off on the phone and turn its tunnel on."
	}
	return j
}

func addressJoint(r upnp.Status, name dnsname.Status, endpoint *peers.Endpoint) api.Joint {
	j := api.Joint{Key: "address", Title: "Address", Since: r.Since}
	switch {
	case endpoint != nil:
		j.State, j.Summary = api.JointWorking, "Devices call "+calledAs(*endpoint, name)
		for _, w := range endpoint.Warnings {
			j.State, j.Advice = api.JointAttention, w
		}
	case r.Verdict == upnp.Starting:
		j.State, j.Summary = api.JointUnknown, "The public address of home is not known yet."
	default:
		j.State, j.Summary = api.JointFailed, "The public address of home is not known."
		j.Advice = "Set endpoint in homeward.toml (or --endpoint) to the public address or DNS name of your home."
	}
	if problem, advice := nameTrouble(name); problem != "" && (endpoint == nil || endpoint.Source != peers.EndpointOperator) {
		if j.State == api.JointWorking {
			j.State = api.JointAttention
		}
		j.Summary += " " + problem
		j.Advice = cmp.Or(advice, j.Advice)
	}
	return j
}

// calledAs says what devices call, who vouches for it, and how sure that is.
func calledAs(e peers.Endpoint, name dnsname.Status) string {
	switch e.Source {
	case peers.EndpointRouter:
		return fmt.Sprintf("%s, as the router told.", e)
	case peers.EndpointName:
		provider := name.Keeping.Provider.Label()
		if name.Keeping.State == ddns.Verified {
			return fmt.Sprintf("%s. The servers of %s say that it leads here.", e, provider)
		}
		return fmt.Sprintf("%s, a name at %s.", e, provider)
	}
	return e.String() + "."
}

// nameTrouble is what stands between the house and its DNS name, and what to do.
// Both are empty while all is well.
func nameTrouble(name dnsname.Status) (problem, advice string) {
	switch {
	case name.Problem != "":
		return "The DNS name is not kept up to date.", name.Problem + ": enter it again with 'homeward dns set'."
	case !name.Chosen:
		return "", ""
	case name.Keeping.Problem != "":
		return fmt.Sprintf("The name %s has a problem: %s.", name.Settings.Name, name.Keeping.Problem), sentence(name.Keeping.Advice)
	case !name.Ready:
		return fmt.Sprintf("The name %s was not seen to lead here yet.", name.Settings.Name), "Wait a few minutes before you make codes: they will have the name then, and stay good when the address changes."
	}
	return "", ""
}

// sentence makes one of words that are the end of one.
func sentence(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}
