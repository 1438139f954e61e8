package selftest

import (
	"testing"
	"time"
)

// Keepalive of the phone brings it in without a word of its own; keepalive of the box
// is heard by the phone. Without either nobody says anything.
func TestKeepaliveComesInByItselfAndSilenceIsSilent(t *testing.T) {
	onBothPlanes(t, func(w *world) {
		t := w.T
		p := w.newPhone(2, box4)
		w.letIn(p)
		time.Sleep(2 * time.Second)
		if c := p.wire.counts(); c.sent != [5]int{} || c.received != [5]int{} || !w.seen(p).LastHandshake.IsZero() {
			t.Fatalf("without keepalive, nobody has anything to say: %+v", c)
		}
		p.about("persistent_keepalive_interval", 1)
		w.eventually("the phone's keepalive brings it in", func() bool { return !w.seen(p).LastHandshake.IsZero() })
		p.about("persistent_keepalive_interval", 0)
		// What is under way, and the answers to it, end.
		w.eventually("both fall silent", func() bool {
			p.wire.forget()
			time.Sleep(3 * time.Second)
			c := p.wire.counts()
			return c.sent == [5]int{} && c.received == [5]int{}
		})
		p.peer.Keepalive = time.Second
		w.letIn(p)
		w.eventually("the phone hears the box's keepalive", func() bool { return p.wire.counts().received[data] >= 3 })
		p.peer.Keepalive = 0
		w.letIn(p)
		w.eventually("the box falls silent again", func() bool {
			p.wire.forget()
			time.Sleep(3 * time.Second)
			return p.wire.counts().received == [5]int{}
		})
	})
}
