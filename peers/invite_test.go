package peers_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/peers"
	"homeward/peers/peerstest"
)

func invite(t *testing.T, m *peers.Manager, id peers.ID) peers.Invite {
	t.Helper()
	i, err := m.Invite(t.Context(), id, 0)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func TestAnInviteHandsOutANewCodeOnce(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	db, dev := openDB(t), peerstest.NewDevice()
	clock := func(c *peers.Config) { c.Now = func() time.Time { return now } }
	m := newManager(t, db, dev, clock)
	p := create(t, m, "anna")
	i := invite(t, m, p.ID)
	if len(i.Token) != 22 || !i.Until.Equal(now.Add(24*time.Hour)) {
		t.Errorf("token of %d characters, until %v", len(i.Token), i.Until)
	}
	m = newManager(t, db, dev, clock) // it survives a restart
	issued, ticket, err := m.OpenInvite(t.Context(), i.Token)
	if err != nil {
		t.Fatal(err)
	}
	key := issued.Client.PrivateKey.Public()
	if key == p.PublicKey || issued.Peer.Next.PublicKey != key || !dev.Has(key) || !dev.Has(p.PublicKey) {
		t.Errorf("%s", peers.Public(issued.Peer))
	}
	if _, _, err := m.OpenInvite(t.Context(), i.Token); !errors.Is(err, peers.ErrInvite) {
		t.Errorf("a second time: %v", err)
	}
	shown, err := m.IssuedTo(ticket)
	if err != nil || shown.Client.PrivateKey != issued.Client.PrivateKey {
		t.Errorf("the ticket shows %v", err)
	}
	if _, err := m.IssuedTo(peers.Ticket(i.Token)); !errors.Is(err, peers.ErrForgotten) {
		t.Errorf("the invite is a ticket: %v", err)
	}
	if _, err := m.IssuedTo("AAAAAAAAAAAAAAAAAAAAAA"); !errors.Is(err, peers.ErrForgotten) {
		t.Errorf("nobody's ticket: %v", err)
	}
	now = now.Add(10 * time.Minute)
	if _, err := m.IssuedTo(ticket); !errors.Is(err, peers.ErrForgotten) {
		t.Errorf("after ten minutes: %v", err)
	}
}

func TestATicketEndsWithItsCode(t *testing.T) {
	m := newManager(t, openDB(t), peerstest.NewDevice())
	p := create(t, m, "anna")
	_, ticket, err := m.OpenInvite(t.Context(), invite(t, m, p.ID).Token)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Rotate(t.Context(), p.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := m.IssuedTo(ticket); !errors.Is(err, peers.ErrForgotten) {
		t.Errorf("the ticket shows the admin's code: %v", err)
	}
}

func TestAnInviteEnds(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	db := openDB(t)
	m := newManager(t, db, peerstest.NewDevice(), func(c *peers.Config) { c.Now = func() time.Time { return now } })
	p := create(t, m, "anna")
	old := invite(t, m, p.ID)
	replaced := invite(t, m, p.ID)
	now = now.Add(24*time.Hour - time.Second)
	late := invite(t, m, create(t, m, "bert").ID)
	gone := invite(t, m, p.ID)
	if err := m.Remove(t.Context(), p.ID); err != nil {
		t.Fatal(err)
	}
	now = now.Add(24 * time.Hour)
	for what, token := range map[string]string{"replaced": old.Token, "replaced too": replaced.Token, "of a removed device": gone.Token, "too late": late.Token,
		"empty": "", "another": "AAAAAAAAAAAAAAAAAAAAAA", "too long": late.Token + "AAAA", "with a tail": late.Token + "\n", "no base64": "!!!!!!!!!!!!!!!!!!!!!!"} {
		if _, _, err := m.OpenInvite(t.Context(), token); !errors.Is(err, peers.ErrInvite) {
			t.Errorf("%s: %v", what, err)
		}
	}
	var f *peers.FieldError
	for _, lasts := range []time.Duration{-time.Hour, time.Second, 721 * time.Hour} {
		if _, err := m.Invite(t.Context(), 2, lasts); !errors.As(err, &f) {
			t.Errorf("%v: %v", lasts, err)
		}
	}
	if _, err := m.Invite(t.Context(), 77, 0); !errors.Is(err, peers.ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
}

func TestOneOfManyWhoOpenAnInviteGetsTheCode(t *testing.T) {
	m := newManager(t, openDB(t), peerstest.NewDevice())
	token := invite(t, m, create(t, m, "anna").ID).Token
	errs := make([]error, 20)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { _, _, errs[i] = m.OpenInvite(context.Background(), token) })
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if !errors.Is(err, peers.ErrInvite) {
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d got a code", won)
	}
}

func TestAnInviteStaysGoodWhileNoCodeCanBeMade(t *testing.T) {
	c := newChanging()
	m := newManager(t, openDB(t), peerstest.NewDevice(), c.use)
	i := invite(t, m, create(t, m, "anna").ID)
	c.change(func(f *peers.Facts) { f.Endpoint = nil })
	if _, _, err := m.OpenInvite(t.Context(), i.Token); !errors.Is(err, peers.ErrNoEndpoint) {
		t.Errorf("without an endpoint: %v", err)
	}
	c.change(func(*peers.Facts) {})
	if _, _, err := m.OpenInvite(t.Context(), i.Token); err != nil {
		t.Errorf("with one again: %v", err)
	}
}

func TestAnInviteIsStoredOnlyAsAHash(t *testing.T) {
	db := openDB(t)
	m := newManager(t, db, peerstest.NewDevice())
	token := invite(t, m, create(t, m, "anna").ID).Token
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) != 16 {
		t.Fatal(raw, err)
	}
	var file string
	if err := db.QueryRow(`SELECT file FROM pragma_database_list WHERE name = 'main'`).Scan(&file); err != nil {
		t.Fatal(err)
	}
	names, _ := filepath.Glob(file + "*")
	seen := false
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		seen = seen || bytes.Contains(b, []byte("anna"))
		if bytes.Contains(b, raw) || strings.Contains(string(b), token) {
			t.Error("the invite is on the disk as it is")
		}
	}
	if !seen {
		t.Error("the device is not on the disk: this test looks at the wrong place")
	}
}

