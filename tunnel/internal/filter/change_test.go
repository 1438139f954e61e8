package filter

import (
	"net/netip"
	"testing"
)

// connected is a TCP connection through the filter.
func (w *world) connected(from, to netip.AddrPort) bool {
	w.t.Helper()
	return w.up(tcp(from, to, tcpSYN)) && w.down(tcp(to, from, tcpSYN|tcpACK)) && w.up(tcp(from, to, tcpACK))
}

// goesOn says whether an open connection still carries both ways.
func (w *world) goesOn(from, to netip.AddrPort) bool {
	w.t.Helper()
	a, b := w.down(tcp(to, from, tcpACK)), w.up(tcp(from, to, tcpACK))
	return a && b
}

func TestARuleChangeCutsWhatItForbidsAndNothingElse(t *testing.T) {
	both(t, Everything(), Everything(), func(w *world, f family) {
		inside, outside := at(f.home, 445), at(f.far, 443)
		for _, from := range []netip.Addr{f.anna, f.bert} {
			w.passes("to home", w.connected(at(from, 4000), inside))
			w.passes("to the internet", w.connected(at(from, 4001), outside))
		}
		if err := w.SetPeers(peersWith(InternetOnly(), Everything())); err != nil {
			t.Fatal(err)
		}
		if got := w.Snapshot().Flows; got != 3 {
			t.Errorf("%d flows are open, want 3", got)
		}
		w.dropped("from home", w.down(tcp(inside, at(f.anna, 4000), tcpACK)))
		w.dropped("to home", w.up(tcp(at(f.anna, 4000), inside, tcpACK)))
		w.passes("to the internet", w.goesOn(at(f.anna, 4001), outside))
		w.passes("another peer's to home", w.goesOn(at(f.bert, 4000), inside))
	})
}

func TestANarrowerPortRangeCutsWhatItLeavesOut(t *testing.T) {
	rule := func(last uint16) Access {
		var a Access
		for _, f := range families {
			a.Allow = append(a.Allow, Rule{To: Range{f.home, f.home}, Service: Service{Protocol: TCP, Ports: []PortRange{{80, last}}}})
		}
		return a
	}
	both(t, rule(90), Access{}, func(w *world, f family) {
		w.passes("port 80", w.connected(at(f.anna, 4000), at(f.home, 80)))
		w.passes("port 90", w.connected(at(f.anna, 4000), at(f.home, 90)))
		if err := w.SetPeers(peersWith(rule(89), Access{})); err != nil {
			t.Fatal(err)
		}
		w.passes("port 80", w.goesOn(at(f.anna, 4000), at(f.home, 80)))
		w.dropped("port 90", w.down(tcp(at(f.home, 90), at(f.anna, 4000), tcpACK)))
	})
}

func TestARevokedPeerIsOutAtOnceAndComesBackWithNothing(t *testing.T) {
	both(t, Everything(), Everything(), func(w *world, f family) {
		to := at(f.home, 445)
		w.passes("anna", w.connected(at(f.anna, 4000), to))
		w.passes("bert", w.connected(at(f.bert, 4000), to))
		two := peersWith(Everything(), Everything())
		if err := w.SetPeers(two[1:]); err != nil {
			t.Fatal(err)
		}
		w.dropped("from anna", w.up(tcp(at(f.anna, 4000), to, tcpACK)))
		w.dropped("to anna", w.down(tcp(to, at(f.anna, 4000), tcpACK)))
		w.passes("bert", w.goesOn(at(f.bert, 4000), to))
		if s := w.Snapshot(); len(s.Peers) != 1 || s.Flows != 1 {
			t.Errorf("snapshot = %+v", s)
		}
		if err := w.SetPeers(two); err != nil {
			t.Fatal(err)
		}
		w.dropped("to anna, who is back", w.down(tcp(to, at(f.anna, 4000), tcpACK)))
	})
}

func TestARevokeReachesABatchThatHasBegun(t *testing.T) {
	both(t, Everything(), Everything(), func(w *world, f family) {
		var s session
		s.begin(w.Filter)
		if err := w.SetPeers(nil); err != nil {
			t.Fatal(err)
		}
		if got := s.judge(knock(f.anna, f.home), fromPeer); got != Spoofed {
			t.Errorf("judged %v", got)
		}
		s.end()
		if n := w.Snapshot().Flows; n != 0 {
			t.Errorf("%d flows are open", n)
		}
	})
}

