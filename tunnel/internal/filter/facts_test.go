package filter

import (
	"net/netip"
	"testing"
)

var allProtocols = Service{}

// all is what grants most: everything that can be granted.
func all() Access {
	return Access{Home: true, Internet: true, Peers: true, Box: []Service{allProtocols}, Allow: []Rule{
		{To: RangeOf(prefix("0.0.0.0/0"))}, {To: RangeOf(prefix("::/0"))},
	}}
}

// knock is the first packet of a flow by UDP.
func knock(from, to netip.Addr) []byte { return udp(at(from, 4000), at(to, 4711)) }

func TestSpoofedInnerSourcesAreDropped(t *testing.T) {
	both(t, all(), all(), func(w *world, f family) {
		for _, from := range []netip.Addr{f.stranger, f.home, f.own, f.box, f.loopback, f.unspecified, f.multicast, f.nobody, f.far} {
			w.dropped("from "+from.String(), w.up(knock(from, f.home)))
		}
		if got := w.Snapshot().Strangers.Of(Spoofed); got != 9 {
			t.Errorf("counted %d spoofed packets, want 9", got)
		}
		w.passes("control: from a peer's own address", w.up(knock(f.anna, f.home)))
	})
}

func TestAGuestReachesNothingOfTheBoxOrOfOthersByAnyAddress(t *testing.T) {
	guest := Chosen(Rule{To: Range{families[0].home, families[0].home}}, Rule{To: Range{families[1].home, families[1].home}})
	both(t, guest, Everything(), func(w *world, f family) {
		for _, to := range []netip.Addr{f.box, f.own, f.bert, f.nobody, f.far, f.farther} {
			w.dropped("to "+to.String(), w.up(knock(f.anna, to)))
			w.dropped("tcp to "+to.String(), w.up(tcp(at(f.anna, 4000), at(to, 443), tcpSYN)))
		}
		w.passes("control: what was chosen", w.up(knock(f.anna, f.home)))
	})
}

// disguises are addresses that lead to 192.168.77.10, 127.0.0.1 or 8.8.8.8 and
// don't look like it.
func disguises() []netip.Addr {
	var out []netip.Addr
	for _, s := range []string{
		"::ffff:192.168.77.10", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::192.168.77.10", "::127.0.0.1", "::8.8.8.8", "::ffff:0:192.168.77.10",
		"64:ff9b::192.168.77.10", "64:ff9b::127.0.0.1", "64:ff9b::8.8.8.8", "64:ff9b:1::c0a8:4d0a", "64:ff9b:1:ffff:c0:a84d:a00::",
		"2002:c0a8:4d0a::1", "2002:7f00:1::", "2002:808:808::1", "2001:0:c0a8:4d0a::1", "2001:0:808:808:0:0:3f57:b2f5",
		"fe80::5efe:192.168.77.10", "fd77::5efe:192.168.77.10", "2a00:1::200:5efe:127.0.0.1",
	} {
		out = append(out, addr(s))
	}
	return out
}

func TestDisguisedDestinationsAreDroppedWhateverIsGranted(t *testing.T) {
	w := newWorld(t, Limits{}, all(), all())
	f := families[1]
	for _, to := range disguises() {
		w.dropped("to "+to.String(), w.up(knock(f.anna, to)))
	}
	w.passes("control: an honest address", w.up(knock(f.anna, f.far)))

	off := newWorld(t, Limits{}, all(), all())
	off.undefended()
	for _, to := range disguises() {
		off.passes("control: with the defence off, to "+to.String(), off.up(knock(f.anna, to)))
	}
}

// specials live nowhere that a peer may reach.
func specials(f family) []netip.Addr {
	out := []netip.Addr{f.loopback, f.linkLocal, f.multicast, f.unspecified, f.metadata, f.boxNet}
	more := []string{"fd20:ce::254", "fec0::1", "ff02::1", "fe80::10"}
	if f.own.Is4() {
		more = []string{"127.9.9.9", "0.1.2.3", "224.0.0.1", "255.255.255.255", "240.0.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192", "192.168.77.0"}
	}
	for _, s := range more {
		out = append(out, addr(s))
	}
	return out
}

