package selftest

import (
	"fmt"
	"net/netip"
	"sync"
	"testing"

	"homeward/tunnel"
)

// All kinds of traffic, by both families inside, and by each kind of address outside.
func TestTrafficOfAllKindsByEveryKindOfOuterAddress(t *testing.T) {
	onBothPlanes(t, func(w *world) {
		t := w.T
		p := w.newPhone(2, box4)
		w.letIn(p)
		for _, outer := range []string{box4, box6, w.linkLocal("wan0") + "%eth0"} {
			p.calls(outer)
			p.reachesHome("by " + outer)
			if got := w.seen(p).Endpoint.Addr(); got.Is4() != (outer == box4) || got.IsLinkLocalUnicast() != (outer != box4 && outer != box6) {
				t.Errorf("by %s: the box answers to %v", outer, got)
			}
			w.talk(p, outer)
		}
		w.tallies(p)
	})
}

// talk is all kinds of traffic between a phone and the LAN host.
func (w *world) talk(p *phone, outer string) {
	w.Helper()
	for _, own := range []string{own4, own6} {
		p.reaches(netip.MustParseAddr(own), "by "+outer)
	}
	for _, a := range lanAddrs() {
		to := netip.AddrPortFrom(a, echoPort)
		if err := p.stream(to, 4<<20); err != nil {
			w.Errorf("by %s: a stream: %v", outer, err)
		}
		for _, size := range []int{1, 1000, 1384, 1385, 4000, 20000} {
			if err := p.datagram(to, size); err != nil {
				w.Errorf("by %s: %v", outer, err)
			}
		}
		var streams sync.WaitGroup
		for range 50 {
			streams.Go(func() {
				if err := p.stream(to, 50_000); err != nil {
					w.Errorf("by %s: one of many streams: %v", outer, err)
				}
			})
		}
		streams.Wait()
	}
}

// tallies compares what both sides have counted, and that the handshake has a time.
func (w *world) tallies(p *phone) {
	w.Helper()
	w.eventually("both sides have counted the same bytes", func() bool {
		box := w.seen(p)
		return !box.LastHandshake.IsZero() && box.ReceivedBytes > 1<<20 && box.ReceivedBytes == p.bytes("tx_bytes") && box.SentBytes == p.bytes("rx_bytes")
	})
}

// linkLocal is the box's link-local address on an interface, without a zone.
func (w *world) linkLocal(dev string) string {
	w.Helper()
	var addr string
	w.eventually("the box has a link-local address", func() bool {
		out := w.box.run(w.T, "ip", "-6", "-o", "addr", "show", "dev", dev, "scope", "link")
		_, err := fmt.Sscanf(afterWord(out, "inet6"), "%s", &addr)
		return err == nil
	})
	return netip.MustParsePrefix(addr).Addr().String()
}

// Two phones that may reach each other talk both ways, each by another outer family.
func TestTwoPhonesTalkBothWaysThroughTheBox(t *testing.T) {
	onBothPlanes(t, func(w *world) {
		a, b := w.newPhone(2, box4), w.newPhone(3, box6)
		for _, p := range []*phone{a, b} {
			access := tunnel.Everything()
			access.Peers = true
			p.peer.Access = &access
		}
		w.letIn(a, b)
		a.reachesHome("at first")
		b.reachesHome("at first")
		for _, pair := range [][2]*phone{{a, b}, {b, a}} {
			for _, to := range pair[1].addrs {
				pair[0].reaches(to, "from one phone to the other")
				pair[1].echoes(to)
				at := netip.AddrPortFrom(to, echoPort)
				if err := pair[0].stream(at, 1<<20); err != nil {
					w.Errorf("from phone to phone: %v", err)
				}
				for _, size := range []int{1, 1300, 4000} {
					if err := pair[0].datagram(at, size); err != nil {
						w.Errorf("from phone to phone: %v", err)
					}
				}
			}
		}
	})
}
