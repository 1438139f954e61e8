package peers_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"homeward/peers"
	"homeward/peers/peerstest"
)

func TestAGuestIsOutToTheSecondAndInAgainWhenExtended(t *testing.T) {
	db := openDB(t)
	synctest.Test(t, func(t *testing.T) {
		dev := peerstest.NewDevice()
		m := newManager(t, db, dev)
		defer run(t, m)()
		stays := create(t, m, "anna")
		end := time.Now().Add(7 * 24 * time.Hour)
		i, err := m.Create(t.Context(), peers.NewPeer{Name: "guest", Expires: end})
		if err != nil {
			t.Fatal(err)
		}
		guest := i.Peer
		time.Sleep(time.Until(end) - time.Millisecond)
		synctest.Wait()
		if !dev.Has(guest.PublicKey) || mustGet(t, m, guest.ID).State != peers.Active {
			t.Error("the guest is out before the time")
		}
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		if got := mustGet(t, m, guest.ID); dev.Has(guest.PublicKey) || got.State != peers.Expired || !got.Enabled {
			t.Errorf("in the device: %v, %s", dev.Has(guest.PublicKey), got.State)
		}
		if !dev.Has(stays.PublicKey) {
			t.Error("the other one is out as well")
		}
		if got, err := m.SetEnabled(t.Context(), guest.ID, true); err != nil || got.State != peers.Expired {
			t.Errorf("enabling: %s, %v", got.State, err)
		}
		// Neither a restart nor another change lets it in.
		if got := mustGet(t, newManager(t, db, peerstest.NewDevice()), guest.ID); got.State != peers.Expired {
			t.Errorf("after a restart it is %s", got.State)
		}
		got, err := m.Edit(t.Context(), guest.ID, 0, peers.Change{Note: new("gone?"), Expires: new(end)})
		if err != nil || got.State != peers.Expired {
			t.Errorf("with its old end: %s, %v", got.State, err)
		}
		got, err = m.Edit(t.Context(), guest.ID, 0, peers.Change{Expires: new(time.Now().Add(time.Hour))})
		if err != nil || got.State != peers.Active || !dev.Has(guest.PublicKey) {
			t.Errorf("extended: %s, %v", got.State, err)
		}
		time.Sleep(time.Hour + time.Second)
		synctest.Wait()
		if dev.Has(guest.PublicKey) {
			t.Error("the second end was not kept")
		}
	})
}