func TestSpecialDestinationsAreDroppedWhateverIsGranted(t *testing.T) {
	both(t, all(), all(), func(w *world, f family) {
		for _, to := range specials(f) {
			w.dropped("to "+to.String(), w.up(knock(f.anna, to)))
		}
		w.undefended()
		for _, to := range specials(f) {
			w.passes("control: with the defence off, to "+to.String(), w.up(knock(f.anna, to)))
		}
	})
}

// undefended takes every address for one in the internet.
func (w *world) undefended() {
	p := *w.policy.Load()
	p.look = func(netip.Addr) class { return internet }
	w.publish(&p)
}

func TestTheTunnelsOwnAddressAnswersNamesAndEchoAlways(t *testing.T) {
	both(t, Access{}, Access{}, func(w *world, f family) {
		w.passes("DNS by UDP", w.up(udp(at(f.anna, 4000), at(f.own, 53))))
		w.passes("its answer", w.down(udp(at(f.own, 53), at(f.anna, 4000))))
		w.passes("DNS by TCP", w.up(tcp(at(f.anna, 4000), at(f.own, 53), tcpSYN)))
		w.passes("echo", w.up(echo(f.anna, f.own, false, 7)))
		w.passes("its answer", w.down(echo(f.own, f.anna, true, 7)))
		w.dropped("another port", w.up(udp(at(f.anna, 4000), at(f.own, 54))))
		w.dropped("DNS elsewhere", w.up(udp(at(f.anna, 4000), at(f.home, 53))))
		w.dropped("echo elsewhere", w.up(echo(f.anna, f.home, false, 8)))
	})
}

func TestTheBoxIsReachedOnlyByTheServicesGranted(t *testing.T) {
	nas := Access{Box: []Service{{Protocol: TCP, Ports: []PortRange{Port(445)}}}}
	both(t, nas, all(), func(w *world, f family) {
		for _, to := range []netip.Addr{f.box, f.own} {
			w.passes("the granted port", w.up(tcp(at(f.anna, 4000), at(to, 445), tcpSYN)))
			w.dropped("another port", w.up(tcp(at(f.anna, 4000), at(to, 22), tcpSYN)))
			w.dropped("another protocol", w.up(udp(at(f.anna, 4000), at(to, 445))))
		}
	})
}

// A peer that calls the tunnel from inside of it would be sent each packet again and again.
func TestTheTunnelsOwnPortsAreNoServiceOfTheBox(t *testing.T) {
	both(t, Access{Box: []Service{allProtocols}}, Access{Box: []Service{allProtocols}}, func(w *world, f family) {
		open := func(to netip.Addr, port uint16) Flow { return Flow{f.anna, at(to, port), protoUDP} }
		for _, to := range []netip.Addr{f.box, f.own} {
			w.passes("control: before the ports are known", w.up(udp(at(f.anna, 4000), at(to, 51820))))
		}
		w.SetHost(Host{Addresses: hostNets, Listens: []uint16{51820, 57618}})
		for _, to := range []netip.Addr{f.box, f.own} {
			w.dropped("the first port", w.up(udp(at(f.anna, 4001), at(to, 51820))))
			w.dropped("a further port", w.up(udp(at(f.anna, 4001), at(to, 57618))))
			w.dropped("a flow from before", w.up(udp(at(f.anna, 4000), at(to, 51820))))
			w.passes("another port", w.up(udp(at(f.anna, 4001), at(to, 51821))))
			w.passes("TCP", w.up(tcp(at(f.anna, 4001), at(to, 51820), tcpSYN)))
			if w.Allows(open(to, 51820)) || !w.Allows(open(to, 51821)) {
				t.Error("what it says and what it does differ")
			}
		}
	})
}

