//go:build linux

package tunnel

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// A phone that calls another port comes in there, and the one that is in stays in.
func TestPeersComeInByFurtherPorts(t *testing.T) {
	cfg := testConfig(t)
	tun := runTunnel(t, cfg)
	own := cfg.Addresses[0].Addr()
	first := newPhone(t, cfg, "10.66.7.2")
	further := cfg
	further.ListenPort = freePort(t)
	second := newPhone(t, further, "10.66.7.3")
	if err := tun.SetPeers([]Peer{first.peer, second.peer}); err != nil {
		t.Fatal(err)
	}
	if _, err := first.ask(t, own, "nas.home.", patience); err != nil {
		t.Fatal(err)
	}
	before := handshakeOf(t, tun, first)
	if _, err := second.ask(t, own, "nas.home.", 300*time.Millisecond); err == nil {
		t.Fatal("it comes in by a port that is not listened on: the test proves nothing")
	}

	if err := tun.SetFurtherPorts([]uint16{further.ListenPort}); err != nil {
		t.Fatal(err)
	}
	if got := tun.Status().Further; !slices.Equal(got, []uint16{further.ListenPort}) {
		t.Errorf("the status has %v", got)
	}
	if _, err := second.ask(t, own, "nas.home.", patience); err != nil {
		t.Errorf("by the further port: %v", err)
	}
	if _, err := first.ask(t, own, "nas.home.", patience); err != nil {
		t.Errorf("by the first port: %v", err)
	}
	if handshakeOf(t, tun, first) != before {
		t.Error("who was in had to begin a new session")
	}

	if err := tun.SetFurtherPorts(nil); err != nil {
		t.Fatal(err)
	}
	if _, err := second.ask(t, own, "nas.home.", 300*time.Millisecond); err == nil {
		t.Error("the port that was given up is still listened on")
	}
}

func handshakeOf(t *testing.T, tun *Tunnel, p *phone) time.Time {
	t.Helper()
	for _, s := range tun.Peers() {
		if s.PublicKey == p.peer.PublicKey {
			return s.LastHandshake
		}
	}
	t.Fatal("no such peer")
	return time.Time{}
}

func TestFurtherPortsThatCannotBeAreNamed(t *testing.T) {
	cfg := testConfig(t)
	taken, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("0.0.0.0:0")))
	if err != nil {
		t.Fatal(err)
	}
	port := taken.LocalAddr().(*net.UDPAddr).AddrPort().Port()
	tun := runTunnel(t, cfg)
	for _, ports := range [][]uint16{{0}, {cfg.ListenPort}, {port, port}} {
		if err := tun.SetFurtherPorts(ports); err == nil {
			t.Errorf("%v is taken", ports)
		}
	}
	if err := tun.SetFurtherPorts([]uint16{port}); !errors.Is(err, ErrPortInUse) {
		t.Errorf("a port that another program has: %v", err)
	}
	if problem := tun.Status().Problem; !strings.Contains(problem, "not listened on") {
		t.Errorf("the status says %q", problem)
	}
	taken.Close()
	if err := tun.SetFurtherPorts([]uint16{port}); err != nil {
		t.Errorf("once it is free: %v", err)
	}
	if problem := tun.Status().Problem; strings.Contains(problem, "not listened on") {
		t.Errorf("the status says %q", problem)
	}
}

// What is wanted before the start is open from the start.
func TestFurtherPortsBeforeTheStart(t *testing.T) {
	cfg := testConfig(t)
	further := cfg
	further.ListenPort = freePort(t)
	p := newPhone(t, further, "10.66.7.2")
	tun, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(tun.SetFurtherPorts([]uint16{further.ListenPort}), tun.SetPeers([]Peer{p.peer})); err != nil {
		t.Fatal(err)
	}
	run(t, tun)
	if _, err := p.ask(t, cfg.Addresses[0].Addr(), "nas.home.", patience); err != nil {
		t.Error(err)
	}
}
