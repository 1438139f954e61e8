package history

import (
	"net/netip"
	"testing"
	"time"

	"homeward/peers"
)

func TestOneCounterThatBeganAnewIsEnough(t *testing.T) {
	w := newWorld(t)
	p := w.add("anna")
	w.look()
	w.seen(p, "203.0.113.77:5", 10, 100)
	w.seen(p, "203.0.113.77:5", 20, 5)
	if got := w.sum(p, SpanHour); got != (Amount{30, 105}) {
		t.Errorf("%+v", got)
	}
}

func TestADeviceThatIsRemovedWhileItsTrafficIsWrittenDoesNotComeBack(t *testing.T) {
	w := newWorld(t)
	p := w.add("anna")
	w.look()
	w.seen(p, "203.0.113.77:5", 100, 100)
	b := w.r.batch()
	if err := w.r.store.write(t.Context(), b, maxRows); err != nil {
		t.Fatal(err)
	}
	if err := w.peers.Remove(t.Context(), p.ID); err != nil {
		t.Fatal(err)
	}
	w.look()
	w.r.written(b)
	if len(w.r.pending[0].of) != 0 {
		t.Errorf("%v waits to be written", w.r.pending[0].of)
	}
	w.save()
	if w.rows("peer_traffic")+w.rows("peer_sessions") != 0 {
		t.Error("rows are left")
	}
}

// A damaged peer is left out of the list, and is there all the same.
func TestOnlyWhoIsGoneIsForgotten(t *testing.T) {
	w := newWorld(t)
	p := w.add("anna")
	w.look()
	w.seen(p, "203.0.113.77:5", 100, 100)
	w.save()
	b := batch{removed: []peers.ID{p.ID}, sessions: []stretch{{p.ID + 99, Session{w.now, w.now, "203.0.113.0/24", false}}}}
	if err := w.r.store.write(t.Context(), b, maxRows); err != nil {
		t.Errorf("a session of a peer that is gone: %v", err)
	}
	if n := w.rows("peer_traffic"); n != 3 || w.rows("peer_sessions") != 1 {
		t.Errorf("%d rows", n)
	}
}

func TestSessionsAreBoundedInMemoryAndOnTheDisk(t *testing.T) {
	w := newWorld(t)
	p := w.add("anna")
	w.look()
	many := func() {
		for range maxSessions + 50 {
			w.now = w.now.Add(sessionGap + time.Second)
			w.seen(p, "203.0.113.77:5", 1, 1)
		}
	}
	many()
	if n := len(w.r.sessions[p.ID]); n != maxSessions {
		t.Errorf("%d in memory", n)
	}
	w.save()
	many()
	w.save()
	if n := w.rows("peer_sessions"); n != maxSessions {
		t.Errorf("%d on the disk", n)
	}
}

func TestAnotherPlaceOrAClockThatWasSetBackIsAnotherSession(t *testing.T) {
	var k track
	at := time.Unix(1_800_000_000, 0)
	one, other := netip.MustParseAddr("203.0.113.77"), netip.MustParseAddr("198.51.100.7")
	for i, step := range []struct {
		at   time.Time
		from netip.Addr
		want bool
	}{{at, one, true}, {at.Add(time.Minute), one, false}, {at.Add(2 * time.Minute), other, true}, {at.Add(time.Minute), other, true}, {at.Add(sessionGap), other, false}} {
		if got := k.handshake(step.at, step.from, false); got != step.want || k.open.Last.Before(k.open.First) {
			t.Errorf("%d: %v, %+v", i, got, k.open)
		}
	}
}

// The manager knows to an hour when a peer was here; the sessions know better.
func TestAStartKnowsFromTheSessionsWhoWasHere(t *testing.T) {
	w := newWorld(t)
	p := w.add("anna")
	w.look()
	w.seen(p, "203.0.113.77:5", 1, 1)
	w.save()
	w.dev.Observe(p.PublicKey, peers.Observed{}) // the device began anew
	w.restart()
	w.now = w.now.Add(time.Minute)
	w.seen(p, "203.0.113.77:5", 1, 1)
	if list, _ := w.r.Events(Filter{}); len(list) != 1 {
		t.Errorf("%+v", list)
	}
}

func TestEventsThatAreForgottenLeaveTheDisk(t *testing.T) {
	w := newWorld(t)
	note := func(n int) {
		for range n {
			w.r.note(Event{Kind: AdminAction})
		}
		w.save()
	}
	note(100)
	note(maxEvents)
	if n := w.rows("events"); n != maxEvents {
		t.Errorf("%d events on the disk", n)
	}
	w.restart()
	if list, more := w.r.Events(Filter{Limit: 1}); len(list) != 1 || !more || list[0].ID != maxEvents+100 {
		t.Errorf("%+v", list)
	}
}