func TestAnEndIsKeptWhenTheClockIsSet(t *testing.T) {
	db := openDB(t)
	synctest.Test(t, func(t *testing.T) {
		dev := peerstest.NewDevice()
		var off atomic.Int64
		m := newManager(t, db, dev, func(c *peers.Config) { c.Now = func() time.Time { return time.Now().Add(time.Duration(off.Load())) } })
		i, err := m.Create(t.Context(), peers.NewPeer{Name: "guest", Expires: time.Now().Add(24 * time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		stop := run(t, m)
		time.Sleep(time.Minute)
		synctest.Wait()
		off.Store(int64(48 * time.Hour)) // nothing of this runs now
		time.Sleep(11 * time.Second)
		synctest.Wait()
		if dev.Has(i.Peer.PublicKey) {
			t.Error("the guest is still in after the clock was set")
		}
		stop()
	})
}

func TestWhoIsIdleForTooLongIsSwitchedOff(t *testing.T) {
	db := openDB(t)
	const day = 24 * time.Hour
	synctest.Test(t, func(t *testing.T) {
		dev := peerstest.NewDevice()
		m := newManager(t, db, dev)
		stop := run(t, m)
		idle, busy, never := newWith(t, m, "idle", 3), newWith(t, m, "busy", 3), newWith(t, m, "never", 0)
		time.Sleep(2 * day)
		dev.Observe(busy.PublicKey, peers.Observed{LastHandshake: time.Now()})
		time.Sleep(day - time.Minute)
		synctest.Wait()
		if !dev.Has(idle.PublicKey) {
			t.Error("it is out before its time")
		}
		time.Sleep(20 * time.Minute)
		synctest.Wait()
		got := mustGet(t, m, idle.ID)
		if dev.Has(idle.PublicKey) || got.Enabled || !got.IdledOut || got.State != peers.Disabled || got.Version != idle.Version+1 {
			t.Errorf("after three days: %s", peers.Public(got))
		}
		if !dev.Has(busy.PublicKey) || !dev.Has(never.PublicKey) {
			t.Error("another one is out as well")
		}
		if got, err := m.SetEnabled(t.Context(), idle.ID, true); err != nil || got.IdledOut || got.State != peers.Active {
			t.Errorf("enabled again: %s, %v", peers.Public(got), err)
		}
		time.Sleep(day)
		synctest.Wait()
		if !dev.Has(idle.PublicKey) {
			t.Error("its days were not counted anew")
		}
		stop()

		// The box was off for a month: nobody could show up.
		time.Sleep(30 * day)
		m = newManager(t, db, dev)
		if got := mustGet(t, m, busy.ID); got.Seen.IsZero() {
			t.Error("when it was here is lost")
		}
		stop = run(t, m)
		time.Sleep(50 * time.Minute)
		dev.Observe(busy.PublicKey, peers.Observed{LastHandshake: time.Now()})
		time.Sleep(time.Hour)
		synctest.Wait()
		if !dev.Has(busy.PublicKey) || dev.Has(idle.PublicKey) {
			t.Errorf("two hours after the start: busy is in: %v, idle is in: %v", dev.Has(busy.PublicKey), dev.Has(idle.PublicKey))
		}
		stop()
	})
}

func newWith(t *testing.T, m *peers.Manager, name string, idleDays int) peers.Peer {
	t.Helper()
	i, err := m.Create(t.Context(), peers.NewPeer{Name: name, IdleDays: idleDays})
	if err != nil {
		t.Fatal(err)
	}
	return i.Peer
}

func TestWhenADeviceWasHereIsStoredRarely(t *testing.T) {
	db := openDB(t)
	writes := func() (n int) {
		if err := db.QueryRow(`SELECT count(*) FROM writes`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if _, err := db.Exec(`CREATE TABLE writes (x); CREATE TRIGGER w AFTER UPDATE OF seen_unix ON peers BEGIN INSERT INTO writes VALUES (1); END`); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		dev := peerstest.NewDevice()
		m := newManager(t, db, dev)
		p := create(t, m, "anna")
		stop := run(t, m)
		for range 12 * 30 { // half a day
			dev.Observe(p.PublicKey, peers.Observed{LastHandshake: time.Now()})
			time.Sleep(2 * time.Minute)
		}
		last := time.Now()
		dev.Observe(p.PublicKey, peers.Observed{LastHandshake: last})
		synctest.Wait()
		if n := writes(); n < 8 || n > 12 {
			t.Errorf("%d writes in twelve hours", n)
		}
		stop()
		m = newManager(t, db, peerstest.NewDevice())
		if got := mustGet(t, m, p.ID); !got.Seen.Equal(time.Unix(last.Unix(), 0)) || got.Version != p.Version {
			t.Errorf("after a restart it was here at %v, want %v; version %d", got.Seen, last, got.Version)
		}
	})
}

func TestAFailureThatLastsIsLoggedOnce(t *testing.T) {
	db := openDB(t)
	var log bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		dev := peerstest.NewDevice()
		m := newManager(t, db, dev, func(c *peers.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
		p := create(t, m, "anna")
		i, err := m.Rotate(t.Context(), p.ID)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(`CREATE TRIGGER full BEFORE UPDATE ON peers BEGIN SELECT RAISE(FAIL, 'disk is full'); END`); err != nil {
			t.Fatal(err)
		}
		dev.Observe(i.Client.PrivateKey.Public(), peers.Observed{LastHandshake: time.Now()})
		stop := run(t, m)
		time.Sleep(time.Minute)
		synctest.Wait()
		if _, err := db.Exec(`DROP TRIGGER full`); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := mustGet(t, m, p.ID); got.Renewing() || !dev.Has(i.Client.PrivateKey.Public()) || dev.Has(p.PublicKey) {
			t.Error("the new code did not take over in the end")
		}
		stop()
	})
	if n := strings.Count(log.String(), "disk is full"); n != 1 {
		t.Errorf("logged %d times, want once:\n%s", n, log.String())
	}
	if !strings.Contains(log.String(), "works again") {
		t.Error("the end of it is not logged")
	}
}
