package peers_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"homeward/peers"
	"homeward/peers/peerstest"
)

// changing are facts that a test changes.
type changing struct{ now atomic.Pointer[peers.Facts] }

func newChanging() *changing {
	c := &changing{}
	f := facts()
	c.now.Store(&f)
	return c
}

func (c *changing) use(cfg *peers.Config) { cfg.Facts = func() peers.Facts { return *c.now.Load() } }

func (c *changing) change(edit func(*peers.Facts)) {
	f := facts()
	edit(&f)
	c.now.Store(&f)
}

func TestEachChangeOfHomeSaysWhichCodesAreOutdatedAndWhy(t *testing.T) {
	for want, edit := range map[string]func(*peers.Facts){
		"[]":           func(*peers.Facts) {},
		"[endpoint]":   func(f *peers.Facts) { f.Endpoint = &peers.Endpoint{Host: "other.example.org", Port: 51820} },
		"[port]":       func(f *peers.Facts) { f.Endpoint = &peers.Endpoint{Host: "home.example.org", Port: 4} },
		"[server_key]": func(f *peers.Facts) { f.PublicKey = newPublicKey(t) },
		"[dns]":        func(f *peers.Facts) { f.DNS = f.DNS[:1] },
		"[networks]":   func(f *peers.Facts) { f.LAN = []netip.Prefix{netip.MustParsePrefix("192.168.7.0/24")} },
		"[mtu]":        func(f *peers.Facts) { f.MTU = 1280 },
		"[] ":          func(f *peers.Facts) { f.Endpoint, f.LAN = nil, nil }, // the network is down for a moment
	} {
		db, c := openDB(t), newChanging()
		m := newManager(t, db, peerstest.NewDevice(), c.use)
		p := create(t, m, "anna")
		c.change(edit)
		for what, m := range map[string]*peers.Manager{"at once": m, "after a restart": newManager(t, db, peerstest.NewDevice(), c.use)} {
			if got := fmt.Sprint(m.List()[0].NeedsCode); got != string(bytes.TrimSpace([]byte(want))) || !slices.Equal(m.List()[0].NeedsCode, mustGet(t, m, p.ID).NeedsCode) {
				t.Errorf("%s: %s, want %s", what, got, want)
			}
		}
		c.change(func(*peers.Facts) {})
		if got := mustGet(t, m, p.ID).NeedsCode; len(got) != 0 {
			t.Errorf("changed back: %v", got)
		}
	}
}

func TestANetworkThatOnlySomeCodesNameOutdatesOnlyThose(t *testing.T) {
	c := newChanging()
	m := newManager(t, openDB(t), peerstest.NewDevice(), c.use)
	if _, err := m.Create(t.Context(), peers.NewPeer{Name: "all", Profile: peers.ProfileEverything}); err != nil {
		t.Fatal(err)
	}
	create(t, m, "home")
	c.change(func(f *peers.Facts) { f.LAN = []netip.Prefix{netip.MustParsePrefix("192.168.7.0/24")} })
	if list := m.List(); len(list[0].NeedsCode) != 0 || len(list[1].NeedsCode) != 1 {
		t.Errorf("all: %v, home: %v", list[0].NeedsCode, list[1].NeedsCode)
	}
}

func TestTheLedgerIsClearedWhenTheDeviceShowsUpWithTheNewCode(t *testing.T) {
	db := openDB(t)
	synctest.Test(t, func(t *testing.T) {
		c, dev := newChanging(), peerstest.NewDevice()
		m := newManager(t, db, dev, c.use)
		p := create(t, m, "anna")
		stop := run(t, m)
		c.change(func(f *peers.Facts) { f.MTU = 1280 })
		i, err := m.Rotate(t.Context(), p.ID)
		if err != nil {
			t.Fatal(err)
		}
		if got := mustGet(t, m, p.ID); len(got.NeedsCode) != 1 || !got.NextReady {
			t.Errorf("made but not used: %v, ready: %v", got.NeedsCode, got.NextReady)
		}
		dev.Observe(i.Client.PrivateKey.Public(), peers.Observed{LastHandshake: time.Now()})
		time.Sleep(2 * time.Second)
		synctest.Wait()
		stop()
		for what, m := range map[string]*peers.Manager{"at once": m, "after a restart": newManager(t, db, dev, c.use)} {
			if got := mustGet(t, m, p.ID); len(got.NeedsCode) != 0 || got.NextReady {
				t.Errorf("%s: %v", what, got.NeedsCode)
			}
		}
		if err := m.Remove(context.Background(), p.ID); err != nil {
			t.Fatal(err)
		}
	})
	var n int
	if err := db.QueryRow(`SELECT count(*) FROM issued_configs`).Scan(&n); err != nil || n != 0 {
		t.Errorf("%d entries are left, %v", n, err)
	}
}

