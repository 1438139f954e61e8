package filter

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"
)

// segment is n bytes of a stream, from its byte number seq on.
func segment(from, to netip.AddrPort, seq, ack uint32, n int) []byte {
	b := tcpBody(from.Port(), to.Port(), tcpACK, n)
	binary.BigEndian.PutUint32(b[4:], seq)
	binary.BigEndian.PutUint32(b[8:], ack)
	return ip(from.Addr(), to.Addr(), 6, b)
}

// download is a world in which Anna's device has opened a stream to home.
func download(t *testing.T, w *world, f family) (me, to netip.AddrPort) {
	t.Helper()
	me, to = at(f.anna, 20000), at(f.home, 443)
	w.passes("SYN", w.up(tcp(me, to, tcpSYN)))
	w.passes("SYN, ACK", w.down(tcp(to, me, tcpSYN|tcpACK)))
	w.passes("ACK", w.up(tcp(me, to, tcpACK)))
	return me, to
}

func (w *world) large(id ID) Large {
	w.t.Helper()
	for _, p := range w.Snapshot().Peers {
		if p.ID == id {
			return p.Large
		}
	}
	w.t.Fatal("the peer is not counted")
	return Large{}
}

func TestLargePacketsThatArriveAreTold(t *testing.T) {
	both(t, Everything(), Everything(), func(w *world, f family) {
		me, to := download(t, w, f)
		const near = 1<<32 - 700 // so that the numbers wrap
		w.passes("data", w.down(segment(to, me, near, 1, 1200)))
		w.passes("an old confirmation", w.up(segment(me, to, 1, near, 0)))
		if got := w.large(annaID); got != (Large{}) {
			t.Errorf("before it is confirmed: %+v", got)
		}
		w.passes("a confirmation", w.up(segment(me, to, 1, 500, 0)))
		if got := w.large(annaID); got != (Large{Passed: 1}) {
			t.Errorf("after it was confirmed: %+v", got)
		}
		w.down(segment(to, me, 500, 1, 1200))
		w.up(segment(me, to, 1, 1700, 0))
		if got := w.large(annaID); got.Passed != 1 {
			t.Errorf("watched again within %v: %+v", watchEvery, got)
		}
		w.now += watchEvery
		w.down(segment(to, me, 1700, 1, 1200))
		w.up(segment(me, to, 1, 2900, 0))
		if got := w.large(annaID); got != (Large{Passed: 2}) {
			t.Errorf("later: %+v", got)
		}
		if got := w.large(bertID); got != (Large{}) {
			t.Errorf("of somebody else: %+v", got)
		}
	})
}

func TestLargePacketsThatAreSentAgainAreCounted(t *testing.T) {
	both(t, Everything(), Everything(), func(w *world, f family) {
		me, to := download(t, w, f)
		for range 4 {
			w.passes("data", w.down(segment(to, me, 1, 1, 1200)))
			w.passes("more data", w.down(segment(to, me, 1201, 1, 1200)))
			w.passes("the first confirmation again", w.up(segment(me, to, 1, 1, 0)))
			w.now += 2 * time.Second
		}
		if got := w.large(annaID); got != (Large{Repeated: 3}) {
			t.Errorf("after three repetitions: %+v", got)
		}
		w.now += watchLongest
		w.down(segment(to, me, 9000, 1, 1200))
		w.up(segment(me, to, 1, 10200, 0))
		if got := w.large(annaID); got != (Large{Passed: 1, Repeated: 3}) {
			t.Errorf("when another one passes: %+v", got)
		}
	})
}

func TestSmallAndForeignPacketsAreNotWatched(t *testing.T) {
	both(t, Everything(), Everything(), func(w *world, f family) {
		me, to := download(t, w, f)
		for range 3 {
			w.down(segment(to, me, 1, 1, 500))
		}
		big := func() []byte { return ip(to.Addr(), me.Addr(), 17, udpBody(53, 20000, 1300)) }
		w.up(udp(at(f.anna, 20000), at(f.home, 53)))
		for range 3 {
			w.passes("a large answer by UDP", w.down(big()))
		}
		w.down(segment(to, me, 1, 1, 1200))
		w.up(udp(at(f.anna, 20000), at(f.home, 53)))
		if got := w.large(annaID); got != (Large{}) {
			t.Errorf("%+v", got)
		}
	})
}