func TestContainersInTheBoxAreTheBox(t *testing.T) {
	inside := []netip.Addr{addr("172.17.0.2"), addr("fd17::2")}
	for i, f := range families {
		w := newWorld(t, Limits{}, Everything(), Access{Box: []Service{allProtocols}})
		w.SetHost(Host{Addresses: hostNets, Inside: []netip.Prefix{prefix("172.17.0.0/16"), prefix("fd17::/64")}})
		w.dropped("a container", w.up(knock(f.anna, inside[i])))
		w.passes("who may reach the box", w.up(knock(f.bert, inside[i])))
		w.SetHost(Host{Addresses: hostNets})
		w.passes("control: as a network at home", w.up(knock(f.anna, inside[i])))
	}
}

func TestTheHousesPublicAddressIsAtHome(t *testing.T) {
	for _, f := range families {
		w := newWorld(t, Limits{}, InternetOnly(), HomeOnly())
		w.passes("control: an address like any other", w.up(knock(f.anna, f.far)))
		w.dropped("control: for who may only go home", w.up(knock(f.bert, f.far)))
		w.SetHost(Host{Addresses: hostNets, Home: []netip.Prefix{netip.PrefixFrom(f.far, f.far.BitLen())}})
		w.dropped("the router's page by its public address", w.up(knock(f.anna, f.far)))
		w.passes("who may go home", w.up(knock(f.bert, f.far)))
		w.passes("control: its neighbour", w.up(knock(f.anna, f.farther)))
	}
}

func TestAllowsSaysWhatTheFilterDoes(t *testing.T) {
	both(t, HomeOnly(), Access{}, func(w *world, f family) {
		for _, to := range []netip.Addr{f.home, f.far, f.box, f.bert, f.own, f.multicast} {
			for _, from := range []netip.Addr{f.anna, f.bert, f.stranger} {
				if got, want := w.Allows(Flow{from, at(to, 4711), protoUDP}), w.up(knock(from, to)); got != want {
					t.Errorf("%v to %v: allowed = %t, passed = %t", from, to, got, want)
				}
			}
		}
	})
}

func TestBeforeTheBoxesAddressesAreKnownEverythingMayBeTheBox(t *testing.T) {
	for _, f := range families {
		w := &world{t: t, wire: &wire{}}
		var err error
		if w.Filter, err = New(Config{Addresses: tunnelNets}); err != nil {
			t.Fatal(err)
		}
		if err := w.SetPeers(peersWith(all(), all())); err != nil {
			t.Fatal(err)
		}
		w.front = w.Wrap(w.wire)
		w.dropped("to "+f.home.String(), w.up(knock(f.anna, f.home)))
		w.passes("DNS", w.up(udp(at(f.anna, 4000), at(f.own, 53))))
		w.SetHost(Host{Addresses: hostNets})
		w.passes("control: afterwards", w.up(knock(f.anna, f.home)))
	}
}

func TestRepliesPassAndNothingElseComesToAPeer(t *testing.T) {
	both(t, Everything(), Everything(), func(w *world, f family) {
		w.dropped("before the question", w.down(udp(at(f.home, 4711), at(f.anna, 4000))))
		w.passes("the question", w.up(udp(at(f.anna, 4000), at(f.home, 4711))))
		w.passes("the answer", w.down(udp(at(f.home, 4711), at(f.anna, 4000))))
		w.dropped("from another port", w.down(udp(at(f.home, 4712), at(f.anna, 4000))))
		w.dropped("to another port", w.down(udp(at(f.home, 4711), at(f.anna, 4001))))
		w.dropped("from another host", w.down(udp(at(f.far, 4711), at(f.anna, 4000))))
		w.dropped("to another peer", w.down(udp(at(f.home, 4711), at(f.bert, 4000))))
		w.dropped("by another protocol", w.down(tcp(at(f.home, 4711), at(f.anna, 4000), tcpSYN)))
		w.dropped("a ping", w.down(echo(f.home, f.anna, false, 0)))
		w.dropped("from the box", w.down(tcp(at(f.own, 4000), at(f.anna, 22), tcpSYN)))
		w.dropped("to an address that is nobody's", w.down(knock(f.home, f.nobody)))
	})
}

