package history

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"homeward/peers"
)

func kinds(list []Event) (names string) {
	for _, e := range list {
		names += string(e.Kind) + " "
	}
	return strings.TrimSpace(names)
}

func TestADeviceThatComesBackIsNewsAfterADay(t *testing.T) {
	w := newWorld(t)
	p := w.add("anna")
	w.look()
	w.seen(p, "203.0.113.77:5", 1, 1)
	w.now = w.now.Add(2 * time.Minute)
	w.seen(p, "203.0.113.77:5", 2, 2)
	w.now = w.now.Add(time.Hour)
	w.seen(p, "[2001:db8:7:8::9]:5", 3, 3)
	w.save()
	w.restart() // what was seen is not forgotten
	w.now = w.now.Add(25 * time.Hour)
	w.seen(p, "192.168.1.7:5", 4, 4)

	list, _ := w.r.Events(Filter{})
	if kinds(list) != "device-back device-first" || list[1].Place != "203.0.113.0/24" || list[0].Name != "anna" || list[0].Peer != p.ID {
		t.Errorf("events: %+v", list)
	}
	got, err := w.r.Sessions(t.Context(), p.ID, 10)
	if err != nil || len(got) != 3 {
		t.Fatalf("sessions: %+v, %v", got, err)
	}
	if s := got[0]; !s.Home || s.Place != "192.168.1.0/24" {
		t.Errorf("at home: %+v", s)
	}
	if s := got[1]; s.Home || s.Place != "2001:db8:7::/48" {
		t.Errorf("by IPv6: %+v", s)
	}
	if s := got[2]; s.Last.Sub(s.First) != 2*time.Minute || s.Place != "203.0.113.0/24" {
		t.Errorf("the first: %+v", s)
	}
	w.save()
	if again, _ := w.r.Sessions(t.Context(), p.ID, 10); !slices.Equal(again, got) {
		t.Errorf("on the disk: %+v", again)
	}
}

// No inner destination is ever known here; of outer addresses only the network is.
func TestNoExactAddressReachesTheDisk(t *testing.T) {
	w := newWorld(t)
	p := w.add("anna")
	w.look()
	w.seen(p, "203.0.113.77:5", 1, 1)
	w.now = w.now.Add(time.Minute)
	w.seen(p, "[2001:db8:7:8:aaaa::9]:5", 1, 1)
	w.save()
	for _, q := range []string{"SELECT place FROM peer_sessions", "SELECT place || detail || cause FROM events"} {
		rows, err := w.st.DB().Query(q)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for rows.Next() {
			var s string
			if err := rows.Scan(&s); err != nil {
				t.Fatal(err)
			}
			n++
			if strings.Contains(s, "203.0.113.77") || strings.Contains(s, "aaaa") {
				t.Errorf("%s has %q", q, s)
			}
		}
		if rows.Close(); n == 0 {
			t.Errorf("%s: nothing", q)
		}
	}
}

func TestARemovedDeviceLeavesNothingButItsName(t *testing.T) {
	w := newWorld(t)
	p, other := w.add("anna"), w.add("bert")
	w.look()
	w.seen(p, "203.0.113.77:5", 100, 1)
	w.seen(other, "203.0.113.77:5", 100, 1)
	w.save()
	w.seen(p, "203.0.113.77:5", 200, 1)
	if err := w.peers.Remove(t.Context(), p.ID); err != nil {
		t.Fatal(err)
	}
	if !w.look() {
		t.Error("the removal waits for the next interval")
	}
	w.save()
	if n := w.rows("peer_traffic"); n != 3 {
		t.Errorf("%d rows of traffic, want the other device's three", n)
	}
	if w.rows("peer_sessions") != 1 || w.rows("peers_with_traffic") != 1 || len(w.r.Recent()) != 1 {
		t.Error("sessions or sums are left")
	}
	if list, _ := w.r.Events(Filter{Peer: p.ID}); len(list) != 1 || list[0].Name != "anna" {
		t.Errorf("events: %+v", list)
	}
}

func TestADeviceRemovedShortlyBeforeACrashLeavesNothing(t *testing.T) {
	w := newWorld(t)
	p := w.add("anna")
	w.look()
	w.seen(p, "203.0.113.77:5", 100, 1)
	w.save()
	if err := w.peers.Remove(t.Context(), p.ID); err != nil {
		t.Fatal(err)
	}
	w.restart()
	if len(w.r.Recent()) != 0 {
		t.Error("its last hours are still known")
	}
	w.save()
	if n := w.rows("peer_traffic"); n != 0 {
		t.Errorf("%d rows are left", n)
	}
}

