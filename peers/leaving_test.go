package peers_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"homeward/peers"
	"homeward/peers/peerstest"
)

func TestARemovalTakesHoldWhenItsUndoIsOverAndNotBefore(t *testing.T) {
	db := openDB(t)
	synctest.Test(t, func(t *testing.T) {
		dev := peerstest.NewDevice()
		m := newManager(t, db, dev)
		defer run(t, m)()
		goes, stays, other := create(t, m, "goes"), create(t, m, "stays"), create(t, m, "other")
		for _, p := range []peers.Peer{goes, stays} {
			if got, err := m.RemoveLater(t.Context(), p.ID, 20*time.Second); err != nil || time.Until(got.Leaves) > 20*time.Second || time.Until(got.Leaves) < 19*time.Second {
				t.Fatalf("%v leaves at %v, %v", p.Name, got.Leaves, err)
			}
		}
		time.Sleep(18 * time.Second)
		synctest.Wait()
		if !dev.Has(goes.PublicKey) || !dev.Has(stays.PublicKey) {
			t.Error("somebody is out before the undo is over")
		}
		if got, err := m.Keep(t.Context(), stays.ID); err != nil || !got.Leaves.IsZero() {
			t.Errorf("undone: %v, %v", got.Leaves, err)
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if _, err := m.Get(goes.ID); !errors.Is(err, peers.ErrNotFound) || dev.Has(goes.PublicKey) {
			t.Errorf("after the undo: %v", err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if !dev.Has(stays.PublicKey) || !dev.Has(other.PublicKey) {
			t.Error("one that stays is out")
		}
		if _, err := m.Keep(t.Context(), goes.ID); !errors.Is(err, peers.ErrNotFound) {
			t.Errorf("undone too late: %v", err)
		}
	})
}

func TestARemovalThatWasPromisedHappensAfterARestartToo(t *testing.T) {
	db := openDB(t)
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, db, peerstest.NewDevice())
		stop := run(t, m)
		goes, back := create(t, m, "goes"), create(t, m, "back")
		for id, undo := range map[peers.ID]time.Duration{goes.ID: 20 * time.Second, back.ID: peers.MaxUndo} {
			if _, err := m.RemoveLater(t.Context(), id, undo); err != nil {
				t.Fatal(err)
			}
		}
		stop() // as at a power cut
		time.Sleep(time.Minute)
		dev := peerstest.NewDevice()
		m = newManager(t, db, dev)
		defer run(t, m)()
		synctest.Wait()
		if _, err := m.Get(goes.ID); !errors.Is(err, peers.ErrNotFound) || dev.Has(goes.PublicKey) {
			t.Errorf("after a restart: %v", err)
		}
		if got := mustGet(t, m, back.ID); got.Leaves.IsZero() || !dev.Has(back.PublicKey) {
			t.Errorf("the other leaves at %v", got.Leaves)
		}
	})
}

func TestAnImpossibleUndoIsRefused(t *testing.T) {
	m := newManager(t, openDB(t), peerstest.NewDevice())
	p := create(t, m, "anna")
	for _, undo := range []time.Duration{0, -time.Second, time.Millisecond, 1500 * time.Millisecond, peers.MaxUndo + time.Second} {
		var field *peers.FieldError
		if _, err := m.RemoveLater(t.Context(), p.ID, undo); !errors.As(err, &field) || field.Field != "undo" {
			t.Errorf("%v: %v", undo, err)
		}
	}
	if _, err := m.RemoveLater(t.Context(), p.ID+1, time.Second); !errors.Is(err, peers.ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
	if got := mustGet(t, m, p.ID); !got.Leaves.IsZero() {
		t.Errorf("it leaves at %v", got.Leaves)
	}
}

// Somebody wanted it gone: a clock that was set back must not let it stay for a year.
func TestAClockThatWasSetBackDoesNotPutARemovalOff(t *testing.T) {
	db := openDB(t)
	synctest.Test(t, func(t *testing.T) {
		var back atomic.Int64 // of the clock, in nanoseconds
		dev := peerstest.NewDevice()
		m := newManager(t, db, dev, func(c *peers.Config) {
			c.Now = func() time.Time { return time.Now().Add(-time.Duration(back.Load())) }
		})
		defer run(t, m)()
		goes := create(t, m, "goes")
		if _, err := m.RemoveLater(t.Context(), goes.ID, 20*time.Second); err != nil {
			t.Fatal(err)
		}
		back.Store(int64(365 * 24 * time.Hour))
		time.Sleep(time.Minute)
		synctest.Wait()
		if _, err := m.Get(goes.ID); !errors.Is(err, peers.ErrNotFound) || dev.Has(goes.PublicKey) {
			t.Errorf("a minute later: %v", err)
		}
	})
}