func TestEchoGoesByItsIdentifierAndOnlyOneWay(t *testing.T) {
	both(t, Everything(), Everything(), func(w *world, f family) {
		for _, id := range []uint16{0, 1, 65535} {
			w.dropped("a reply to nothing, from a peer", w.up(echo(f.anna, f.home, true, id)))
			w.passes("a request", w.up(echo(f.anna, f.home, false, id)))
			w.passes("its reply", w.down(echo(f.home, f.anna, true, id)))
			w.dropped("a reply to another", w.down(echo(f.home, f.anna, true, id+7)))
			w.dropped("a request to the peer", w.down(echo(f.home, f.anna, false, id)))
			w.dropped("a reply from the peer", w.up(echo(f.anna, f.home, true, id)))
		}
	})
}

func TestErrorsPassOnlyWhenTheyQuoteAFlow(t *testing.T) {
	both(t, Everything(), Everything(), func(w *world, f family) {
		header := 20
		if f.own.Is6() {
			header = 40
		}
		for name, packets := range map[string][2][]byte{
			"UDP":  {udp(at(f.anna, 4000), at(f.far, 33434)), udp(at(f.far, 33434), at(f.anna, 4000))},
			"TCP":  {tcp(at(f.anna, 4000), at(f.far, 443), tcpSYN), tcp(at(f.far, 443), at(f.anna, 4000), tcpACK)},
			"echo": {echo(f.anna, f.far, false, 9), echo(f.far, f.anna, true, 9)},
		} {
			question, answer := packets[0], packets[1]
			w.dropped(name+": before", w.down(unreachable(f.home, f.anna, question)))
			w.passes(name+": the question", w.up(question))
			for _, router := range []netip.Addr{f.far, f.home, f.own, f.farther} {
				w.passes(name+": from "+router.String(), w.down(unreachable(router, f.anna, question)))
			}
			w.passes(name+": cut to eight bytes", w.down(unreachable(f.far, f.anna, question[:header+8])))
			w.passes(name+": from the peer about an answer", w.up(unreachable(f.anna, f.far, answer)))
			w.dropped(name+": from a peer's address", w.down(unreachable(f.bert, f.anna, question)))
			w.dropped(name+": to another peer", w.down(unreachable(f.far, f.bert, question)))
			w.dropped(name+": about an answer, to who got it", w.down(unreachable(f.far, f.anna, answer)))
			w.dropped(name+": about its own question", w.up(unreachable(f.anna, f.far, question)))
			w.dropped(name+": to somebody else", w.up(unreachable(f.anna, f.home, answer)))
			w.dropped(name+": from another peer", w.up(unreachable(f.bert, f.far, answer)))
		}
		w.dropped("about a flow that is not there", w.down(unreachable(f.far, f.anna, udp(at(f.anna, 4001), at(f.far, 33434)))))
		question := udp(at(f.anna, 4000), at(f.far, 33434))
		for n := range header + 8 {
			w.dropped("with a quote that is too short", w.down(unreachable(f.far, f.anna, question[:n])))
		}
		long := ip(f.anna, f.far, 17, udpBody(4000, 33434, 400))
		w.dropped("in fragments", w.down(pieces(unreachable(f.far, f.anna, long), 7, 80)[0]))
		w.passes("control: in one piece", w.down(unreachable(f.far, f.anna, long)))
		w.passes("an echo without an identifier", w.up(echo(f.anna, f.far, false, 0)))
		stamp := echo(f.anna, f.far, false, 0)
		stamp[header] = 13
		w.dropped("about another kind of ICMP", w.down(unreachable(f.far, f.anna, stamp)))
		stamp = echo(f.far, f.anna, true, 0)
		w.passes("control: about a reply", w.up(unreachable(f.anna, f.far, stamp)))
		stamp[header] = 14
		w.dropped("about another kind of reply", w.up(unreachable(f.anna, f.far, stamp)))
		w.dropped("about a later fragment", w.down(unreachable(f.far, f.anna, piece(question, 7, 800, question[header:], false))))
		w.passes("control: about a first one", w.down(unreachable(f.far, f.anna, piece(question, 7, 0, append(question[header:], 0, 0, 0, 0), true))))
		w.dropped("without a quote", w.down(unreachable(f.far, f.anna, nil)))
		w.dropped("with a short quote", w.down(unreachable(f.far, f.anna, udp(at(f.anna, 4000), at(f.far, 33434))[:24])))
	})
}

