package selftest

import (
	"net/netip"
	"testing"
)

// The box is down and up again, with the same keys: phones come in by themselves, and
// what waited for it arrives.
func TestWhatWaitedWhileTheBoxWasDownArrives(t *testing.T) {
	onBothPlanes(t, func(w *world) {
		t := w.T
		p := w.newPhone(2, box4)
		w.letIn(p)
		p.reachesHome("at first")
		for range 2 {
			w.stop()
			p.staysOut(netip.MustParseAddr(lan4), "while the box is down")
			heard := w.ear()
			p.device.Down() // forgets its session: what it says now waits for the next one
			if err := p.device.Up(); err != nil {
				t.Fatal(err)
			}
			p.tell(heard.at[0], "it waited")
			w.eventually("the phone calls in vain", func() bool { return p.wire.counts().sent[initiation] > 0 })
			w.start()
			w.letIn(p)
			if said := heard.anybody(patience); said != "it waited" {
				t.Errorf("what waited for the box did not arrive: %q", said)
			}
			p.reachesHome("after the box was down")
		}
	})
}
