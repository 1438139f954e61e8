package peers_test

import (
	"testing"

	"homeward/peers"
	"homeward/peers/peerstest"
)

func TestItIsKnownWhereMostDevicesCall(t *testing.T) {
	db, home := openDB(t), newChanging()
	m := newManager(t, db, peerstest.NewDevice(), home.use)
	want := func(what, at string) {
		t.Helper()
		// Also in what a restore or a start reads.
		for _, m := range []*peers.Manager{m, newManager(t, db, peerstest.NewDevice(), home.use)} {
			if got := m.Called(); got != at {
				t.Errorf("%s: %q, want %q", what, got, at)
			}
		}
	}
	want("without devices", "")
	create(t, m, "one")
	create(t, m, "two")
	want("two devices", "home.example.org:51820")
	home.change(func(f *peers.Facts) { f.Endpoint = &peers.Endpoint{Host: "2001:db8::7", Port: 443} })
	create(t, m, "three")
	want("one that calls elsewhere", "home.example.org:51820")
	create(t, m, "four")
	want("as many, and newer", "[2001:db8::7]:443")
}