func TestRedirectsAndNeighboursMessagesAreDropped(t *testing.T) {
	both(t, all(), all(), func(w *world, f family) {
		q := udp(at(f.anna, 4000), at(f.far, 99))
		w.passes("control: the flow", w.up(q))
		for kind := range 256 {
			b := unreachable(f.far, f.anna, q)
			b[len(b)-len(q)-8] = byte(kind)
			wanted := kind == 3 || kind == 11 || kind == 12
			if f.own.Is6() {
				wanted = kind >= 1 && kind <= 4
			}
			if got := w.down(b); got != wanted {
				t.Errorf("type %d: passed = %t", kind, got)
			}
		}
	})
}

func TestPeersReachEachOtherOnlyWhereGranted(t *testing.T) {
	both(t, Access{Peers: true}, Everything(), func(w *world, f family) {
		there, back := udp(at(f.anna, 4000), at(f.bert, 4711)), udp(at(f.bert, 4711), at(f.anna, 4000))
		w.dropped("from who is not granted it", w.up(back))
		w.dropped("to a peer, out of the blue", w.down(there))
		w.passes("from who is", w.up(there))
		w.passes("on to the other", w.down(there))
		w.passes("the answer", w.up(back))
		w.passes("the answer, on", w.down(back))
		w.passes("an error about it", w.up(unreachable(f.bert, f.anna, there)))
		w.passes("an error about it, on", w.down(unreachable(f.bert, f.anna, there)))
		w.dropped("another flow back", w.up(udp(at(f.bert, 4711), at(f.anna, 4001))))
		w.dropped("to nobody", w.up(udp(at(f.anna, 4000), at(f.nobody, 4711))))
		w.dropped("to itself", w.up(udp(at(f.anna, 4000), at(f.anna, 4711))))
		w.passes("an echo", w.up(echo(f.anna, f.bert, false, 3)))
		w.passes("an echo, on", w.down(echo(f.anna, f.bert, false, 3)))
		w.passes("its reply", w.up(echo(f.bert, f.anna, true, 3)))
		w.passes("its reply, on", w.down(echo(f.bert, f.anna, true, 3)))
		w.dropped("an echo the other way", w.up(echo(f.bert, f.anna, false, 3)))
		if err := w.SetPeers(peersWith(Access{}, Everything())); err != nil {
			t.Fatal(err)
		}
		w.dropped("after the grant was taken back", w.up(there))
		w.dropped("its answer", w.up(back))
	})
}

func TestAnUpperLayerThatHoldsAnotherPacketIsDropped(t *testing.T) {
	both(t, all(), all(), func(w *world, f family) {
		inner := knock(f.anna, f.box)
		for _, proto := range []byte{4, 41} {
			w.dropped("wrapped", w.up(ip(f.anna, f.home, proto, inner)))
		}
		w.passes("control: another protocol", w.up(ip(f.anna, f.home, 132, inner)))
	})
}