func TestANewAddressOfTheBoxReachesABatchThatHasBegun(t *testing.T) {
	both(t, Everything(), Everything(), func(w *world, f family) {
		var s session
		s.begin(w.Filter)
		w.SetHost(Host{Addresses: []netip.Prefix{netip.PrefixFrom(f.home, f.home.BitLen())}})
		if got := s.judge(knock(f.anna, f.home), fromPeer); got != ToBox {
			t.Errorf("judged %v", got)
		}
		s.end()
	})
}

func TestFlowsToAPeerEndWithIt(t *testing.T) {
	both(t, Access{Peers: true}, Everything(), func(w *world, f family) {
		w.passes("to bert", w.up(knock(f.anna, f.bert)))
		if err := w.SetPeers(peersWith(Access{Peers: true}, Everything())[:1]); err != nil {
			t.Fatal(err)
		}
		if n := w.Snapshot().Flows; n != 0 {
			t.Errorf("%d flows are open", n)
		}
	})
}

func TestAnAddressThatChangesHandsTakesNoFlowAlong(t *testing.T) {
	both(t, Everything(), Everything(), func(w *world, f family) {
		w.passes("anna", w.connected(at(f.anna, 4000), at(f.home, 445)))
		swapped := peersWith(Everything(), Everything())
		swapped[0].Addresses, swapped[1].Addresses = swapped[1].Addresses, swapped[0].Addresses
		if err := w.SetPeers(swapped); err != nil {
			t.Fatal(err)
		}
		w.dropped("to the address", w.down(tcp(at(f.home, 445), at(f.anna, 4000), tcpACK)))
		w.passes("from it", w.up(tcp(at(f.anna, 4001), at(f.home, 445), tcpSYN)))
		if s := w.Snapshot(); s.Peers[1].Flows != 1 || s.Peers[0].Flows != 0 {
			t.Errorf("the flow is counted for the wrong peer: %+v", s.Peers)
		}
	})
}

func TestAnAddressThatTheBoxGetsIsOutOfReachAtOnce(t *testing.T) {
	both(t, Everything(), Everything(), func(w *world, f family) {
		w.passes("before", w.connected(at(f.anna, 4000), at(f.home, 445)))
		w.SetHost(Host{Addresses: append(hostNets[:len(hostNets):len(hostNets)], netip.PrefixFrom(f.home, f.home.BitLen()))})
		w.dropped("to it", w.up(tcp(at(f.anna, 4000), at(f.home, 445), tcpACK)))
		w.dropped("from it", w.down(tcp(at(f.home, 445), at(f.anna, 4000), tcpACK)))
		w.SetHost(Host{Addresses: hostNets})
		w.passes("control: when it has it no more", w.up(tcp(at(f.anna, 4000), at(f.home, 445), tcpSYN)))
	})
}

func TestSettingTheSameAgainDisturbsNothing(t *testing.T) {
	both(t, all(), Everything(), func(w *world, f family) {
		w.passes("to home", w.connected(at(f.anna, 4000), at(f.home, 445)))
		w.passes("to bert", w.up(knock(f.anna, f.bert)))
		before := w.Snapshot()
		for range 3 {
			w.SetHost(Host{Addresses: hostNets})
			if err := w.SetPeers(peersWith(all(), Everything())); err != nil {
				t.Fatal(err)
			}
		}
		after := w.Snapshot()
		for i := range after.Peers {
			if before.Peers[i] != after.Peers[i] {
				t.Errorf("was %+v, is %+v", before.Peers[i], after.Peers[i])
			}
		}
		w.passes("to home", w.goesOn(at(f.anna, 4000), at(f.home, 445)))
	})
}

func TestTheCallersListMayChangeAfterwards(t *testing.T) {
	list := peersWith(Chosen(Rule{To: RangeOf(prefix("192.168.77.20/32")), Service: Service{Protocol: UDP, Ports: []PortRange{Port(80)}}}), Access{})
	w := newWorld(t, Limits{}, Access{}, Access{})
	if err := w.SetPeers(list); err != nil {
		t.Fatal(err)
	}
	list[0].Access.Allow[0].Ports[0] = PortRange{0, 65535}
	list[0].Access.Allow[0].To = RangeOf(prefix("0.0.0.0/0"))
	w.dropped("what the list says now", w.up(knock(families[0].anna, families[0].home)))
	w.passes("control: what it said", w.up(udp(at(families[0].anna, 1), at(families[0].home, 80))))
}

