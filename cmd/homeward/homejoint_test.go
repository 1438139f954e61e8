package main

import (
	"net/netip"
	"testing"

	"homeward/tunnel"
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
		want    api.JointState
	}{
		{"nobody", tunnel.Counters{}, networks{lan: lan}, api.JointUnknown},
		{"asked", asked, networks{lan: lan}, api.JointUnknown},
		{"answered", answered, networks{lan: lan}, api.JointWorking},
		{"no network", answered, networks{}, api.JointAttention},
		{"a container's network", asked, networks{lan: lan, problem: "Run it elsewhere."}, api.JointAttention},
		{"what looked like a container's network", answered, networks{lan: lan, problem: "Run it elsewhere."}, api.JointWorking},
	} {
		j := homeJoint(tunnel.Status{}, c.counted, &c.n)
		if j.State != c.want || j.Summary == "" || (j.Advice == "") != (c.want != api.JointAttention) {
			t.Errorf("%s: %+v", c.name, j)
		}
	}
}