func TestADeviceWithItsOwnKeyGetsItsConfigAnew(t *testing.T) {
	c, dev := newChanging(), peerstest.NewDevice()
	db := openDB(t)
	m := newManager(t, db, dev, c.use)
	key := newPublicKey(t)
	issued, err := m.Create(t.Context(), peers.NewPeer{Name: "router", PublicKey: &key})
	if err != nil || !issued.Peer.OwnKey {
		t.Fatal(issued.Peer, err)
	}
	c.change(func(f *peers.Facts) { f.Endpoint = &peers.Endpoint{Host: "other.example.org", Port: 51820} })
	again, err := m.Rotate(t.Context(), issued.Peer.ID)
	if err != nil || again.Peer.PublicKey != key || again.Peer.Renewing() || len(again.Peer.NeedsCode) != 0 || !again.Client.PrivateKey.IsZero() || again.Client.PresharedKey != issued.Client.PresharedKey {
		t.Errorf("%s, %v", peers.Public(again.Peer), err)
	}
	if text := mustText(t, again.Client); !bytes.Contains(text, []byte("Endpoint = other.example.org:51820\n")) {
		t.Errorf("%s", text)
	}
	next := newPublicKey(t)
	moved, err := m.RotateTo(t.Context(), issued.Peer.ID, next)
	if err != nil || moved.Peer.Next.PublicKey != next || moved.Peer.PublicKey != key || !dev.Has(next) || !dev.Has(key) {
		t.Errorf("to another key: %s, %v", peers.Public(moved.Peer), err)
	}
	other := create(t, m, "anna")
	for what, k := range map[string]peers.Peer{"its own": moved.Peer, "another's": other} {
		var f *peers.FieldError
		if _, err := m.RotateTo(t.Context(), issued.Peer.ID, k.PublicKey); !errors.As(err, &f) || !errors.Is(err, peers.ErrKeyTaken) {
			t.Errorf("%s key: %v", what, err)
		}
	}
	if _, err := m.Create(t.Context(), peers.NewPeer{Name: "thief", PublicKey: &next}); !errors.Is(err, peers.ErrKeyTaken) {
		t.Errorf("a key that waits: %v", err)
	}
	if _, err := m.RotateTo(t.Context(), issued.Peer.ID, serverKey); err == nil {
		t.Error("the server's key is taken")
	}
	if again := newManager(t, db, peerstest.NewDevice(), c.use); !mustGet(t, again, issued.Peer.ID).OwnKey {
		t.Error("after a restart it keeps no key of its own")
	}
}

func TestBothCodesComeFromOneIdentity(t *testing.T) {
	m := newManager(t, openDB(t), peerstest.NewDevice())
	for _, own := range []peers.Profile{peers.ProfileHome, peers.ProfileEverything} {
		issued, err := m.Create(t.Context(), peers.NewPeer{Name: "Anna's old telephone " + string(own), Profile: own})
		if err != nil {
			t.Fatal(err)
		}
		again, err := m.Issued(issued.Peer.ID)
		if err != nil {
			t.Fatal(err)
		}
		home, err1 := again.As(peers.ProfileHome)
		all, err2 := again.As(peers.ProfileEverything)
		plain, err3 := again.As("")
		if err := errors.Join(err1, err2, err3); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(home.AllowedIPs, all.AllowedIPs); got != "[10.6.0.0/24 192.168.1.0/24 fd00:6::/64] [0.0.0.0/0 ::/0]" {
			t.Error(got)
		}
		if fmt.Sprint(plain.AllowedIPs) != fmt.Sprint(issued.Client.AllowedIPs) {
			t.Errorf("without a profile it is %v", plain.AllowedIPs)
		}
		if home.PrivateKey != all.PrivateKey || home.PrivateKey.IsZero() || fmt.Sprint(home.Addresses) != fmt.Sprint(all.Addresses) {
			t.Error("they are two identities")
		}
		if a, b := home.FileName(), all.FileName(); a == b || len(a) > 15 || len(b) > 15 {
			t.Errorf("files %q and %q", a, b)
		}
		if _, err := again.As("all"); err == nil {
			t.Error("an unknown profile is taken")
		}
	}
}

func TestOneKeyInTwoDevicesIsNoticedAndAMovingOneIsNot(t *testing.T) {
	db := openDB(t)
	synctest.Test(t, func(t *testing.T) {
		dev := peerstest.NewDevice()
		m := newManager(t, db, dev)
		copied, moving, mobile := create(t, m, "copied"), create(t, m, "moving"), create(t, m, "mobile")
		defer run(t, m)()
		place := func(p peers.Peer, at string) {
			dev.Observe(p.PublicKey, peers.Observed{Endpoint: netip.MustParseAddrPort(at), LastHandshake: time.Now()})
		}
		for i := range 40 { // ten minutes
			place(copied, []string{"203.0.113.7:1000", "198.51.100.9:2000"}[i%2])
			place(moving, []string{"203.0.113.7:1000", "198.51.100.9:2000"}[i/8%2])
			place(mobile, fmt.Sprintf("203.0.113.%d:%d", i%3, 1000+i)) // a provider's pool
			time.Sleep(15 * time.Second)
		}
		synctest.Wait()
		if got := fmt.Sprint(mustGet(t, m, copied.ID).TwoPlaces, mustGet(t, m, copied.ID).Hints()); got != "[198.51.100.9 203.0.113.7] [two_places]" {
			t.Errorf("copied: %s", got)
		}
		for _, p := range []peers.Peer{moving, mobile} {
			if got := mustGet(t, m, p.ID); len(got.TwoPlaces) != 0 {
				t.Errorf("%s: %v", p.Name, got.TwoPlaces)
			}
		}
		time.Sleep(25 * time.Hour)
		synctest.Wait()
		if got := mustGet(t, m, copied.ID); len(got.TwoPlaces) != 0 {
			t.Error("it is said for ever")
		}
	})
}
