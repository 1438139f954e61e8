package selftest

import (
	"fmt"
	"net/netip"
	"testing"
)

// Whichever of its addresses is called, the box answers from that one: a phone behind a
// NAT would hear nothing else.
func TestTheBoxAnswersFromTheAddressThatWasCalled(t *testing.T) {
	onBothPlanes(t, func(w *world) {
		t := w.T
		// A second address in the same network, and one that no cable leads to.
		const second4, second6, far4, far6 = "203.0.113.77", "2001:db8:113::77", "198.51.100.1", "2001:db8:51::1"
		w.box.address(t, "wan0", second4+"/24", second6+"/64")
		w.box.run(t, "ip", "link", "add", "apart0", "type", "bridge")
		t.Cleanup(func() { w.box.run(t, "ip", "link", "del", "apart0") })
		w.box.address(t, "apart0", far4+"/32", far6+"/128")
		w.outside.run(t, "ip", "route", "add", far4, "via", box4)
		w.outside.run(t, "ip", "route", "add", far6, "via", box6)
		p := w.newPhone(2, box4)
		w.letIn(p)
		before := ""
		for _, addr := range []string{box4, second4, far4, box6, second6, far6, box4} {
			p.wire.forget()
			p.calls(addr)
			p.reachesHome("by " + addr)
			for from := range p.wire.counts().from {
				// What was under way from the address before may come a moment late.
				if at := from.Addr().String(); at != addr && at != before || from.Port() != port {
					t.Errorf("called at %s, the box answers from %v", addr, from)
				}
			}
			before = addr
			if got, want := p.says("endpoint"), netip.AddrPortFrom(netip.MustParseAddr(addr), port).String(); got != want {
				t.Errorf("the phone, which called %s, now calls %s", want, got)
			}
		}
	})
}

// Another cable becomes the way to the phone while it talks.
func TestTrafficFollowsTheRouteToAnotherInterface(t *testing.T) {
	onBothPlanes(t, func(w *world) {
		t := w.T
		p := w.newPhone(2, box4)
		w.letIn(p)
		p.reachesHome("at first")
		k := p.newClock()
		veth(t, w.box, "wan1", w.outside, "eth1")
		w.box.address(t, "wan1", "203.0.113.3/24")
		w.outside.address(t, "eth1", "203.0.113.4/24")
		for _, s := range []space{w.box, w.outside} { // either way round is right
			s.sysctl(t, "ipv4/conf/all/rp_filter", "0")
		}
		for _, dev := range []string{"wan0", "wan1"} {
			w.box.sysctl(t, "ipv4/conf/"+dev+"/rp_filter", "0")
		}
		for _, dev := range []string{"eth0", "eth1"} {
			w.outside.sysctl(t, "ipv4/conf/"+dev+"/rp_filter", "0")
		}
		w.box.run(t, "ip", "route", "replace", outside4+"/32", "dev", "wan1")
		before := w.sentBy("wan1")
		w.eventually("what the phone hears leaves by the other cable", func() bool {
			return k.ticks(patience) && w.sentBy("wan1") > before+20
		})
		p.reachesHome("by another cable")
	})
}

// sentBy is how many packets have left the box by an interface.
func (w *world) sentBy(dev string) (packets int) {
	w.Helper()
	text := w.box.run(w.T, "cat", "/proc/net/dev")
	fields := afterWord(text, dev+":")
	var skip [8]int
	if _, err := fmt.Sscan(fields, &skip[0], &skip[1], &skip[2], &skip[3], &skip[4], &skip[5], &skip[6], &skip[7], new(int), &packets); err != nil {
		w.Fatalf("reading how much left by %s: %v\n%s", dev, err, text)
	}
	return packets
}

// The box loses the address that the phone called, and has another one. It goes on from
// there by itself, although the phone has nothing to say: it only learns so where to call.
func TestTheBoxGoesOnFromAnotherAddressWhenTheOldOneIsGone(t *testing.T) {
	onBothPlanes(t, func(w *world) {
		t := w.T
		// Otherwise the kernel takes the second address away together with the first.
		w.box.sysctl(t, "ipv4/conf/wan0/promote_secondaries", "1")
		by4, by6 := w.newPhone(2, box4), w.newPhone(3, box6)
		w.letIn(by4, by6)
		for _, step := range []struct {
			*phone
			family, old, next string
		}{
			{by4, "-4", box4 + "/24", "203.0.113.10/24"}, {by6, "-6", box6 + "/64", "2001:db8:113::10/64"},
		} {
			p, next := step.phone, netip.MustParsePrefix(step.next).Addr()
			p.reachesHome("at first, by " + step.old)
			k := p.newClock()
			w.box.address(t, "wan0", step.next)
			w.box.run(t, "ip", step.family, "addr", "del", step.old, "dev", "wan0")
			w.eventually("the phone hears the box from "+next.String(), func() bool {
				return p.wire.counts().from[netip.AddrPortFrom(next, port)] > 0
			})
			if !k.ticks(patience) {
				t.Errorf("from %v nothing is heard of the LAN host any more", next)
			}
			if got, want := p.says("endpoint"), netip.AddrPortFrom(next, port).String(); got != want {
				t.Errorf("the phone calls %s, not %s", got, want)
			}
			p.reachesHome("afterwards, by " + step.next)
		}
	})
}
