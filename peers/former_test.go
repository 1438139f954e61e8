package peers_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/peers"
	"homeward/peers/peerstest"
)

func TestKeysThatEndedAreRememberedForThoseWhoWonder(t *testing.T) {
	db := openDB(t)
	synctest.Test(t, func(t *testing.T) {
		dev := peerstest.NewDevice()
		m := newManager(t, db, dev)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- m.Run(ctx) }()
		defer func() { cancel(); <-ended }()
		want := func(what string, key wgtypes.Key, id peers.ID, known bool) {
			t.Helper()
			f, ok := m.Former(key)
			if ok != known || known && (f.ID != id || f.Name != "phone" || f.Ended.IsZero()) {
				t.Errorf("%s: %+v, %v", what, f, ok)
			}
		}
		rotate := func(id peers.ID) wgtypes.Key {
			t.Helper()
			i, err := m.Rotate(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			return i.Client.PrivateKey.Public()
		}
		p := create(t, m, "phone")
		unused := rotate(p.ID)
		want("a code in use", p.PublicKey, 0, false)
		want("a code that waits", unused, 0, false)
		fresh := rotate(p.ID)
		want("a code that was replaced before its use", unused, p.ID, true)
		dev.Observe(fresh, peers.Observed{LastHandshake: time.Now()})
		time.Sleep(2 * time.Second)
		synctest.Wait()
		want("the code before", p.PublicKey, p.ID, true)
		next := rotate(p.ID)
		if err := m.Remove(t.Context(), p.ID); err != nil {
			t.Fatal(err)
		}
		want("the removed device's code", fresh, p.ID, true)
		want("the removed device's code that waited", next, p.ID, true)
		want("nobody's", wgtypes.Key{1}, 0, false)
		for range 300 { // which push the first ones out
			other := create(t, m, "phone")
			if err := m.Remove(t.Context(), other.ID); err != nil {
				t.Fatal(err)
			}
		}
		want("long ago", fresh, 0, false)
	})
}
