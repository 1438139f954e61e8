package selftest

import (
	"net/netip"
	"strconv"
	"sync"
	"testing"

	"homeward/tunnel"
)

// overhead is what WireGuard adds to an inner packet: a header and a tag of 16 bytes each.
const overhead = 32

// Padding must not make packets larger than the MTU promises: those that the MTU was
// chosen for would not fit any more.
func TestPaddingStaysWithinTheMTU(t *testing.T) {
	onBothPlanes(t, func(w *world) {
		t := w.T
		const mtu = tunnel.DefaultMTU // no multiple of 16, up to which is padded
		p := w.newPhone(2, box4)
		w.letIn(p)
		p.reachesHome("at first")
		p.wire.forget()
		for size := mtu - 17; size <= mtu; size++ {
			if err := p.datagram(netip.AddrPortFrom(netip.MustParseAddr(lan4), echoPort), size-28); err != nil {
				t.Errorf("an inner packet of %d bytes: %v", size, err)
			}
		}
		if got := p.wire.counts().largest; got != mtu+overhead {
			t.Errorf("the largest packet of the box has %d bytes, want %d", got, mtu+overhead)
		}
	})
}

// Where all lines take large packets, the tunnel does, too.
func TestALargeMTUWorks(t *testing.T) {
	const large = 34000
	onBothPlanesWith(t, func(c *tunnel.Config) { c.MTU = large }, func(w *world) {
		t := w.T
		for _, s := range []struct {
			space
			dev string
		}{{w.box, "lan0"}, {w.lan, "eth0"}} {
			s.run(t, "ip", "link", "set", s.dev, "mtu", "65535")
		}
		p := w.newPhone(2, box4)
		w.letIn(p)
		for _, outer := range []string{box4, box6} {
			p.calls(outer)
			p.reachesHome("by " + outer)
			p.wire.forget()
			for _, a := range lanAddrs() {
				to := netip.AddrPortFrom(a, echoPort)
				for _, size := range []int{10_000, large - 48, 60_000} {
					if err := p.datagram(to, size); err != nil {
						t.Errorf("by %s: %v", outer, err)
					}
				}
				if err := p.stream(to, 4<<20); err != nil {
					t.Errorf("by %s: a stream: %v", outer, err)
				}
			}
			if got := p.wire.counts().largest; got < large-100 || got > large+overhead {
				t.Errorf("by %s: the largest packet has %d bytes, which is not what an MTU of %d is for", outer, got, large)
			}
		}
	})
}

// The interface's MTU is changed while traffic runs, as an administrator does. The
// rootless plane has no interface.
func TestTheInterfacesMTUMayChangeWhileTrafficRuns(t *testing.T) {
	onPlane(t, tunnel.PlaneTUN, func(w *world) {
		t := w.T
		p := w.newPhone(2, box4)
		w.letIn(p)
		p.reachesHome("at first")
		to := netip.AddrPortFrom(netip.MustParseAddr(lan4), echoPort)
		var streams sync.WaitGroup
		over := make(chan struct{})
		for range 4 {
			streams.Go(func() {
				for {
					if err := p.stream(to, 200_000); err != nil {
						t.Errorf("a stream: %v", err)
						return
					}
					select {
					case <-over:
						return
					default:
					}
				}
			})
		}
		for _, mtu := range []int{1280, 1500, 1300, 1412} {
			w.box.run(t, "ip", "link", "set", w.tunnel.Status().Interface, "mtu", strconv.Itoa(mtu))
			for _, size := range []int{100, 1250, 1384, 4000} {
				if err := p.datagram(to, size); err != nil {
					t.Errorf("with an MTU of %d: %v", mtu, err)
				}
			}
		}
		close(over)
		streams.Wait()
	})
}
