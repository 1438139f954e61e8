package peers_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"homeward/peers"
	"homeward/peers/peerstest"
)

// run starts m.Run and returns a function that ends it and waits for it.
func run(t *testing.T, m *peers.Manager) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v", err)
		}
	}
}

func TestRunGivesTheDeviceWhatIsStored(t *testing.T) {
	db := openDB(t)
	m := newManager(t, db, peerstest.NewDevice())
	p := create(t, m, "anna")
	synctest.Test(t, func(t *testing.T) {
		dev := peerstest.NewDevice()
		m := newManager(t, db, dev)
		if got := m.List()[0].State; got != peers.Pending {
			t.Errorf("state before Run = %v, want pending", got)
		}
		defer run(t, m)()
		synctest.Wait()
		if got := m.List()[0].State; got != peers.Active || !dev.Has(p.PublicKey) {
			t.Errorf("state = %v, in device: %v", got, dev.Has(p.PublicKey))
		}
		time.Sleep(24 * time.Hour)
		if dev.Calls() != 1 {
			t.Errorf("the device was called %d times in a quiet day", dev.Calls())
		}
	})
}

func TestCreateKeepsPeerWhenDeviceRefuses(t *testing.T) {
	dev := peerstest.NewDevice()
	dev.RefuseNext(errors.New("device closed"))
	m := newManager(t, openDB(t), dev)
	issued, err := m.Create(t.Context(), peers.NewPeer{Name: "anna's phone"})
	if err != nil {
		t.Fatal(err)
	}
	if got := m.List()[0].State; got != peers.Pending || issued.Peer.State != peers.Pending {
		t.Errorf("state = %v, want pending", got)
	}
}

func TestRefusedPeerComesInByItself(t *testing.T) {
	db := openDB(t)
	synctest.Test(t, func(t *testing.T) {
		dev := peerstest.NewDevice()
		m := newManager(t, db, dev)
		defer run(t, m)()
		synctest.Wait()
		for range 3 {
			dev.RefuseNext(errors.New("device closed"))
		}
		p := create(t, m, "anna")
		synctest.Wait()
		if got, _ := m.Get(p.ID); got.State != peers.Pending || dev.Calls() != 3 {
			t.Errorf("state = %v after %d calls, want pending after one retry at once", got.State, dev.Calls())
		}
		time.Sleep(time.Second)
		if got, _ := m.Get(p.ID); got.State != peers.Active || !dev.Has(p.PublicKey) {
			t.Errorf("state = %v, want active after the refusals ended", got.State)
		}
	})
}

func TestRefusedRemovalIsSaidAndTriedAgain(t *testing.T) {
	db := openDB(t)
	synctest.Test(t, func(t *testing.T) {
		dev := peerstest.NewDevice()
		m := newManager(t, db, dev)
		defer run(t, m)()
		gone, off := create(t, m, "anna"), create(t, m, "bert")
		synctest.Wait()
		refusal := errors.New("device closed")

		dev.RefuseNext(refusal)
		if err := m.Remove(t.Context(), gone.ID); !errors.Is(err, peers.ErrNotApplied) || !errors.Is(err, refusal) {
			t.Errorf("Remove = %v, want ErrNotApplied and the reason", err)
		}
		if _, err := m.Get(gone.ID); !errors.Is(err, peers.ErrNotFound) {
			t.Errorf("Get = %v, want ErrNotFound", err)
		}
		synctest.Wait()
		if dev.Has(gone.PublicKey) {
			t.Error("the removed peer is still in the device")
		}

		dev.RefuseNext(refusal)
		got, err := m.SetEnabled(t.Context(), off.ID, false)
		if !errors.Is(err, peers.ErrNotApplied) || got.Enabled || got.State != peers.Pending {
			t.Errorf("SetEnabled = %+v, %v; want a pending peer and ErrNotApplied", got, err)
		}
		synctest.Wait()
		if got, _ := m.Get(off.ID); got.State != peers.Disabled || dev.Has(off.PublicKey) {
			t.Errorf("state = %v, in device: %v", got.State, dev.Has(off.PublicKey))
		}
	})
}

func TestRetriesSlowDown(t *testing.T) {
	db := openDB(t)
	synctest.Test(t, func(t *testing.T) {
		dev := peerstest.NewDevice()
		for range 10_000 {
			dev.RefuseNext(errors.New("device closed"))
		}
		m := newManager(t, db, dev)
		defer run(t, m)()
		time.Sleep(time.Hour)
		if calls := dev.Calls(); calls < 100 || calls > 140 {
			t.Errorf("%d tries in an hour, want one in 30 s at last", calls)
		}
	})
}

func TestPrivateKeyIsForgottenOnTime(t *testing.T) {
	db := openDB(t)
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, db, peerstest.NewDevice())
		defer run(t, m)()
		start := time.Now()
		p := create(t, m, "anna")
		time.Sleep(10*time.Minute - time.Second)
		issued, err := m.Issued(p.ID)
		if err != nil || !issued.Until.Equal(start.Add(10*time.Minute)) {
			t.Errorf("Issued = until %v, %v", issued.Until, err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if n := peers.Remembered(m); n != 0 {
			t.Errorf("%d configs are remembered after the hand-over time", n)
		}
		if _, err := m.Issued(p.ID); !errors.Is(err, peers.ErrForgotten) {
			t.Errorf("Issued = %v, want ErrForgotten", err)
		}
	})
}

func TestPrivateKeyIsForgottenWithoutRun(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	m := newManager(t, openDB(t), peerstest.NewDevice(), func(c *peers.Config) {
		c.Now = func() time.Time { return now }
		c.HandOver = time.Minute
	})
	p := create(t, m, "anna")
	now = now.Add(time.Minute)
	if _, err := m.Issued(p.ID); !errors.Is(err, peers.ErrForgotten) || peers.Remembered(m) != 0 {
		t.Errorf("Issued = %v with %d remembered, want ErrForgotten and none", err, peers.Remembered(m))
	}
}

func TestRunForgetsEverythingAtTheEndAndLeavesNothingRunning(t *testing.T) {
	db := openDB(t)
	m := newManager(t, db, peerstest.NewDevice())
	before := goleak.IgnoreCurrent()
	stop := run(t, m)
	create(t, m, "anna")
	stop()
	goleak.VerifyNone(t, before)
	if n := peers.Remembered(m); n != 0 {
		t.Errorf("%d configs are remembered after Run", n)
	}
}

func TestSubscribersHearOfEveryChangeWithoutHoldingItUp(t *testing.T) {
	m := newManager(t, openDB(t), peerstest.NewDevice())
	changed, cancel := m.Subscribe()
	told := func() bool {
		select {
		case <-changed:
			return true
		default:
			return false
		}
	}
	p := create(t, m, "anna")
	create(t, m, "bert") // nobody listens meanwhile
	if !told() || told() {
		t.Error("two changes are not one pending value")
	}
	if _, err := m.SetEnabled(t.Context(), p.ID, false); err != nil || !told() {
		t.Errorf("disabling is not heard (%v)", err)
	}
	if err := m.Remove(t.Context(), p.ID); err != nil || !told() {
		t.Errorf("removing is not heard (%v)", err)
	}
	cancel()
	cancel()
	create(t, m, "carla")
	if told() {
		t.Error("a cancelled subscription still gets values")
	}
}
