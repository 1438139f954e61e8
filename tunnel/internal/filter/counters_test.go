package filter

import "testing"

func TestCountersTellWhatPassedAndWhyNot(t *testing.T) {
	both(t, HomeOnly(), Access{}, func(w *world, f family) {
		q, a := udp(at(f.anna, 4000), at(f.home, 99)), udp(at(f.home, 99), at(f.anna, 4000))
		for range 3 {
			w.up(q)
			w.down(a)
			w.down(a)
		}
		for reason, b := range map[Reason][]byte{
			NotGranted: knock(f.anna, f.far), ToBox: knock(f.anna, f.box), ToPeer: knock(f.anna, f.bert),
			Special: knock(f.anna, f.multicast), Malformed: q[:len(q)-1], Unrelated: unreachable(f.anna, f.home, q),
			Fragmented: piece(q, 1, 800, make([]byte, 8), false),
		} {
			w.up(b)
			w.up(b)
			if got := w.Snapshot().Peers[0].Drops.Of(reason); got != 2 {
				t.Errorf("%v: counted %d, want 2", reason, got)
			}
		}
		w.down(knock(f.home, f.anna))
		w.up(knock(f.stranger, f.home))
		s := w.Snapshot()
		p := s.Peers[0]
		if p.ID != annaID || p.FromPeer != (Traffic{3, uint64(3 * len(q))}) || p.ToPeer != (Traffic{6, uint64(6 * len(a))}) || p.Flows != 1 {
			t.Errorf("counted %+v", p)
		}
		if p.Drops.Of(Unsolicited) != 1 || p.Drops.Total() != 15 || s.Strangers.Of(Spoofed) != 1 || s.Strangers.Total() != 1 {
			t.Errorf("drops = %v, of strangers %v", p.Drops, s.Strangers)
		}
		if other := s.Peers[1]; other != (PeerCounters{ID: bertID}) {
			t.Errorf("the other peer has %+v", other)
		}
	})
}

func TestEveryReasonHasAName(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Reasons() {
		if s := r.String(); s == "" || s == "unknown" || seen[s] {
			t.Errorf("reason %d is called %q", r, s)
		}
		seen[r.String()] = true
	}
	if Reason(200).String() != "unknown" || (Drops{}).Of(200) != 0 {
		t.Error("a reason that does not exist is known")
	}
}