func TestAnInviteTakesAKeyOfTheDevicesOwn(t *testing.T) {
	db, dev := openDB(t), peerstest.NewDevice()
	m := newManager(t, db, dev)
	p, other := create(t, m, "anna"), create(t, m, "bert")
	waiting, err := m.Rotate(t.Context(), other.ID)
	if err != nil {
		t.Fatal(err)
	}
	token, key := invite(t, m, p.ID).Token, newPublicKey(t)
	for what, k := range map[string]wgtypes.Key{"its own": p.PublicKey, "another's": other.PublicKey, "one that waits": waiting.Peer.Next.PublicKey, "the server's": serverKey, "none": {}} {
		var f *peers.FieldError
		if _, err := m.OpenInviteTo(t.Context(), token, k); !errors.As(err, &f) || f.Field != "public_key" {
			t.Errorf("%s: %v", what, err)
		}
		if got := mustGet(t, m, p.ID); got.Renewing() {
			t.Errorf("%s: %s", what, peers.Public(got))
		}
		if _, err := m.OpenInviteTo(t.Context(), "AAAAAAAAAAAAAAAAAAAAAA", k); !errors.Is(err, peers.ErrInvite) {
			t.Errorf("%s, to who has no invite: %v", what, err)
		}
	}
	issued, err := m.OpenInviteTo(t.Context(), token, key) // which is as good as it was
	if err != nil || issued.Peer.Next.PublicKey != key || !issued.Client.PrivateKey.IsZero() || !dev.Has(key) || !dev.Has(p.PublicKey) {
		t.Fatalf("%s, %v", peers.Public(issued.Peer), err)
	}
	if text := mustText(t, issued.Client); bytes.Contains(text, []byte("PrivateKey")) || !bytes.Contains(text, []byte("PresharedKey = ")) {
		t.Errorf("%s", text)
	}
	if _, err := m.OpenInviteTo(t.Context(), token, newPublicKey(t)); !errors.Is(err, peers.ErrInvite) {
		t.Errorf("a second time: %v", err)
	}
	if _, _, err := m.OpenInvite(t.Context(), token); !errors.Is(err, peers.ErrInvite) {
		t.Errorf("a second time, without a key: %v", err)
	}
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, db, dev)
		stop := run(t, m)
		dev.Observe(key, peers.Observed{LastHandshake: time.Now()})
		time.Sleep(2 * time.Second)
		synctest.Wait()
		stop()
		if got := mustGet(t, m, p.ID); got.PublicKey != key || !got.OwnKey || got.Renewing() || dev.Has(p.PublicKey) {
			t.Errorf("once it is used: %s, own %v", peers.Public(got), got.OwnKey)
		}
	})
}

// A phone that made its key is lost, and the key with it.
func TestADeviceThatLostItsOwnKeyIsInvitedAgain(t *testing.T) {
	m := newManager(t, openDB(t), peerstest.NewDevice())
	key := newPublicKey(t)
	own, err := m.Create(t.Context(), peers.NewPeer{Name: "anna", PublicKey: &key})
	if err != nil {
		t.Fatal(err)
	}
	issued, _, err := m.OpenInvite(t.Context(), invite(t, m, own.Peer.ID).Token)
	if err != nil || issued.Client.PrivateKey.IsZero() || issued.Peer.Next.PublicKey != issued.Client.PrivateKey.Public() {
		t.Errorf("%s, %v", peers.Public(issued.Peer), err)
	}
	next := newPublicKey(t)
	if issued, err := m.OpenInviteTo(t.Context(), invite(t, m, own.Peer.ID).Token, next); err != nil || issued.Peer.Next.PublicKey != next {
		t.Errorf("%s, %v", peers.Public(issued.Peer), err)
	}
}

func TestOneOfManyKeysGetsTheInvite(t *testing.T) {
	dev := peerstest.NewDevice()
	m := newManager(t, openDB(t), dev)
	p := create(t, m, "anna")
	token := invite(t, m, p.ID).Token
	keys, errs := make([]wgtypes.Key, 20), make([]error, 20)
	var wg sync.WaitGroup
	for i := range errs {
		keys[i] = newPublicKey(t)
		wg.Go(func() { _, errs[i] = m.OpenInviteTo(context.Background(), token, keys[i]) })
	}
	wg.Wait()
	won := 0
	for i, err := range errs {
		if err == nil {
			won++
			if mustGet(t, m, p.ID).Next.PublicKey != keys[i] {
				t.Error("another key than the winner's is kept")
			}
		} else if !errors.Is(err, peers.ErrInvite) {
			t.Error(err)
		}
		if dev.Has(keys[i]) != (err == nil) {
			t.Errorf("%v, and the device has its key: %v", err, dev.Has(keys[i]))
		}
	}
	if won != 1 {
		t.Errorf("%d got a config", won)
	}
}
