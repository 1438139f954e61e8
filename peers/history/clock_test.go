package history

import (
	"testing"
	"time"

	"homeward/peers"
)

func TestAJumpOfTheClockForgetsNothing(t *testing.T) {
	const year = 365 * 24 * time.Hour
	w := newWorld(t)
	p := w.add("anna")
	w.seen(p, "203.0.113.77:5", 100, 100)
	w.stream.Publish(Event{Kind: Alert, Cause: "router"})
	w.look()
	w.now = w.now.Add(2 * time.Hour) // the first trim of a run
	w.look()
	w.save()
	count := func() [3]int { return [3]int{w.rows("peer_traffic"), w.rows("peer_sessions"), w.rows("events")} }
	before := count()
	if before[0] == 0 || before[1] == 0 || before[2] == 0 {
		t.Fatalf("nothing is there: %v", before)
	}
	hours := func(n int) {
		for range n {
			w.now = w.now.Add(time.Hour)
			w.look()
			w.save()
		}
	}
	for _, jump := range []time.Duration{10 * year, -10 * year, -50 * year, 50 * year} {
		w.now = w.now.Add(jump)
		w.look()
		w.save()
		hours(20)
		if got := count(); got != before {
			t.Fatalf("after a jump by %v: %v rows, want %v", jump, got, before)
		}
	}
	w.now = w.now.Add(10 * year)
	w.dev.Observe(p.PublicKey, peers.Observed{}) // its counters begin anew
	w.restart()                                  // with a wrong clock
	hours(20)
	if got := count(); got != before {
		t.Errorf("after a start with a wrong clock: %v rows, want %v", got, before)
	}
	hours(6) // it seems to be right
	if got := count(); got[0] != 0 || got[1] != 0 || got[2] != 0 {
		t.Errorf("what is ten years old is still there: %v", got)
	}
}

func TestEventsAreOfTheTimeThatIsBelieved(t *testing.T) {
	w := newWorld(t)
	for _, at := range []time.Time{{}, time.Unix(5, 0), w.now.AddDate(10, 0, 0)} {
		w.stream.Publish(Event{At: at, Kind: Alert, Cause: at.String()})
	}
	w.stream.Publish(Event{At: w.now.Add(-time.Minute), Kind: Alert, Cause: "a minute ago"})
	w.look()
	list, _ := w.r.Events(Filter{})
	if len(list) != 4 {
		t.Fatalf("%d events", len(list))
	}
	for _, e := range list {
		want := w.now
		if e.Cause == "a minute ago" {
			want = want.Add(-time.Minute)
		}
		if !e.At.Equal(want) {
			t.Errorf("%s: at %v, want %v", e.Cause, e.At, want)
		}
	}
}
