package main

import (
	"encoding/json"
	"sync/atomic"
	"testing"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/cmd/homeward/internal/timekeeper"
	"homeward/configs/state"
	"homeward/peers"
	"homeward/web/api"
)

func TestABoxThatBeginsIn1970KnowsTheTimeFromItsState(t *testing.T) {
	in1970 := func() time.Time { return time.Unix(60, 0) }
	st := openState(t)
	identity, err := st.EnsureIdentity(t.Context(), func() (state.Plan, error) { return state.ChooseAddressPlan(nil, zeros{}) })
	if err != nil {
		t.Fatal(err)
	}
	now := func() time.Time {
		t.Helper()
		c, err := newClock(t.Context(), st, in1970)
		if err != nil {
			t.Fatal(err)
		}
		return c.Now()
	}
	written := time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)
	if err := st.WriteLastGood(state.LastGood{Written: written, Identity: identity, Peers: json.RawMessage(`{"peers":[]}`)}); err != nil {
		t.Fatal(err)
	}
	if got := now(); got.Before(written) || got.After(written.Add(time.Minute)) {
		t.Errorf("from the last-good file: %v", got)
	}
	later := written.Add(5 * 24 * time.Hour)
	if _, err := st.DB().Exec(`INSERT INTO events (id, at_unix, last_unix, count, kind, peer_id, name, actor, cause, place, detail) VALUES (1, ?1, ?1, 1, 'stopped', 0, '', '', '', '', '')`, later.Unix()); err != nil {
		t.Fatal(err)
	}
	if got := now(); got.Before(later) || got.After(later.Add(time.Minute)) {
		t.Errorf("from the history: %v", got)
	}
}

// The whole of it, through a running homeward and its restarts.
func TestAWrongClockNeitherCutsAGuestOffNorLetsOneIn(t *testing.T) {
	dir := newDir(t, "")
	var off atomic.Int64
	set := func(at time.Time) { off.Store(int64(time.Until(at))) }
	clock := func() time.Time { return time.Now().Round(0).Add(time.Duration(off.Load())) }
	state := func() (said string) {
		t.Helper()
		var list []api.Peer
		if err := json.Unmarshal([]byte(mustDo(t, dir, "peers", "list", "--json")), &list); err != nil || len(list) != 1 {
			t.Fatalf("%v, %v", list, err)
		}
		return list[0].State
	}
	want := func(when, want string) {
		t.Helper()
		for began := time.Now(); state() != want; time.Sleep(50 * time.Millisecond) { // the tunnel takes it in a moment
			if time.Since(began) > testPatience {
				t.Errorf("%s the guest is %s, want %s", when, state(), want)
				return
			}
		}
	}
	began := time.Now()
	stop, _ := startAt(t, dir, clock)
	mustDo(t, dir, "peers", "add", "guest", "--expires", "12h")
	want("at first", "active")
	set(began.AddDate(10, 0, 0))
	time.Sleep(11 * time.Second) // by then, the clock has been looked at
	want("after a jump", "active")
	stop()
	set(time.Unix(60, 0))
	stop, _ = startAt(t, dir, clock)
	want("in 1970", "active")
	stop()
	set(began.Add(20 * time.Hour))
	stop, _ = startAt(t, dir, clock)
	want("when its time is over", "expired")
	stop()
	set(time.Unix(60, 0))
	stop, _ = startAt(t, dir, clock)
	want("in 1970, when its time was over before", "expired")
	stop()
}

// zeros are random numbers for who needs none.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 77
	}
	return len(b), nil
}

func TestHandshakesAreOfTheTimeThatIsBelievedAlsoAfterTheClockIsSet(t *testing.T) {
	known := time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)
	wall, elapsed := time.Unix(60, 0), time.Duration(0)
	s := &sightings{clock: timekeeper.New(timekeeper.Config{Newest: known, Wall: func() time.Time { return wall }, Elapsed: func() time.Duration { return elapsed }})}
	key := wgtypes.Key{1}
	look := func(handshake, want time.Time) {
		t.Helper()
		seen := map[wgtypes.Key]peers.Observed{key: {LastHandshake: handshake, ReceivedBytes: 5}}
		s.correct(seen)
		if got := seen[key]; !got.LastHandshake.Equal(want) || got.ReceivedBytes != 5 {
			t.Errorf("%+v, want %v", got, want)
		}
	}
	look(time.Time{}, time.Time{})
	first := wall.Add(10 * time.Second)
	wall, elapsed = wall.Add(20*time.Second), elapsed+20*time.Second
	look(first, known.Add(10*time.Second))
	wall = known.Add(time.Hour) // the network tells the time
	look(first, known.Add(10*time.Second))
	look(wall.Add(-time.Second), wall.Add(-time.Second))
	look(wall.Add(24*time.Hour), wall) // of a time that has not come
}
