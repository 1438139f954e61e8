package selftest

import (
	"net/netip"
	"testing"
	"time"

	"golang.zx2c4.com/wireguard/conn"

	"homeward/tunnel"
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

// Packets wait for a phone that is away: those that came last, and only so many.
func TestNotTooManyPacketsWaitForAPhoneThatIsAway(t *testing.T) {
	onBothPlanes(t, func(w *world) {
		t := w.T
		// wireguard-go's QueueStagedSize, each of a batch.
		const most = conn.IdealBatchSize * conn.IdealBatchSize
		anna, bert := w.newPhone(2, box4), w.newPhone(3, box4)
		access := tunnel.Everything()
		access.Peers = true
		anna.peer.Access = &access
		w.letIn(anna, bert)
		anna.reachesHome("at first")
		// Nobody has seen Bert yet.
		question, err := anna.net.DialUDPAddrPort(netip.AddrPort{}, netip.AddrPortFrom(bert.addrs[0], 4711))
		if err != nil {
			t.Fatal(err)
		}
		defer question.Close()
		enough := w.seen(anna).ReceivedBytes + (most+5000)*80 // a question takes 42 bytes inside
		w.eventually("more packets are in the box than may wait", func() bool {
			for range 500 {
				if _, err := question.Write([]byte("are you there?")); err != nil {
					t.Fatal(err)
				}
			}
			return w.seen(anna).ReceivedBytes >= enough
		})
		bert.reaches(netip.MustParseAddr(own4), "now")
		got := 0
		w.eventually("all that waited has arrived", func() bool {
			before := got
			time.Sleep(time.Second)
			got = bert.wire.counts().received[data]
			return got == before && got > 1
		})
		t.Logf("%d packets waited", got)
		if got > most+10 { // and the answers to Bert's own
			t.Errorf("%d packets waited, want at most %d", got, most)
		}
	})
}
