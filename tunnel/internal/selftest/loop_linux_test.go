package selftest

import (
	"net/netip"
	"testing"
	"time"

	"homeward/tunnel"
)

// A phone that may use the box sends what is encrypted for the box inside of the tunnel.
// If that were taken, the phone would be inside of its own tunnel: each packet to it would
// be encrypted again and again, and grow.
func TestARoutingLoopDoesNotExplode(t *testing.T) {
	onBothPlanes(t, func(w *world) {
		t := w.T
		p := w.newPhone(2, box4)
		access := tunnel.Everything()
		access.Box = []tunnel.Service{{}} // all of them
		p.peer.Access = &access
		w.letIn(p)
		p.reachesHome("at first")
		p.usesTheBox()
		for _, at := range []string{own4, box4, "192.168.77.10", own6, box6, "fd77::10"} {
			p.newClock() // the LAN host goes on sending to the phone
			message := p.withhold()
			before := w.seen(p)
			p.tell(netip.AddrPortFrom(netip.MustParseAddr(at), port), string(message))
			for end := time.Now().Add(2 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
				if now := w.seen(p).Endpoint; now.Addr() != before.Endpoint.Addr() {
					t.Errorf("by %s: the box calls the phone at %v, inside of its own tunnel", at, now)
					break
				}
			}
			const most = 1 << 20 // the LAN host says 20 words a second
			if sent := w.seen(p).SentBytes - before.SentBytes; sent > most {
				t.Errorf("by %s: the box has sent %d bytes", at, sent)
			}
			p.reachesHome("after a message by " + at)
		}
	})
}

// usesTheBox is the control: what the box offers by UDP is reached through the tunnel.
func (p *phone) usesTheBox() {
	p.w.Helper()
	for _, a := range []string{"192.168.77.10", "fd77::10"} {
		c := p.w.box.listenPacket(p.w.T, netip.AddrPortFrom(netip.MustParseAddr(a), 0).String())
		done := make(chan struct{})
		go func() {
			defer close(done)
			echoDatagrams(c)
		}()
		err := p.datagram(netip.MustParseAddrPort(c.LocalAddr().String()), 100)
		c.Close()
		<-done
		if err != nil {
			p.w.Fatalf("a service of the box at %s: %v: the test proves nothing", a, err)
		}
	}
}

// withhold takes one of the phone's encrypted packets, which is not sent.
func (p *phone) withhold() []byte {
	p.w.Helper()
	took := make(chan []byte, 1)
	p.wire.withhold(took)
	for end := time.Now().Add(patience); time.Now().Before(end); {
		_ = p.ping(netip.MustParseAddr(own4), 200*time.Millisecond)
		select {
		case message := <-took:
			return message
		default:
		}
	}
	p.w.Fatal("the phone sends nothing")
	return nil
}
