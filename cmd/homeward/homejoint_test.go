package main

import (
	"net/netip"
	"testing"

	"homeward/tunnel"
	"homeward/upnp"
	"homeward/web/api"
)

func TestHomeIsGreenOnlyForAnswersThatWentThrough(t *testing.T) {
	lan := []netip.Prefix{netip.MustParsePrefix("192.168.1.0/24")}
	asked := tunnel.Counters{Peers: []tunnel.PeerCounters{{FromPeer: tunnel.Traffic{Packets: 9}}}}
	answered := tunnel.Counters{Peers: []tunnel.PeerCounters{{ToPeer: tunnel.Traffic{Packets: 9}}}}
	for _, c := range []struct {
		name    string
		counted tunnel.Counters
		n       networks
		router  upnp.Verdict
		want    api.JointState
	}{
		{"nobody", tunnel.Counters{}, networks{lan: lan}, upnp.NoIGD, api.JointUnknown},
		{"asked", asked, networks{lan: lan}, upnp.NoIGD, api.JointUnknown},
		{"answered", answered, networks{lan: lan}, upnp.NoIGD, api.JointWorking},
		{"no network", answered, networks{}, upnp.NoIGD, api.JointAttention},
		{"a container's network", asked, networks{lan: lan, problem: "Run it elsewhere."}, upnp.NoIGD, api.JointAttention},
		{"what looks like one, with a router", asked, networks{lan: lan, problem: "Run it elsewhere."}, upnp.Mapped, api.JointUnknown},
		{"what looked like a container's network", answered, networks{lan: lan, problem: "Run it elsewhere."}, upnp.NoIGD, api.JointWorking},
	} {
		j := homeJoint(tunnel.Status{}, upnp.Status{Verdict: c.router}, c.counted, &c.n)
		if j.State != c.want || j.Summary == "" || (j.Advice == "") != (c.want != api.JointAttention) {
			t.Errorf("%s: %+v", c.name, j)
		}
	}
}