func TestProtocolsWithoutPortsNeedARuleForAllProtocols(t *testing.T) {
	both(t, Chosen(Rule{To: RangeOf(prefix("192.168.77.20/32")), Service: Service{Protocol: TCP}}, Rule{To: RangeOf(prefix("2001:db8:77::20/128"))}), Access{}, func(w *world, f family) {
		if got := w.up(ip(f.anna, f.home, 132, make([]byte, 20))); got != f.home.Is6() {
			t.Errorf("SCTP passed = %t", got)
		}
	})
}

func TestSourceRoutesAreDropped(t *testing.T) {
	w := newWorld(t, Limits{}, all(), all())
	f := families[0]
	b := knock(f.anna, f.home)
	options := func(o ...byte) []byte {
		h := append([]byte{0x45 + byte(len(o)/4)}, b[1:20]...)
		h[3] = byte(len(b) + len(o))
		return append(append(h, o...), b[20:]...)
	}
	w.dropped("loose", w.up(options(131, 7, 4, 192, 168, 77, 10, 0)))
	w.dropped("strict, behind others", w.up(options(1, 148, 4, 0, 137, 7, 4, 192, 168, 77, 10, 0)))
	w.dropped("options that cannot be read", w.up(options(148, 1, 0, 0)))
	w.passes("control: router alert", w.up(options(148, 4, 0, 0)))

	f = families[1]
	b = knock(f.anna, f.home)
	routing := func(left byte) []byte { return []byte{0, 2, 0, left, 23: 1} }
	w.dropped("segments left", w.up(extended(b, []byte{43}, routing(1))))
	w.passes("control: none left", w.up(extended(b, []byte{43}, routing(0))))
}

func TestExtensionHeadersAreWalkedWithinBounds(t *testing.T) {
	w := newWorld(t, Limits{}, all(), all())
	f := families[1]
	b := udp(at(f.anna, 4000), at(f.home, 4711))
	option := make([]byte, 8)
	kinds := func(n int) (k []byte, h [][]byte) {
		for range n {
			k, h = append(k, 60), append(h, option)
		}
		return k, h
	}
	k, h := kinds(maxExtensions - 1)
	w.passes("as many as an honest stack might send", w.up(extended(b, k, h...)))
	w.passes("its answer, without", w.down(udp(at(f.home, 4711), at(f.anna, 4000))))
	k, h = kinds(maxExtensions)
	w.dropped("too many", w.up(extended(b, k, h...)))
	w.passes("hop by hop first", w.up(extended(b, []byte{0, 60}, option, option)))
	w.dropped("hop by hop later", w.up(extended(b, []byte{60, 0}, option, option)))
	w.passes("AH", w.up(extended(b, []byte{51}, []byte{0, 4, 23: 0})))
	w.dropped("a length beyond the packet", w.up(extended(b, []byte{60}, []byte{0, 200, 0, 0, 0, 0, 0, 0})))
	w.dropped("two fragment headers", w.up(extended(b, []byte{44, 44}, option, option)))
	w.passes("control: an atomic fragment", w.up(extended(b, []byte{44}, option)))
	// Ports behind the headers count, not what lies where they would be without.
	strict := newWorld(t, Limits{}, Chosen(Rule{To: Range{f.home, f.home}, Service: Service{Protocol: UDP, Ports: []PortRange{Port(80)}}}), Access{})
	hidden := append([]byte{0, 0}, ports(4000, 80)...)
	strict.dropped("another port behind a header that shows port 80", strict.up(extended(b, []byte{60}, append(hidden, 0, 0))))
	strict.passes("control", strict.up(udp(at(f.anna, 4000), at(f.home, 80))))
}

