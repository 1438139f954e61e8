package tunnel

import (
	"net/netip"
	"testing"

	"homeward/tunnel/internal/filter"
)

func TestAPeerWithoutAnAccessHasEverythingButTheBoxAndOtherPeers(t *testing.T) {
	got := guarded([]Peer{testPeer(1, "10.66.7.2")})[0].Access
	if !got.Home || !got.Internet || got.Peers || got.Box != nil || got.Allow != nil {
		t.Errorf("access = %+v", got)
	}
	nothing := testPeer(1, "10.66.7.2")
	nothing.Access = &Access{}
	if got := guarded([]Peer{nothing})[0].Access; got.Home || got.Internet {
		t.Errorf("an empty access has become %+v", got)
	}
}

func TestAnAccessWithAMistakeChangesNothing(t *testing.T) {
	tun, err := New(testConfig(t))
	if err != nil {
		t.Fatal(err)
	}
	good := testPeer(9, "10.66.7.9")
	if err := tun.SetPeers([]Peer{good}); err != nil {
		t.Fatal(err)
	}
	bad := testPeer(1, "10.66.7.2")
	bad.Access = &Access{Box: []Service{{Protocol: TCP, Ports: []PortRange{{First: 2, Last: 1}}}}}
	if err := tun.SetPeers([]Peer{bad}); err == nil {
		t.Error("accepted")
	}
	if c := tun.Counters(); len(tun.wanted) != 1 || len(c.Peers) != 1 || c.Peers[0].ID != good.PublicKey {
		t.Errorf("wanted = %v, counted for %v", tun.wanted, c.Peers)
	}
}

func TestNamesAreLookedUpWhateverIsGrantedAndTheRestIsCounted(t *testing.T) {
	cfg := testConfig(t)
	upstream := resolver(t)
	cfg.Resolvers = func() []netip.AddrPort { return []netip.AddrPort{upstream} }
	tun := runTunnel(t, cfg)
	anna := newPhone(t, cfg, "10.66.7.2", "fd00:66:7::2")
	anna.peer.Access = &Access{}
	if err := tun.SetPeers([]Peer{anna.peer}); err != nil {
		t.Fatal(err)
	}
	home := cfg.Addresses[0].Addr()
	if _, err := anna.ask(t, home, "nas.home.", patience); err != nil {
		t.Error(err)
	}
	before := tun.Counters().Peers[0]
	if before.FromPeer.Packets == 0 || before.ToPeer.Packets == 0 || before.Flows == 0 {
		t.Errorf("counted %+v", before)
	}
	c, err := anna.net.DialUDPAddrPort(netip.AddrPort{}, netip.AddrPortFrom(home, 54))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	// A later answer says that the filter has seen the earlier packet.
	if _, err := anna.ask(t, home, "nas.home.", patience); err != nil {
		t.Error(err)
	}
	if got := tun.Counters().Peers[0].Drops.Of(filter.ToBox); got != 1 {
		t.Errorf("%d packets to a port of the box were counted, want 1", got)
	}
}

func TestNamesOfNetworksInsideTheBox(t *testing.T) {
	for name, want := range map[string]bool{
		"docker0": true, "br-0123456789ab": true, "docker_gwbridge": true, "podman1": true, "virbr0": true, "cni0": true, "lxcbr0": true,
		"eth0": false, "br0": false, "br-lan": false, "vmbr0": false, "bond0": false, "wlan0": false, "homeward0": false, "docker": false,
	} {
		if got := inside.MatchString(name); got != want {
			t.Errorf("%s: inside = %t", name, got)
		}
	}
}

func TestTheBoxesOwnAddressesAreRead(t *testing.T) {
	h, err := readHost()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range h.Addresses {
		if p.Addr().IsLoopback() {
			return
		}
	}
	t.Errorf("no loopback address among %v", h.Addresses)
}
