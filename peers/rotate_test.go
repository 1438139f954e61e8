package peers_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"homeward/peers"
	"homeward/peers/peerstest"
)

func TestANewCodeLeavesTheOldOneAliveUntilItsFirstUse(t *testing.T) {
	db := openDB(t)
	synctest.Test(t, func(t *testing.T) {
		dev := peerstest.NewDevice()
		m := newManager(t, db, dev)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- m.Run(ctx) }()
		old := create(t, m, "phone")
		other := create(t, m, "tablet")

		issued, err := m.Rotate(t.Context(), old.ID)
		if err != nil {
			t.Fatal(err)
		}
		fresh := issued.Client.PrivateKey.Public()
		switch {
		case fresh == old.PublicKey, issued.Peer.Next.PublicKey != fresh:
			t.Error("the code has no new key")
		case issued.Peer.PublicKey != old.PublicKey, issued.Peer.Name != old.Name, !slices.Equal(issued.Peer.Addresses, old.Addresses):
			t.Errorf("more than the key changed: %+v", issued.Peer)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		for _, d := range dev.Peers() {
			if d.PublicKey == fresh && len(d.Addresses) != 0 || d.PublicKey == old.PublicKey && len(d.Addresses) != 2 {
				t.Errorf("before its use: %+v", d)
			}
		}
		if !dev.Has(fresh) || !dev.Has(old.PublicKey) {
			t.Fatal("one of the two codes does not work")
		}

		dev.Observe(fresh, peers.Observed{LastHandshake: time.Now()})
		time.Sleep(2 * time.Second)
		synctest.Wait()
		now, err := m.Get(old.ID)
		if err != nil || now.PublicKey != fresh || now.Renewing() || now.State != peers.Active || now.Version <= issued.Peer.Version {
			t.Errorf("afterwards: %+v, %v", now, err)
		}
		if dev.Has(old.PublicKey) || len(dev.Peers()) != 2 {
			t.Error("the old code still works")
		}
		for _, d := range dev.Peers() {
			if len(d.Addresses) != 2 {
				t.Errorf("afterwards: %+v", d)
			}
		}
		if p, _ := m.Get(other.ID); p.Version != other.Version {
			t.Error("another device was changed")
		}
		cancel()
		<-ended
	})
	// It is on the disk.
	again := newManager(t, db, peerstest.NewDevice())
	for _, p := range again.List() {
		if p.Renewing() || len(p.Addresses) != 2 {
			t.Errorf("after a restart: %+v", p)
		}
	}
}

func TestANewCodeThatWasNotUsedSurvivesARestart(t *testing.T) {
	db := openDB(t)
	m := newManager(t, db, peerstest.NewDevice())
	p := create(t, m, "phone")
	first, err := m.Rotate(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	second, err := m.Rotate(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	dev := peerstest.NewDevice()
	again := newManager(t, db, dev)
	if _, err := again.SetEnabled(t.Context(), p.ID, true); err != nil { // tells the device
		t.Fatal(err)
	}
	if got, _ := again.Get(p.ID); got.Next.PublicKey != second.Client.PrivateKey.Public() || got.PublicKey != p.PublicKey {
		t.Errorf("%+v", got)
	}
	if dev.Has(first.Client.PrivateKey.Public()) || !dev.Has(second.Client.PrivateKey.Public()) || !dev.Has(p.PublicKey) {
		t.Errorf("the device has %+v", dev.Peers())
	}
	if err := again.Remove(t.Context(), p.ID); err != nil {
		t.Fatal(err)
	}
	if len(dev.Peers()) != 0 {
		t.Error("a removed device keeps a code")
	}
	var n int
	if err := db.QueryRow("SELECT count(*) FROM peer_next_keys").Scan(&n); err != nil || n != 0 {
		t.Errorf("%d keys are left, %v", n, err)
	}
}

func TestRotateRefusesAndStoresNothing(t *testing.T) {
	m := newManager(t, openDB(t), peerstest.NewDevice())
	if _, err := m.Rotate(t.Context(), 7); !errors.Is(err, peers.ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
	noAddress := false
	m = newManager(t, openDB(t), peerstest.NewDevice(), func(c *peers.Config) {
		c.Facts = func() peers.Facts {
			f := facts()
			if noAddress {
				f.Endpoint = nil
			}
			return f
		}
	})
	p := create(t, m, "phone")
	noAddress = true
	if _, err := m.Rotate(t.Context(), p.ID); !errors.Is(err, peers.ErrNoEndpoint) {
		t.Errorf("without an endpoint: %v", err)
	}
	if got, _ := m.Get(p.ID); got.Renewing() || got.Version != p.Version {
		t.Errorf("%+v", got)
	}
}
