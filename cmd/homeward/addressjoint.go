package main

import (
	"strings"

	"homeward/cmd/homeward/internal/dnsname"
	"homeward/peers"
	"homeward/upnp"
	"homeward/upnp/ddns"
	"homeward/web/api"
)

func addressJoint(r upnp.Status, name dnsname.Status, endpoint *peers.Endpoint) api.Joint {
	j := api.Joint{Key: "address", Title: "Address", Since: r.Since}
	switch {
	case endpoint != nil:
		j.State = api.JointWorking
		sayCalledAs(&j, *endpoint, name)
		for _, w := range endpoint.Warnings {
			j.State = api.JointAttention
			adviseFree(&j, w)
		}
	case r.Verdict == upnp.Starting:
		j.State = api.JointUnknown
		say(&j, "address_not_yet")
	default:
		j.State = api.JointFailed
		say(&j, "address_unknown")
		advise(&j, "address_set")
	}
	if endpoint == nil || endpoint.Source != peers.EndpointOperator {
		if sayNameTrouble(&j, name) && j.State == api.JointWorking {
			j.State = api.JointAttention
		}
	}
	return j
}

// sayCalledAs says what devices call, who vouches for it, and how sure that is.
func sayCalledAs(j *api.Joint, e peers.Endpoint, name dnsname.Status) {
	provider := name.Keeping.Provider.Label()
	switch {
	case e.Source == peers.EndpointRouter:
		say(j, "address_router", "Endpoint", e)
	case e.Source == peers.EndpointName && name.Keeping.State == ddns.Verified:
		say(j, "address_name_verified", "Endpoint", e, "Provider", provider)
	case e.Source == peers.EndpointName:
		say(j, "address_name", "Endpoint", e, "Provider", provider)
	default:
		say(j, "address_own", "Endpoint", e)
	}
}

// sayNameTrouble says what stands between the house and its DNS name, and what to
// do. It is false while all is well.
func sayNameTrouble(j *api.Joint, name dnsname.Status) bool {
	switch {
	case name.Problem != "":
		say(j, "name_stale")
		adviseFree(j, name.Problem+": enter it again with 'homeward dns set'.")
	case !name.Chosen:
		return false
	case name.Keeping.Problem != "":
		say(j, "name_problem", "Name", name.Settings.Name, "Problem", name.Keeping.Problem)
		if name.Keeping.Advice != "" {
			adviseFree(j, sentence(name.Keeping.Advice))
		}
	case !name.Ready:
		say(j, "name_not_yet", "Name", name.Settings.Name)
		advise(j, "name_wait")
	default:
		return false
	}
	return true
}

// sentence makes one of words that are the end of one.
func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] + "." }
