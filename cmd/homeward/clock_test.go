package main

import (
	"encoding/json"
	"testing"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/cmd/homeward/internal/timekeeper"
	"homeward/configs/state"
	"homeward/peers"
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
