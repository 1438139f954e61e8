package peers_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/configs/secret"
	"homeward/peers"
	"homeward/peers/peerstest"
)

var serverKey = mustKey("CAUBdg4wTrPYvsXmCvvNvH0WUxHMkGDLbQx5lRYOd3o=")

func mustKey(s string) wgtypes.Key {
	k, err := wgtypes.ParseKey(s)
	if err != nil {
		panic(err)
	}
	return k
}

func facts() peers.Facts {
	return peers.Facts{
		PublicKey: serverKey,
		Endpoint:  &peers.Endpoint{Host: "home.example.org", Port: 51820, Source: peers.EndpointOperator},
		DNS:       []netip.Addr{netip.MustParseAddr("10.6.0.1"), netip.MustParseAddr("fd00:6::1")},
		MTU:       1412,
		Tunnel:    []netip.Prefix{netip.MustParsePrefix("10.6.0.1/24"), netip.MustParsePrefix("fd00:6::1/64")},
		LAN:       []netip.Prefix{netip.MustParsePrefix("192.168.1.7/24")},
	}
}

func newManager(t testing.TB, db *sql.DB, dev peers.Device, change ...func(*peers.Config)) *peers.Manager {
	t.Helper()
	cfg := peers.Config{DB: db, Device: dev, Facts: facts, Logger: slog.New(slog.DiscardHandler)}
	for _, f := range change {
		f(&cfg)
	}
	m, err := peers.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func create(t testing.TB, m *peers.Manager, name string) peers.Peer {
	t.Helper()
	issued, err := m.Create(t.Context(), peers.NewPeer{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	return issued.Peer
}

func newPublicKey(t testing.TB) wgtypes.Key {
	t.Helper()
	k, err := secret.GeneratePrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	return k.Public()
}

func TestCreatedPeerIsCompleteAndInTheDevice(t *testing.T) {
	dev := peerstest.NewDevice()
	m := newManager(t, openDB(t), dev)
	issued, err := m.Create(t.Context(), peers.NewPeer{Name: " anna's phone "})
	if err != nil {
		t.Fatal(err)
	}
	p := issued.Peer
	if p.Name != "anna's phone" || p.Profile != peers.ProfileHome || p.State != peers.Active || !p.Enabled || p.Version != 1 || p.ID <= 0 {
		t.Errorf("peer = %+v", p)
	}
	if got := fmt.Sprint(p.Addresses); got != "[10.6.0.2 fd00:6::2]" {
		t.Errorf("addresses = %s", got)
	}
	if issued.Client.PrivateKey.Public() != p.PublicKey || issued.Client.ServerKey != serverKey || p.PresharedKey.IsZero() {
		t.Error("the keys do not belong together")
	}
	in := dev.Peers()
	if len(in) != 1 || in[0].PublicKey != p.PublicKey || in[0].PresharedKey != p.PresharedKey || !slices.Equal(in[0].Addresses, p.Addresses) {
		t.Errorf("device has %+v", in)
	}
	again, err := m.Issued(p.ID)
	if err != nil {
		t.Fatal(err)
	}
	first, err1 := issued.Client.Text()
	second, err2 := again.Client.Text()
	if err1 != nil || err2 != nil || !bytes.Equal(first, second) {
		t.Errorf("the config differs when it is shown again: %v, %v", err1, err2)
	}
}

func TestPeersSurviveARestart(t *testing.T) {
	db := openDB(t)
	m := newManager(t, db, peerstest.NewDevice())
	create(t, m, "anna")
	off := create(t, m, "Bert")
	if _, err := m.SetEnabled(t.Context(), off.ID, false); err != nil {
		t.Fatal(err)
	}
	before := m.List()
	m = newManager(t, db, peerstest.NewDevice())
	after := m.List()
	if len(before) != 2 || len(after) != 2 {
		t.Fatalf("%d peers before and %d after", len(before), len(after))
	}
	for i := range before {
		before[i].State, after[i].State = "", "" // the new device knows nothing yet
		if peers.Public(before[i]) != peers.Public(after[i]) || before[i].PresharedKey != after[i].PresharedKey {
			t.Errorf("before: %+v\nafter:  %+v", before[i], after[i])
		}
	}
	if _, err := m.Issued(off.ID); !errors.Is(err, peers.ErrForgotten) {
		t.Errorf("Issued after a restart = %v, want ErrForgotten", err)
	}
}

func TestCreateRefusesAndStoresNothing(t *testing.T) {
	var zero wgtypes.Key
	low := wgtypes.Key{1} // of order 1
	loworder8 := mustKey("4Ot6fDtBuK4WVuP68Z/EatoJjeucMrH9hmIFFl9JuAA=")
	topBit := serverKey
	topBit[31] |= 0x80
	taken := newPublicKey(t)
	for what, test := range map[string]struct {
		new   peers.NewPeer
		field string
		is    error
	}{
		"empty name":             {peers.NewPeer{}, "name", nil},
		"long name":              {peers.NewPeer{Name: strings.Repeat("x", 200)}, "name", nil},
		"control character":      {peers.NewPeer{Name: "a\nb"}, "name", nil},
		"taken name":             {peers.NewPeer{Name: "ANNA"}, "name", peers.ErrNameTaken},
		"unknown profile":        {peers.NewPeer{Name: "b", Profile: "all"}, "profile", nil},
		"taken key":              {peers.NewPeer{Name: "b", PublicKey: &taken}, "public_key", peers.ErrKeyTaken},
		"own key of the server":  {peers.NewPeer{Name: "b", PublicKey: &serverKey}, "public_key", nil},
		"zero key":               {peers.NewPeer{Name: "b", PublicKey: &zero}, "public_key", nil},
		"low order key":          {peers.NewPeer{Name: "b", PublicKey: &low}, "public_key", nil},
		"another low order key":  {peers.NewPeer{Name: "b", PublicKey: &loworder8}, "public_key", nil},
		"second spelling of key": {peers.NewPeer{Name: "b", PublicKey: &topBit}, "public_key", nil},
	} {
		t.Run(what, func(t *testing.T) {
			dev, db := peerstest.NewDevice(), openDB(t)
			m := newManager(t, db, dev)
			if _, err := m.Create(t.Context(), peers.NewPeer{Name: "Anna", PublicKey: &taken}); err != nil {
				t.Fatal(err)
			}
			_, err := m.Create(t.Context(), test.new)
			var field *peers.FieldError
			if !errors.As(err, &field) || field.Field != test.field {
				t.Errorf("error = %v, want a FieldError of %s", err, test.field)
			}
			if test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("error = %v, want %v behind it", err, test.is)
			}
			if len(m.List()) != 1 || len(dev.Peers()) != 1 || len(newManager(t, db, dev).List()) != 1 {
				t.Error("something was left behind")
			}
		})
	}
}

func TestCreateWithoutEndpointStoresNothing(t *testing.T) {
	m := newManager(t, openDB(t), peerstest.NewDevice(), func(c *peers.Config) {
		c.Facts = func() peers.Facts { f := facts(); f.Endpoint = nil; return f }
	})
	if _, err := m.Create(t.Context(), peers.NewPeer{Name: "anna"}); !errors.Is(err, peers.ErrNoEndpoint) || len(m.List()) != 0 {
		t.Errorf("error = %v with %d peers, want ErrNoEndpoint and none", err, len(m.List()))
	}
}

func TestCreateRefusesFactsThatMakeNoConfig(t *testing.T) {
	for what, spoil := range map[string]func(*peers.Facts){
		"no server key":    func(f *peers.Facts) { f.PublicKey = wgtypes.Key{} },
		"no tunnel":        func(f *peers.Facts) { f.Tunnel = nil },
		"impossible MTU":   func(f *peers.Facts) { f.MTU = 100 },
		"hostile endpoint": func(f *peers.Facts) { f.Endpoint.Host = "x\nPostUp = reboot" },
		"hostile zone":     func(f *peers.Facts) { f.DNS[0] = netip.MustParseAddr("fe80::1").WithZone("x\ny") },
	} {
		m := newManager(t, openDB(t), peerstest.NewDevice(), func(c *peers.Config) {
			c.Facts = func() peers.Facts { f := facts(); spoil(&f); return f }
		})
		if _, err := m.Create(t.Context(), peers.NewPeer{Name: "anna"}); err == nil || len(m.List()) != 0 {
			t.Errorf("%s: error = %v with %d peers, want an error and none", what, err, len(m.List()))
		}
	}
}

func TestFullTunnelIsSaid(t *testing.T) {
	m := newManager(t, openDB(t), peerstest.NewDevice(), func(c *peers.Config) {
		c.Facts = func() peers.Facts {
			f := facts()
			f.Tunnel = []netip.Prefix{netip.MustParsePrefix("10.6.0.1/30")}
			return f
		}
	})
	create(t, m, "anna")
	_, err := m.Create(t.Context(), peers.NewPeer{Name: "bert"})
	if !errors.Is(err, peers.ErrNoAddress) || !strings.Contains(err.Error(), "10.6.0.0/30") {
		t.Errorf("error = %v, want ErrNoAddress that names the prefix", err)
	}
}

func TestRemovedPeerFreesNameAndAddress(t *testing.T) {
	db, dev := openDB(t), peerstest.NewDevice()
	m := newManager(t, db, dev)
	first := create(t, m, "anna")
	create(t, m, "bert")
	if err := m.Remove(t.Context(), first.ID); err != nil {
		t.Fatal(err)
	}
	if dev.Has(first.PublicKey) {
		t.Error("the device still has the removed peer")
	}
	for what, err := range map[string]error{
		"Get": second(m.Get(first.ID)), "Issued": second(m.Issued(first.ID)), "Remove": m.Remove(t.Context(), first.ID),
		"SetEnabled": second(m.SetEnabled(t.Context(), first.ID, true)),
	} {
		if !errors.Is(err, peers.ErrNotFound) {
			t.Errorf("%s of a removed peer = %v, want ErrNotFound", what, err)
		}
	}
	if again := create(t, m, "Anna"); again.Addresses[0] != first.Addresses[0] {
		t.Errorf("address = %v, want the freed %v", again.Addresses[0], first.Addresses[0])
	}
	var rows int
	if err := db.QueryRow(`SELECT count(*) FROM peer_addresses`).Scan(&rows); err != nil || rows != 4 {
		t.Errorf("%d addresses in the database (%v), want 4", rows, err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestDisabledPeerIsOutAtOnceAndKeepsItsPlace(t *testing.T) {
	dev := peerstest.NewDevice()
	m := newManager(t, openDB(t), dev)
	p := create(t, m, "anna")
	off, err := m.SetEnabled(t.Context(), p.ID, false)
	if err != nil || off.State != peers.Disabled || off.Version != 2 || dev.Has(p.PublicKey) {
		t.Errorf("after disabling: %+v, %v, in device: %v", off, err, dev.Has(p.PublicKey))
	}
	if other := create(t, m, "bert"); other.Addresses[0] == p.Addresses[0] {
		t.Error("the disabled peer's address was given away")
	}
	calls := dev.Calls()
	if same, err := m.SetEnabled(t.Context(), p.ID, false); err != nil || same.Version != 2 || dev.Calls() != calls {
		t.Errorf("disabling twice changed something: %+v, %v", same, err)
	}
	on, err := m.SetEnabled(t.Context(), p.ID, true)
	if err != nil || on.State != peers.Active || !dev.Has(p.PublicKey) {
		t.Errorf("after enabling: %+v, %v", on, err)
	}
}

func TestParallelCreatesGetDistinctAddresses(t *testing.T) {
	db := openDB(t)
	// Two managers on one database: the memory of one does not know what the
	// other gives out, so that only the database can keep them apart.
	managers := []*peers.Manager{newManager(t, db, peerstest.NewDevice()), newManager(t, db, peerstest.NewDevice())}
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		seen = make(map[netip.Addr]peers.ID)
	)
	for i := range 200 {
		wg.Go(func() {
			issued, err := managers[i%2].Create(t.Context(), peers.NewPeer{Name: fmt.Sprint("device ", i)})
			if err != nil {
				t.Errorf("create %d: %v", i, err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			for _, a := range issued.Peer.Addresses {
				if other, taken := seen[a]; taken {
					t.Errorf("%v given to %d and %d", a, other, issued.Peer.ID)
				}
				seen[a] = issued.Peer.ID
			}
		})
	}
	wg.Wait()
	if len(seen) != 400 {
		t.Errorf("%d addresses given out, want 400", len(seen))
	}
}

func TestParallelCreatesOfOneNameHaveOneWinner(t *testing.T) {
	m := newManager(t, openDB(t), peerstest.NewDevice())
	var wg sync.WaitGroup
	errs := make([]error, 20)
	for i := range errs {
		wg.Go(func() { _, errs[i] = m.Create(t.Context(), peers.NewPeer{Name: "anna"}) })
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if !errors.Is(err, peers.ErrNameTaken) {
			t.Errorf("error = %v, want ErrNameTaken", err)
		}
	}
	if won != 1 || len(m.List()) != 1 {
		t.Errorf("%d winners and %d peers, want one", won, len(m.List()))
	}
}

func TestListIsSortedByNameAndShowsWhatWasObserved(t *testing.T) {
	dev := peerstest.NewDevice()
	m := newManager(t, openDB(t), dev)
	for _, name := range []string{"carla", "Bert", "anna", "Émile"} {
		create(t, m, name)
	}
	bert := m.List()[1]
	seen := peers.Observed{Endpoint: netip.MustParseAddrPort("203.0.113.9:4000"), ReceivedBytes: 7, SentBytes: 8}
	dev.Observe(bert.PublicKey, seen)
	var names []peers.Name
	for _, p := range m.List() {
		names = append(names, p.Name)
	}
	if got := fmt.Sprint(names); got != "[anna Bert carla Émile]" {
		t.Errorf("names = %s", got)
	}
	if got := m.List()[1].Observed; got != seen {
		t.Errorf("List shows %+v", got)
	}
	if got, err := m.Get(bert.ID); err != nil || got.Observed != seen {
		t.Errorf("Get shows %+v, %v", got.Observed, err)
	}
}

func TestReadersCannotChangeTheManager(t *testing.T) {
	m := newManager(t, openDB(t), peerstest.NewDevice())
	issued, err := m.Create(t.Context(), peers.NewPeer{Name: "anna"})
	if err != nil {
		t.Fatal(err)
	}
	evil := netip.MustParseAddr("192.0.2.1")
	issued.Peer.Addresses[0], issued.Client.DNS[0] = evil, evil
	m.List()[0].Addresses[0] = evil
	again, err := m.Issued(issued.Peer.ID)
	if err != nil || again.Peer.Addresses[0] == evil || again.Client.DNS[0] == evil || m.List()[0].Addresses[0] == evil {
		t.Errorf("a reader's change arrived: %+v, %v", again, err)
	}
}

func TestOwnPublicKeyNeedsNoPrivateOne(t *testing.T) {
	m := newManager(t, openDB(t), peerstest.NewDevice())
	key := newPublicKey(t)
	issued, err := m.Create(t.Context(), peers.NewPeer{Name: "laptop", PublicKey: &key})
	if err != nil || issued.Peer.PublicKey != key || !issued.Client.PrivateKey.IsZero() {
		t.Fatalf("issued = %+v, %v", issued, err)
	}
	text, err := issued.Client.Text()
	if err != nil || bytes.Contains(text, []byte("PrivateKey")) || !bytes.Contains(text, []byte("PresharedKey = ")) {
		t.Errorf("text = %v", err)
	}
	for what, err := range map[string]error{
		"PNG": second(issued.Client.QRPNG(300)), "SVG": second(issued.Client.QRSVG()),
		"terminal": second(issued.Client.QRTerminal()), "plain terminal": second(issued.Client.QRTerminalPlain()),
	} {
		if !errors.Is(err, peers.ErrNoPrivateKey) {
			t.Errorf("%s: error = %v, want ErrNoPrivateKey", what, err)
		}
	}
}

func TestPrivateKeysReachNeitherDiskNorLog(t *testing.T) {
	var log bytes.Buffer
	db := openDB(t)
	m := newManager(t, db, peerstest.NewDevice(), func(c *peers.Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	created, err := m.Create(t.Context(), peers.NewPeer{Name: "anna"})
	if err != nil {
		t.Fatal(err)
	}
	rotated, err := m.Rotate(t.Context(), created.Peer.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`PRAGMA wal_checkpoint(PASSIVE)`); err != nil { // what was overwritten may lie in either file
		t.Fatal(err)
	}
	var file string
	if err := db.QueryRow(`SELECT file FROM pragma_database_list WHERE name = 'main'`).Scan(&file); err != nil {
		t.Fatal(err)
	}
	var disk []byte
	names, _ := filepath.Glob(file + "*")
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		disk = append(disk, b...)
	}
	for what, issued := range map[string]peers.Issued{"created": created, "rotated": rotated} {
		fmt.Fprintf(&log, "%v %+v %#v", issued, issued, issued)
		private, preshared := issued.Client.PrivateKey.Reveal(), issued.Client.PresharedKey.Reveal()
		if !bytes.Contains(disk, preshared[:]) {
			t.Fatalf("%s: the preshared key is not found on the disk: this test looks at the wrong place", what)
		}
		for _, form := range [][]byte{private[:], []byte(private.String()), []byte(hex.EncodeToString(private[:]))} {
			if bytes.Contains(disk, form) {
				t.Errorf("%s: the private key is on the disk", what)
			}
			if bytes.Contains(log.Bytes(), form) {
				t.Errorf("%s: the private key is in the log", what)
			}
		}
		if bytes.Contains(log.Bytes(), []byte(preshared.String())) {
			t.Errorf("%s: the preshared key is in the log", what)
		}
	}
	if !strings.Contains(log.String(), `msg="device added" peer=1 name=anna`) {
		t.Errorf("log = %s", log.String())
	}
}

func TestADamagedDeviceStaysOutAndKeepsNobodyElseOut(t *testing.T) {
	for what, damage := range map[string]string{
		"name":             `UPDATE peers SET name = 'a' || char(10) || 'b' WHERE id = 2`,
		"profile":          `UPDATE peers SET profile = 'root' WHERE id = 2`,
		"empty profile":    `UPDATE peers SET profile = '' WHERE id = 2`,
		"public key":       `UPDATE peers SET public_key = zeroblob(32) WHERE id = 2`,
		"preshared length": `UPDATE peers SET preshared_key = zeroblob(31) WHERE id = 2`,
		"keepalive":        `UPDATE peers SET keepalive_seconds = 70000 WHERE id = 2`,
		"enabled":          `UPDATE peers SET enabled = 2 WHERE id = 2`,
		"version":          `UPDATE peers SET version = 0 WHERE id = 2`,
		"kind":             `UPDATE peers SET kind = 'toaster' WHERE id = 2`,
		"note":             `UPDATE peers SET note = ' x' WHERE id = 2`,
		"dns":              `UPDATE peers SET dns = 2 WHERE id = 2`,
		"expiry":           `UPDATE peers SET expires_unix = -1 WHERE id = 2`,
		"idle days":        `UPDATE peers SET idle_days = 4000 WHERE id = 2`,
		"no address":       `DELETE FROM peer_addresses WHERE peer_id = 2`,
		"address":          `UPDATE peer_addresses SET address = '10.6.0.3/24' WHERE address = '10.6.0.3'`,
		"address spelling": `UPDATE peer_addresses SET address = 'FD00:6::3' WHERE address = 'fd00:6::3'`,
		"address family":   `UPDATE peer_addresses SET family = 6 WHERE address = '10.6.0.3'`,
	} {
		t.Run(what, func(t *testing.T) {
			db := openDB(t)
			m := newManager(t, db, peerstest.NewDevice())
			create(t, m, "anna")
			create(t, m, "bert")
			// The schema's own checks forbid some of this damage.
			if _, err := db.Exec(`PRAGMA ignore_check_constraints = 1; ` + damage); err != nil {
				t.Fatal(err)
			}
			dev := peerstest.NewDevice()
			m = newManager(t, db, dev)
			if out := m.LeftOut(); len(out) != 1 || out[0].ID != 2 || out[0].Err == nil {
				t.Fatalf("left out: %+v", out)
			}
			carl := create(t, m, "carl")
			if n := len(dev.Peers()); n != 2 {
				t.Errorf("%d devices may come in, want anna and carl", n)
			}
			for _, a := range carl.Addresses {
				if a == netip.MustParseAddr("fd00:6::3") && what != "no address" && what != "address spelling" {
					t.Errorf("carl got the damaged device's %v", a)
				}
			}
			var taken *peers.FieldError
			if _, err := m.Create(t.Context(), peers.NewPeer{Name: "Bert"}); !errors.As(err, &taken) || taken.Field != "name" {
				t.Errorf("its name is given away: %v", err)
			}
			if err := m.Remove(t.Context(), 2); err != nil || len(m.LeftOut()) != 0 {
				t.Errorf("removing it: %v, %v", err, m.LeftOut())
			}
			create(t, m, "bert")
		})
	}
}

func TestFailedWriteChangesNothing(t *testing.T) {
	db, dev := openDB(t), peerstest.NewDevice()
	m := newManager(t, db, dev)
	p := create(t, m, "anna")
	if _, err := db.Exec(`CREATE TRIGGER full BEFORE INSERT ON peer_addresses BEGIN SELECT RAISE(FAIL, 'disk is full'); END`); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Create(t.Context(), peers.NewPeer{Name: "bert"}); err == nil || !strings.Contains(err.Error(), "disk is full") {
		t.Errorf("error = %v, want the disk's", err)
	}
	if list := m.List(); len(list) != 1 || list[0].ID != p.ID || len(newManager(t, db, dev).List()) != 1 {
		t.Errorf("list = %+v, want anna alone", list)
	}
	if _, err := db.Exec(`DROP TRIGGER full`); err != nil {
		t.Fatal(err)
	}
	create(t, m, "bert")
}

func TestCancelledCallerChangesNothing(t *testing.T) {
	m := newManager(t, openDB(t), peerstest.NewDevice())
	p := create(t, m, "anna")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, createErr := m.Create(ctx, peers.NewPeer{Name: "bert"})
	_, disableErr := m.SetEnabled(ctx, p.ID, false)
	for _, err := range []error{createErr, disableErr, m.Remove(ctx, p.ID)} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error = %v, want context.Canceled", err)
		}
	}
	if list := m.List(); len(list) != 1 || !list[0].Enabled {
		t.Errorf("list = %+v", list)
	}
}

func TestNewNeedsItsParts(t *testing.T) {
	if _, err := peers.New(t.Context(), peers.Config{}); err == nil {
		t.Error("an empty Config is accepted")
	}
}
