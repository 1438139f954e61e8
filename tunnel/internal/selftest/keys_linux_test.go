package selftest

import (
	"net/netip"
	"testing"
)

// A phone gets another key, and is in with that at once; the old one is out.
func TestAPhoneGetsAnotherKeyAndIsInAtOnce(t *testing.T) {
	onBothPlanes(t, func(w *world) {
		t := w.T
		p := w.newPhone(2, box4)
		w.letIn(p)
		p.reachesHome("with the first key")
		old, fresh, psk := p.peer, w.newKey(), w.newKey()
		p.set("private_key", fresh)
		p.about("preshared_key", psk)
		p.peer.PublicKey, p.peer.PresharedKey = fresh.Public(), psk
		w.letIn(p)
		p.reachesHome("with the next key")
		if w.seen(p).LastHandshake.IsZero() {
			t.Error("there was no handshake with the next key")
		}
		if n := len(w.tunnel.Peers()); n != 1 {
			t.Errorf("there are %d peers", n)
		}
		// And the old one again, with its session and without.
		p.peer = old
		w.letIn(p)
		p.staysOut(netip.MustParseAddr(lan4), "with a key that is no peer's any more")
	})
}
