//go:build linux

package planetest

import "testing"

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
		n := network{box, lan, open}
		for _, facts := range [][]fact{tcpFacts(), udpFacts(), icmpFacts(), ownPortFacts(), hopFacts(), refusalFacts(), flowFacts()} {
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
		for _, facts := range [][]fact{tcpFacts(), udpFacts(), icmpFacts(), ownPortFacts(), hopFacts(), refusalFacts(), accessFacts()} {
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
