package peers_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"homeward/peers"
	"homeward/peers/peerstest"
)

const (
	day  = 24 * time.Hour
	year = 365 * day
)

// setClock is a clock that can be set while nothing else hears of it.
type setClock struct{ off atomic.Int64 }

func (c *setClock) use(cfg *peers.Config) {
	cfg.Now = func() time.Time { return time.Now().Add(time.Duration(c.off.Load())) }
}

func (c *setClock) set(off time.Duration) { c.off.Store(int64(off)) }

// pass lets time pass while the clock is as it is.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestWhomAWrongClockCutOffComesInAgainWhenItIsRight(t *testing.T) {
	db := openDB(t)
	synctest.Test(t, func(t *testing.T) {
		dev, clock := peerstest.NewDevice(), &setClock{}
		m := newManager(t, db, dev, clock.use)
		i, err := m.Create(t.Context(), peers.NewPeer{Name: "guest", Expires: time.Now().Add(30 * day)})
		if err != nil {
			t.Fatal(err)
		}
		defer run(t, m)()
		pass(time.Minute)
		clock.set(10 * year)
		pass(11 * time.Second)
		if dev.Has(i.Peer.PublicKey) {
			t.Fatal("the clock does not count at all")
		}
		clock.set(0)
		pass(11 * time.Second)
		if !dev.Has(i.Peer.PublicKey) || mustGet(t, m, i.Peer.ID).State != peers.Active {
			t.Error("the guest stays out")
		}
		clock.set(-10 * year)
		pass(11 * time.Second)
		if !dev.Has(i.Peer.PublicKey) {
			t.Error("the guest is out, since the clock was set back")
		}
	})
}

func TestAJumpOfTheClockSwitchesNoIdleDeviceOff(t *testing.T) {
	db := openDB(t)
	synctest.Test(t, func(t *testing.T) {
		dev, clock := peerstest.NewDevice(), &setClock{}
		m := newManager(t, db, dev, clock.use)
		p := newWith(t, m, "phone", 3)
		defer run(t, m)()
		pass(2 * time.Hour)
		for _, off := range []time.Duration{10 * year, 0, -10 * year, 0} {
			clock.set(off)
			pass(23 * time.Hour)
			dev.Observe(p.PublicKey, peers.Observed{LastHandshake: time.Now()})
			if !mustGet(t, m, p.ID).Enabled || !dev.Has(p.PublicKey) {
				t.Fatalf("it is off after a jump to %v", off)
			}
		}
		pass(3*day + 2*time.Hour) // nothing was lost of the rule itself
		if mustGet(t, m, p.ID).Enabled {
			t.Error("it is on after three idle days")
		}
	})
}

func TestAHandshakeInTheFutureIsNotStored(t *testing.T) {
	db := openDB(t)
	synctest.Test(t, func(t *testing.T) {
		dev := peerstest.NewDevice()
		m := newManager(t, db, dev)
		p := create(t, m, "phone")
		stop := run(t, m)
		dev.Observe(p.PublicKey, peers.Observed{LastHandshake: time.Now().Add(10 * year)})
		pass(time.Hour)
		here := time.Now()
		dev.Observe(p.PublicKey, peers.Observed{LastHandshake: here})
		pass(time.Hour)
		stop()
		if got := mustGet(t, newManager(t, db, peerstest.NewDevice()), p.ID); !got.Seen.Equal(time.Unix(here.Unix(), 0)) {
			t.Errorf("it was here at %v, want %v", got.Seen, here)
		}
	})
}