func TestWhatIsTooOldOrTooMuchIsForgotten(t *testing.T) {
	w := newWorld(t)
	p, other := w.add("anna"), w.add("bert")
	var n uint64
	day := func() {
		w.now = w.now.Add(24 * time.Hour)
		w.look()
		n += 10
		w.seen(p, "203.0.113.77:5", n, n)
		w.seen(other, "203.0.113.77:5", n, n)
		w.save()
	}
	for range 100 {
		day()
	}
	count := func(s step) (n int) {
		if err := w.st.DB().QueryRow("SELECT count(*) FROM peer_traffic WHERE step_seconds = ?", int64(s)).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if a, b, c, s := count(fiveMinutes), count(hourly), count(daily), w.rows("peer_sessions"); a > 6 || a < 4 || b > 124 || b < 118 || c != 200 || s > 182 || s < 178 {
		t.Errorf("rows: %d %d %d, %d sessions", a, b, c, s)
	}
	w.r.rows = 50
	day()
	if a, b, c := count(fiveMinutes), count(hourly), count(daily); a > 6 || b != 50 || c != 50 {
		t.Errorf("bounded to 50 rows: %d %d %d", a, b, c)
	}
}

func TestCountersThatBeginAnewAreNotLostAndNotDoubled(t *testing.T) {
	w := newWorld(t)
	p := w.add("anna")
	w.look()
	w.seen(p, "203.0.113.77:5", 1000, 100)
	w.seen(p, "203.0.113.77:5", 400, 10) // the device began anew
	w.seen(p, "203.0.113.77:5", 500, 20)
	if got := w.sum(p, SpanHour); got != (Amount{1500, 120}) {
		t.Errorf("%+v", got)
	}
	w.restart() // without saving: lost, but what the device says now counts
	w.look()
	if got := w.sum(p, SpanHour); got != (Amount{500, 20}) {
		t.Errorf("after a crash: %+v", got)
	}
}

func TestADiskThatRefusesLosesNothingForAnHour(t *testing.T) {
	w := newWorld(t)
	p := w.add("anna")
	w.look()
	dead, cancel := context.WithCancel(t.Context())
	cancel()
	var n uint64
	for range 11 {
		n += 7
		w.seen(p, "203.0.113.77:5", n, 0)
		w.now = w.now.Add(5 * time.Minute)
		w.look()
		if w.r.flush(dead) == nil {
			t.Fatal("a dead disk took it")
		}
	}
	w.now = w.now.Add(time.Minute)
	if got := w.sum(p, SpanDay).Received; got != n {
		t.Errorf("%d of %d bytes before", got, n)
	}
	w.save()
	if got := w.sum(p, SpanDay).Received; got != n {
		t.Errorf("%d of %d bytes after", got, n)
	}
	for range 100 {
		n += 7
		w.seen(p, "203.0.113.77:5", n, 0)
		w.now = w.now.Add(5 * time.Minute)
		w.look()
	}
	if len(w.r.pending) > maxPending {
		t.Errorf("%d intervals are held", len(w.r.pending))
	}
}

func TestTheRecorderWritesRarelyAndAtItsEnd(t *testing.T) {
	w := newWorld(t)
	p := w.add("anna")
	_, err := w.st.DB().Exec(`CREATE TABLE writes (n); CREATE TRIGGER count_writes AFTER INSERT ON peer_traffic WHEN NEW.step_seconds = 300 BEGIN INSERT INTO writes VALUES (1); END;
		CREATE TRIGGER count_updates AFTER UPDATE ON peer_traffic WHEN NEW.step_seconds = 300 BEGIN INSERT INTO writes VALUES (1); END`)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
		began := time.Now()
		n := uint64(0)
		list := func() []peers.Peer {
			n = uint64(time.Since(began) / time.Second)
			q := p
			q.Observed = peers.Observed{ReceivedBytes: n}
			return []peers.Peer{q}
		}
		r, err := New(t.Context(), Config{DB: w.st.DB(), Peers: list, Stream: &Stream{}, Version: "1.1", Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx) }()
		time.Sleep(time.Hour + 3*time.Second)
		synctest.Wait()
		if got := w.rows("writes"); got < 11 || got > 13 {
			t.Errorf("%d rows written in an hour, want one in five minutes", got)
		}
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		sum, err := r.store.traffic(t.Context(), p.ID, daily, []int64{daily.start(began).Unix(), daily.start(time.Now()).Unix()})
		var stored uint64
		for _, a := range sum {
			stored += a.Received
		}
		if err != nil || stored != 3603 {
			t.Errorf("%d bytes are stored, want one of each second to the very end, %v", stored, err)
		}
		events, err := r.store.events(t.Context())
		if err != nil || kinds(events) != "started stopped" {
			t.Errorf("events: %s, %v", kinds(events), err)
		}
	})
}

func TestAStartSaysHowTheRunBeforeEnded(t *testing.T) {
	w := newWorld(t)
	w.r.start()
	w.save()
	w.restart() // a crash
	w.r.start()
	w.r.stop()
	w.save()
	w.restart()
	w.r.cfg.Version = "1.1"
	w.r.start()
	list, _ := w.r.Events(Filter{})
	if kinds(list) != "started updated stopped started started" || list[0].Cause != "" || list[1].Detail != "1.0 → 1.1" || list[3].Cause != "unclean" || list[4].Cause != "" {
		t.Errorf("%+v", list)
	}
}
