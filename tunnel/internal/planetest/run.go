//go:build linux

package planetest

import (
	"os"
	"testing"
)

// fact is one thing that has to be true of every plane, for each family.
type fact struct {
	name  string
	check func(t *testing.T, w *world, f family)
}

// Run runs the suite on the plane that open opens. It must be called from the
// top level of a test.
func Run(t *testing.T, open Opener) {
	InNamespace(t, func(t *testing.T) {
		box, lan := newLAN(t)
		n := network{box, lan, newFar(t, box, lan), open}
		for _, facts := range [][]fact{tcpFacts(), udpFacts(), icmpFacts(), ownPortFacts(), hopFacts(), pathFacts(), refusalFacts(), flowFacts()} {
			for _, fact := range facts {
				t.Run(fact.name, func(t *testing.T) {
					w := n.start(t)
					for _, f := range families() {
						t.Run(f.name, func(t *testing.T) { fact.check(t, w, f) })
					}
				})
			}
		}
		// And again as it is in the tunnel, with the filter in front.
		for _, facts := range [][]fact{tcpFacts(), udpFacts(), icmpFacts(), ownPortFacts(), hopFacts(), pathFacts(), refusalFacts(), accessFacts()} {
			for _, fact := range facts {
				t.Run("filtered: "+fact.name, func(t *testing.T) {
					w := n.startBehind(t, newGuard(t))
					for _, f := range families() {
						t.Run(f.name, func(t *testing.T) { fact.check(t, w, f) })
					}
				})
			}
		}
		for _, fact := range lifecycleFacts() {
			t.Run(fact.name, func(t *testing.T) { fact.check(t, n) })
		}
	})
}

// RunEcho runs what there is to say about ping on a host that does not let
// ordinary programs ping. Like Run it must be called from the top level.
func RunEcho(t *testing.T, open Opener) {
	InNamespace(t, func(t *testing.T) {
		box, lan := newLAN(t)
		n := network{box, lan, newFar(t, box, lan), open}
		if err := os.WriteFile("/proc/sys/net/ipv4/ping_group_range", []byte("1 0"), 0); err != nil {
			t.Fatal(err)
		}
		for _, fact := range append(icmpFacts(), fact{"traceroute: by echo, a router behind the box and the end of the way", echoHops}) {
			t.Run(fact.name, func(t *testing.T) {
				w := n.startBehind(t, newGuard(t))
				for _, f := range families() {
					t.Run(f.name, func(t *testing.T) { fact.check(t, w, f) })
				}
			})
		}
	})
}