func TestBadHeadersAreDropped(t *testing.T) {
	both(t, all(), all(), func(w *world, f family) {
		good := tcp(at(f.anna, 4000), at(f.home, 80), tcpSYN)
		for n := range good {
			w.dropped("cut off", w.up(good[:n]))
		}
		spoil := func(at int, v byte) []byte { b := append([]byte(nil), good...); b[at] = v; return b }
		header := len(good) - 20
		w.dropped("no such version", w.up(spoil(0, 0x75)))
		w.dropped("a short TCP header", w.up(spoil(header+12, 4<<4)))
		w.dropped("a TCP header beyond the packet", w.up(spoil(header+12, 6<<4)))
		if f.own.Is4() {
			w.dropped("a short header", w.up(spoil(0, 0x44)))
			w.dropped("a header beyond the packet", w.up(spoil(0, 0x4f)))
			w.dropped("a length beyond the packet", w.up(spoil(3, 41)))
			w.dropped("a length of nothing", w.up(spoil(3, 0)))
			w.dropped("ICMPv6 in IPv4", w.up(spoil(9, 58)))
		} else {
			w.dropped("a length beyond the packet", w.up(spoil(5, 21)))
			w.dropped("ICMP in IPv6", w.up(spoil(6, 1)))
		}
		w.passes("control: with bytes behind its end", w.up(append(good, 1, 2, 3)))
	})
}

func TestJoinedSegmentsAreOnePacket(t *testing.T) {
	// With offloads a device may take or hand over what is far beyond the MTU.
	both(t, Everything(), Access{}, func(w *world, f family) {
		me, to := at(f.anna, 4000), at(f.far, 443)
		w.passes("a connection", w.connected(me, to))
		const most = 65535 - 20 - 20
		w.passes("from the peer", w.up(ip(me.Addr(), to.Addr(), 6, tcpBody(me.Port(), to.Port(), tcpACK, most))))
		w.passes("to the peer", w.down(ip(to.Addr(), me.Addr(), 6, tcpBody(to.Port(), me.Port(), tcpACK, most))))
	})
}

func TestASynWithECNPasses(t *testing.T) {
	both(t, Everything(), Access{}, func(w *world, f family) {
		w.passes("SYN, ECE, CWR", w.up(tcp(at(f.anna, 4000), at(f.far, 443), tcpSYN|0x40|0x80)))
		w.passes("SYN, ACK, ECE", w.down(tcp(at(f.far, 443), at(f.anna, 4000), tcpSYN|tcpACK|0x40)))
	})
}

func TestBatchesKeepTheirOrderWithoutWhatWasDropped(t *testing.T) {
	for _, f := range families {
		w := newWorld(t, Limits{}, Everything(), Access{})
		var bufs [][]byte
		var want []string
		for i := range 3*batch + 5 {
			to := f.home
			if i%3 == 1 {
				to = f.box
			}
			b := udp(at(f.anna, 4000), at(to, uint16(5000+i)))
			if to == f.home {
				want = append(want, string(b))
			}
			bufs = append(bufs, append(make([]byte, offset), b...))
		}
		if n, err := w.front.Write(bufs, offset); n != len(bufs) || err != nil {
			t.Fatalf("Write = %d, %v", n, err)
		}
		if len(w.wire.written) != len(want) {
			t.Fatalf("%d packets passed, want %d", len(w.wire.written), len(want))
		}
		for i, b := range w.wire.written {
			if string(b) != want[i] {
				t.Fatalf("packet %d is another", i)
			}
		}
		sizes := make([]int, 3)
		w.wire.waiting = [][]byte{udp(at(f.home, 5000), at(f.anna, 4000)), knock(f.home, f.anna), udp(at(f.home, 5002), at(f.anna, 4000))}
		read := [][]byte{make([]byte, 2000), make([]byte, 2000), make([]byte, 2000)}
		if n, err := w.front.Read(read, sizes, offset); n != 3 || err != nil || sizes[0] == 0 || sizes[1] != 0 || sizes[2] == 0 {
			t.Errorf("Read = %d, %v with sizes %v", n, err, sizes)
		}
	}
}
