package filter

import (
	"slices"
	"testing"
	"time"
)

// long is a datagram of n bytes from a peer to a host at home.
func long(f family, n int) []byte {
	return ip(f.anna, f.home, 17, udpBody(4000, 4711, n))
}

func TestFragmentsFollowTheirFirstOne(t *testing.T) {
	both(t, Everything(), Access{}, func(w *world, f family) {
		for id, n := range []int{2000, 1392, 20000, 60000} {
			for i, b := range pieces(long(f, n), uint32(id), 1392) {
				if !w.up(b) {
					t.Fatalf("%d bytes, piece %d: %v", n, i, w.drops())
				}
			}
			answer := ip(f.home, f.anna, 17, udpBody(4711, 4000, n))
			for i, b := range pieces(answer, uint32(id), 1392) {
				if !w.down(b) {
					t.Fatalf("answer of %d bytes, piece %d: %v", n, i, w.drops())
				}
			}
		}
		if left := w.ids()[annaID].pieces; len(left) != 0 {
			t.Errorf("%d datagrams are remembered after they were complete", len(left))
		}
	})
}

func (w *world) ids() map[ID]*member { return w.policy.Load().ids }

func TestFragmentsMayComeInAnyOrderAfterTheFirst(t *testing.T) {
	both(t, Everything(), Access{}, func(w *world, f family) {
		all := pieces(long(f, 8000), 7, 800)
		w.passes("the first", w.up(all[0]))
		for _, i := range []int{9, 3, 5, 4, 1, 2, 8, 6, 7, 10} {
			w.passes("a later one", w.up(all[i]))
		}
		w.dropped("one more, when it was complete", w.up(all[4]))
	})
}

func TestFragmentsWithoutABeginningAreDropped(t *testing.T) {
	both(t, all(), all(), func(w *world, f family) {
		p := pieces(long(f, 4000), 7, 1392)
		w.dropped("a later one first", w.up(p[1]))
		w.dropped("a later one to a peer", w.down(p[1]))
		w.passes("the first", w.up(p[0]))
		w.dropped("of another datagram", w.up(pieces(long(f, 4000), 8, 1392)[1]))
		other := ip(f.anna, f.far, 17, udpBody(4000, 4711, 4000))
		w.dropped("to somebody else", w.up(pieces(other, 7, 1392)[1]))
		if f.own.Is4() {
			icmp := ip(f.anna, f.home, 1, make([]byte, 4000))
			w.dropped("of another protocol", w.up(pieces(icmp, 7, 1392)[1]))
		}
		w.passes("control: its own", w.up(p[1]))
		w.now += datagramLife + time.Second
		w.dropped("much later", w.up(p[2]))
	})
}

func TestFragmentsOfADatagramThatMayNotPassAreDropped(t *testing.T) {
	both(t, HomeOnly(), Access{}, func(w *world, f family) {
		for _, b := range pieces(ip(f.anna, f.far, 17, udpBody(4000, 4711, 4000)), 7, 1392) {
			w.dropped("a piece", w.up(b))
		}
	})
}

func TestTinyFirstFragmentsAreDropped(t *testing.T) {
	both(t, all(), all(), func(w *world, f family) {
		syn := ip(f.anna, f.home, 6, tcpBody(4000, 80, tcpSYN, 100))
		w.dropped("TCP without flags", w.up(pieces(syn, 7, 8)[0]))
		w.dropped("TCP without its end", w.up(pieces(syn, 7, 16)[0]))
		w.passes("control: a whole header", w.up(pieces(syn, 7, 24)[0]))
		body := syn[len(syn)-120:]
		w.dropped("not a multiple of eight", w.up(piece(syn, 9, 0, body[:99], true)))
		w.passes("control: a multiple", w.up(piece(syn, 9, 0, body[:96], true)))
		w.dropped("nothing at all", w.up(piece(syn, 9, 0, nil, true)))
		w.dropped("beyond the largest datagram", w.up(piece(syn, 7, 65528, make([]byte, 16), false)))
	})
}

func TestOverlappingFragmentsAreDropped(t *testing.T) {
	both(t, Everything(), Access{}, func(w *world, f family) {
		whole := long(f, 4000)
		body := whole[len(whole)-4008:]
		cut := func(from, to int) []byte { return piece(whole, 7, from, body[from:to], to < len(body)) }
		w.passes("the first", w.up(cut(0, 800)))
		w.dropped("over the header", w.up(cut(8, 808)))
		w.dropped("over the first's end", w.up(cut(792, 1600)))
		w.dropped("a second first", w.up(cut(0, 800)))
		w.passes("the next", w.up(cut(800, 1600)))
		w.dropped("the next again", w.up(cut(800, 1600)))
		w.passes("one further on", w.up(cut(2400, 3200)))
		w.dropped("over its beginning", w.up(cut(1600, 2408)))
		w.passes("the last", w.up(cut(3200, 4008)))
		w.dropped("beyond the last", w.up(piece(whole, 7, 4016, make([]byte, 8), true)))
		w.dropped("another last", w.up(piece(whole, 7, 4016, make([]byte, 8), false)))
		w.passes("control: the one that is missing", w.up(cut(1600, 2400)))
	})
}

func TestFragmentsAreRememberedWithinBounds(t *testing.T) {
	both(t, Everything(), Everything(), func(w *world, f family) {
		bert := pieces(ip(f.bert, f.home, 17, udpBody(4000, 4711, 4000)), 7, 1392)
		w.passes("another peer's first", w.up(bert[0]))
		for id := range uint32(10 * maxDatagrams) {
			w.up(pieces(long(f, 4000), id, 1392)[0])
		}
		if n := len(w.ids()[annaID].pieces); n != maxDatagrams {
			t.Errorf("%d datagrams are remembered, want %d", n, maxDatagrams)
		}
		w.passes("another peer's next", w.up(bert[1]))
		fits := 0
		whole := long(f, 20000)
		w.passes("a first", w.up(piece(whole, 1000, 0, whole[len(whole)-20008:][:800], true)))
		for from := 1600; from < 16000; from += 800 {
			if w.up(piece(whole, 1000, from, make([]byte, 8), true)) {
				fits++
			}
		}
		if fits != maxPieces-1 {
			t.Errorf("%d separate pieces of a datagram are remembered, want %d", fits, maxPieces-1)
		}
		w.now += datagramLife + time.Second
		w.sweep()
		if n := len(w.ids()[annaID].pieces); n != 0 {
			t.Errorf("%d datagrams are remembered at the end", n)
		}
	})
}

func TestFragmentsBetweenPeersPassTwice(t *testing.T) {
	both(t, Access{Peers: true}, Access{}, func(w *world, f family) {
		there := pieces(ip(f.anna, f.bert, 17, udpBody(1, 2, 4000)), 7, 1392)
		for _, b := range there {
			w.passes("there", w.up(b))
		}
		for _, b := range there {
			w.passes("there, on", w.down(b))
		}
		back := pieces(ip(f.bert, f.anna, 17, udpBody(2, 1, 4000)), 7, 1392)
		for _, b := range slices.Concat(back) {
			w.passes("back", w.up(b))
			w.passes("back, on", w.down(b))
		}
	})
}

func TestACutFlowTakesItsFragmentsAlong(t *testing.T) {
	both(t, Everything(), Access{}, func(w *world, f family) {
		p := pieces(long(f, 4000), 7, 1392)
		w.passes("the first", w.up(p[0]))
		if err := w.SetPeers(peersWith(InternetOnly(), Access{})); err != nil {
			t.Fatal(err)
		}
		w.dropped("the next", w.up(p[1]))
	})
}