func TestChangesCountWhatMayEndFlows(t *testing.T) {
	w := newWorld(t, Limits{}, Everything(), Everything())
	two := peersWith(Everything(), Everything())
	for _, c := range []struct {
		name   string
		do     func() error
		counts bool
	}{
		{"the same again", func() error { return w.SetPeers(two) }, false},
		{"a peer less", func() error { return w.SetPeers(two[:1]) }, false},
		{"a peer more", func() error { return w.SetPeers(two) }, false},
		{"another access", func() error { return w.SetPeers(peersWith(Everything(), HomeOnly())) }, true},
		{"the same host", func() error { w.SetHost(Host{Addresses: hostNets}); return nil }, false},
		{"more at home", func() error {
			w.SetHost(Host{Addresses: hostNets, Home: []netip.Prefix{netip.MustParsePrefix("203.0.113.77/32")}})
			return nil
		}, true},
		{"another host", func() error { w.SetHost(Host{Addresses: hostNets[1:]}); return nil }, true},
		{"a mistake", func() error { _ = w.SetPeers(append(two, two...)); return nil }, false},
	} {
		before := w.Changes()
		if err := c.do(); err != nil {
			t.Fatal(err)
		}
		if got := w.Changes() != before; got != c.counts {
			t.Errorf("%s: counted = %t", c.name, got)
		}
	}
}

func TestMistakesAreRefusedAndChangeNothing(t *testing.T) {
	four, six := addr("192.168.77.20"), addr("fd77::1")
	service := Service{Protocol: TCP}
	for name, spoil := range map[string]func([]Peer) []Peer{
		"the same peer twice":    func(l []Peer) []Peer { return append(l, l[0]) },
		"an address twice":       func(l []Peer) []Peer { l[1].Addresses = l[0].Addresses; return l },
		"an address of nobody":   func(l []Peer) []Peer { l[0].Addresses = []netip.Addr{addr("0.0.0.0")}; return l },
		"a mapped address":       func(l []Peer) []Peer { l[0].Addresses = []netip.Addr{addr("::ffff:10.66.0.9")}; return l },
		"an address with a zone": func(l []Peer) []Peer { l[0].Addresses = []netip.Addr{addr("fd66::9%eth0")}; return l },
		"two families":           func(l []Peer) []Peer { l[0].Access = Chosen(Rule{To: Range{four, six}}); return l },
		"the wrong way round":    func(l []Peer) []Peer { l[0].Access = Chosen(Rule{To: Range{four.Next(), four}}); return l },
		"no addresses":           func(l []Peer) []Peer { l[0].Access = Chosen(Rule{Service: service}); return l },
		"a rule for mapped ones": func(l []Peer) []Peer {
			l[0].Access = Chosen(Rule{To: RangeOf(prefix("::ffff:10.0.0.0/104"))})
			return l
		},
		"an unknown protocol": func(l []Peer) []Peer { l[0].Access.Box = []Service{{Protocol: 99}}; return l },
		"ports of ICMP":       func(l []Peer) []Peer { l[0].Access.Box = []Service{{ICMP, []PortRange{Port(1)}}}; return l },
		"ports wrong way":     func(l []Peer) []Peer { l[0].Access.Box = []Service{{TCP, []PortRange{{2, 1}}}}; return l },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, Limits{}, HomeOnly(), Access{})
			before := w.policy.Load()
			if err := w.SetPeers(spoil(peersWith(HomeOnly(), Access{}))); err == nil {
				t.Error("accepted")
			}
			if w.policy.Load() != before {
				t.Error("the policy has changed")
			}
		})
	}
	if _, err := New(Config{}); err == nil {
		t.Error("a filter without addresses is accepted")
	}
	if _, err := New(Config{Addresses: tunnelNets, Limits: Limits{Total: 5}}); err == nil {
		t.Error("limits of nothing are accepted")
	}
}
