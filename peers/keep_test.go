package peers_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"homeward/configs/secret"
	"homeward/configs/state"
	"homeward/peers"
	"homeward/peers/peerstest"
)

// keeping is a manager that keeps codes for as long as on says so.
type keeping struct {
	*peers.Manager
	st    *state.State
	dev   *peerstest.Device
	on    atomic.Bool
	facts peers.Facts
	now   atomic.Int64 // seconds after the beginning
	log   bytes.Buffer
}

func newKeeping(t *testing.T) *keeping {
	t.Helper()
	st, err := state.Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	k := &keeping{st: st, dev: peerstest.NewDevice(), facts: facts()}
	k.on.Store(true)
	k.restart(t)
	return k
}

func (k *keeping) restart(t *testing.T) {
	t.Helper()
	begin := time.Now()
	k.Manager = newManager(t, k.st.DB(), k.dev, func(c *peers.Config) {
		c.KeepCodes, c.Box, c.Facts = k.on.Load, k.st.Box, func() peers.Facts { return k.facts }
		c.Now = func() time.Time { return begin.Add(time.Duration(k.now.Load()) * time.Second) }
		c.Logger = slog.New(slog.NewTextHandler(&k.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
}

func (k *keeping) add(t *testing.T, name string) peers.Issued {
	t.Helper()
	i, err := k.Create(t.Context(), peers.NewPeer{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// disk is all that is in the state directory, but for the vault's key.
func (k *keeping) disk(t *testing.T) (all []byte) {
	t.Helper()
	err := filepath.WalkDir(k.st.Dir(), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == state.VaultKeyFile {
			return err
		}
		b, err := os.ReadFile(path)
		all = append(all, b...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// stored is what is kept in the database, by peer.
func (k *keeping) stored(t *testing.T) map[peers.ID][]byte {
	t.Helper()
	rows, err := k.st.DB().Query(`SELECT peer_id, sealed FROM kept_codes`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	all := map[peers.ID][]byte{}
	for rows.Next() {
		var id peers.ID
		var b []byte
		if err := rows.Scan(&id, &b); err != nil {
			t.Fatal(err)
		}
		all[id] = b
	}
	return all
}

func text(t *testing.T, i peers.Issued) string {
	t.Helper()
	b, err := i.Client.Text()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestAKeptCodeIsTheSameAfterTheHandOverAndARestart(t *testing.T) {
	k := newKeeping(t)
	created := k.add(t, "anna")
	if again, err := k.Issued(created.Peer.ID); err != nil || !created.Kept || !again.Kept || again.Until.IsZero() {
		t.Errorf("in the first minutes: kept %v and %v, until %v, %v", created.Kept, again.Kept, again.Until, err)
	}
	k.now.Store(3600)
	later, err := k.Issued(created.Peer.ID)
	if err != nil || !later.Kept || !later.Until.IsZero() || text(t, later) != text(t, created) {
		t.Fatalf("an hour later: %+v, %v", later, err)
	}
	k.restart(t)
	later, err = k.Issued(created.Peer.ID)
	if err != nil || text(t, later) != text(t, created) {
		t.Fatalf("after a restart: %+v, %v", later, err)
	}
	mine, err := created.As(peers.ProfileEverything)
	if err != nil {
		t.Fatal(err)
	}
	other, err := later.As(peers.ProfileEverything)
	a, _ := mine.Text()
	if b, failed := other.Text(); err != nil || failed != nil || !bytes.Equal(a, b) {
		t.Errorf("the second code is another one: %s", b)
	}
	// A new code takes its place before it is used, and stays after that.
	renewed, err := k.Rotate(t.Context(), created.Peer.ID)
	if err != nil {
		t.Fatal(err)
	}
	k.restart(t)
	if later, err = k.Issued(created.Peer.ID); err != nil || text(t, later) != text(t, renewed) || text(t, later) == text(t, created) {
		t.Errorf("after a new code: %+v, %v", later, err)
	}
	k.dev.Observe(renewed.Client.PrivateKey.Public(), peers.Observed{LastHandshake: time.Now()})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- k.Run(ctx) }()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if p, err := k.Get(created.Peer.ID); err == nil && !p.Renewing() {
			break
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if later, err = k.Issued(created.Peer.ID); err != nil || later.Peer.Renewing() || text(t, later) != text(t, renewed) {
		t.Errorf("after its first use: %+v, %v", later, err)
	}
}

func TestNoKeptKeyIsReadableOnTheDiskOrInTheLog(t *testing.T) {
	k := newKeeping(t)
	created := k.add(t, "anna")
	renewed, err := k.Rotate(t.Context(), created.Peer.ID)
	if err != nil {
		t.Fatal(err)
	}
	k.now.Store(3600)
	if _, err := k.Issued(created.Peer.ID); err != nil {
		t.Fatal(err)
	}
	sealed := k.stored(t)[created.Peer.ID]
	disk := k.disk(t)
	if len(sealed) == 0 || !bytes.Contains(disk, sealed) {
		t.Fatal("what is sealed is not found on the disk: this test looks at the wrong place")
	}
	for what, i := range map[string]peers.Issued{"created": created, "renewed": renewed} {
		private := i.Client.PrivateKey.Reveal()
		for _, form := range [][]byte{private[:], []byte(private.String()), []byte(hex.EncodeToString(private[:]))} {
			if bytes.Contains(disk, form) || bytes.Contains(k.log.Bytes(), form) {
				t.Errorf("%s: the private key is on the disk or in the log", what)
			}
		}
	}
	records, err := k.Records()
	if err != nil || !bytes.Contains(records, []byte("anna")) || bytes.Contains(records, []byte(base64.StdEncoding.EncodeToString(sealed)[:100])) {
		t.Errorf("the last-good file would have it: %s, %v", records, err)
	}
}

func TestSwitchingKeepingOffErasesWhatIsKept(t *testing.T) {
	k := newKeeping(t)
	var ids []peers.ID
	for _, name := range strings.Fields("a b c d e f g h i j k l m n o p q r s t u v w x y z") {
		ids = append(ids, k.add(t, name).Peer.ID)
	}
	before := k.stored(t)
	if len(before) != len(ids) {
		t.Fatalf("%d codes of %d are kept", len(before), len(ids))
	}
	if err := k.ForgetKept(t.Context()); err != nil || len(k.stored(t)) != len(ids) {
		t.Fatalf("while they are wanted: %d left, %v", len(k.stored(t)), err)
	}
	k.on.Store(false)
	k.now.Store(3600)
	if _, err := k.Issued(ids[0]); !errors.Is(err, peers.ErrForgotten) {
		t.Errorf("switched off, but not erased yet: %v", err)
	}
	if err := k.ForgetKept(t.Context()); err != nil {
		t.Fatal(err)
	}
	disk := k.disk(t)
	for id, sealed := range before {
		if bytes.Contains(disk, sealed) || bytes.Contains(disk, sealed[:len(sealed)/2]) {
			t.Errorf("device %d: its sealed code is still on the disk", id)
		}
	}
	k.on.Store(true)
	if _, err := k.Issued(ids[0]); !errors.Is(err, peers.ErrForgotten) {
		t.Errorf("switched on again: %v", err)
	}
}

// A crash between the setting and the erasing leaves nothing for long.
func TestWhatIsKeptAndNotWantedIsErasedAtTheStart(t *testing.T) {
	k := newKeeping(t)
	k.add(t, "anna")
	k.on.Store(false)
	k.restart(t)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- k.Run(ctx) }()
	for end := time.Now().Add(time.Minute); len(k.stored(t)) > 0 && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	stop()
	if err := <-done; err != nil || len(k.stored(t)) != 0 {
		t.Errorf("%d left, %v", len(k.stored(t)), err)
	}
}

// What could not be erased aside is tried again, and does not keep the rest from being
// erased.
func TestWhatIsKeptAsideIsErasedBeforeWhatTellsOfIt(t *testing.T) {
	k := newKeeping(t)
	k.add(t, "anna")
	var asked []bool
	var refused error
	begin := time.Now()
	m := newManager(t, k.st.DB(), k.dev, func(c *peers.Config) {
		c.KeepCodes, c.Box, c.Now = k.on.Load, k.st.Box, func() time.Time { return begin }
		c.EraseAside = func(_ context.Context, known bool) error {
			if asked = append(asked, known); known != (len(k.stored(t)) > 0) {
				t.Errorf("asked with %v, and %d are stored", known, len(k.stored(t)))
			}
			return refused
		}
	})
	k.on.Store(false)
	refused = errors.New("the disk is read-only")
	if err := m.ForgetKept(t.Context()); !errors.Is(err, refused) || len(k.stored(t)) != 0 {
		t.Errorf("%v, %d left", err, len(k.stored(t)))
	}
	refused = nil
	for range 2 { // the second time there is nothing to do any more
		if err := m.ForgetKept(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if len(asked) != 2 || !asked[0] || asked[1] {
		t.Errorf("asked %v", asked)
	}
}

func TestRemovingAndRotatingEraseTheirOwnCode(t *testing.T) {
	k := newKeeping(t)
	anna, ben, carl := k.add(t, "anna").Peer.ID, k.add(t, "ben").Peer.ID, k.add(t, "carl").Peer.ID
	before := k.stored(t)
	if err := k.Remove(t.Context(), anna); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Rotate(t.Context(), ben); err != nil {
		t.Fatal(err)
	}
	after, disk := k.stored(t), k.disk(t)
	if len(after) != 2 || bytes.Equal(after[ben], before[ben]) || !bytes.Equal(after[carl], before[carl]) {
		t.Errorf("stored: %d", len(after))
	}
	if bytes.Contains(disk, before[anna]) || bytes.Contains(disk, before[ben]) || !bytes.Contains(disk, before[carl]) {
		t.Error("the disk has a code that was erased, or lacks the one that was not")
	}
	if _, err := k.RotateTo(t.Context(), carl, newPublicKey(t)); err != nil {
		t.Fatal(err)
	}
	k.now.Store(3600)
	if _, err := k.Issued(carl); !errors.Is(err, peers.ErrForgotten) || len(k.stored(t)) != 1 {
		t.Errorf("a device that keeps its own key: %v, %d kept", err, len(k.stored(t)))
	}
	// Nothing is kept of it once keeping is off, and the old code does not come back.
	k.on.Store(false)
	if i, err := k.Rotate(t.Context(), ben); err != nil || i.Kept || len(k.stored(t)) != 0 {
		t.Errorf("%v, kept %v, %d stored", err, i.Kept, len(k.stored(t)))
	}
}

func TestAKeptCodeThatIsOutdatedOrNotItsOwnIsNotShown(t *testing.T) {
	k := newKeeping(t)
	anna, ben := k.add(t, "anna").Peer.ID, k.add(t, "ben").Peer.ID
	k.now.Store(3600)
	k.facts.Endpoint = &peers.Endpoint{Host: "other.example.org", Port: 51820, Source: peers.EndpointOperator}
	if _, err := k.Issued(anna); !errors.Is(err, peers.ErrOutdated) {
		t.Errorf("another endpoint: %v", err)
	}
	k.facts = facts()
	k.facts.Endpoint, k.facts.LAN = nil, nil // the network is down for a moment
	if i, err := k.Issued(anna); err != nil || !strings.Contains(text(t, i), "192.168.1.0/24") {
		t.Errorf("without a network: %v", err)
	}
	k.facts = facts()
	sealed := k.stored(t)
	exec := func(db *sql.DB, id peers.ID, b []byte) {
		if _, err := db.Exec(`UPDATE kept_codes SET sealed = ? WHERE peer_id = ?`, b, id); err != nil {
			t.Fatal(err)
		}
	}
	exec(k.st.DB(), anna, sealed[ben])
	k.restart(t)
	k.now.Store(7200)
	if _, err := k.Issued(anna); !errors.Is(err, peers.ErrForgotten) || !strings.Contains(k.log.String(), "cannot be read") {
		t.Errorf("somebody else's: %v", err)
	}
	if _, err := k.Issued(ben); err != nil {
		t.Errorf("one that is in order: %v", err)
	}
}

// A ticket is for ten minutes, whatever is kept.
func TestATicketEndsAlsoWhereCodesAreKept(t *testing.T) {
	k := newKeeping(t)
	id := k.add(t, "anna").Peer.ID
	invite, err := k.Invite(t.Context(), id, 0)
	if err != nil {
		t.Fatal(err)
	}
	opened, ticket, err := k.OpenInvite(t.Context(), invite.Token)
	if err != nil || !opened.Kept {
		t.Fatal(err, opened.Kept)
	}
	if _, err := k.IssuedTo(ticket); err != nil {
		t.Fatal(err)
	}
	k.now.Store(3600)
	if _, err := k.IssuedTo(ticket); !errors.Is(err, peers.ErrForgotten) {
		t.Errorf("an hour later: %v", err)
	}
	if _, err := k.Issued(id); err != nil {
		t.Errorf("for an admin: %v", err)
	}
}

// A code that cannot be sealed is not made: nothing is half done.
func TestWithoutTheVaultNoCodeIsMade(t *testing.T) {
	st, err := state.Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	broken := errors.New("the vault's key is gone")
	m := newManager(t, st.DB(), peerstest.NewDevice(), func(c *peers.Config) {
		c.KeepCodes, c.Box = func() bool { return true }, func() (secret.Box, error) { return secret.Box{}, broken }
	})
	if _, err := m.Create(t.Context(), peers.NewPeer{Name: "anna"}); !errors.Is(err, broken) || len(m.List()) != 0 {
		t.Errorf("%v, %d devices", err, len(m.List()))
	}
	if _, err := peers.New(t.Context(), peers.Config{DB: st.DB(), Device: peerstest.NewDevice(), Facts: facts, Logger: slog.New(slog.DiscardHandler), KeepCodes: func() bool { return true }}); err == nil {
		t.Error("a Config without Box was taken")
	}
}

// wantNothingKept says that nothing is kept of a device whose key is its own.
func (k *keeping) wantNothingKept(t *testing.T, what string, id peers.ID) {
	t.Helper()
	if b, there := k.stored(t)[id]; there {
		t.Errorf("%s: %d bytes are kept", what, len(b))
	}
}

// A key that the browser made is never here: not at the invite, not at what follows, and
// whatever was kept of the code before goes when it comes.
func TestNothingIsKeptOfAKeyThatTheDeviceMade(t *testing.T) {
	k := newKeeping(t)
	id := k.add(t, "anna").Peer.ID
	before := k.stored(t)[id]
	open := func() (token string) {
		t.Helper()
		invite, err := k.Invite(t.Context(), id, 0)
		if err != nil {
			t.Fatal(err)
		}
		return invite.Token
	}
	opened, err := k.OpenInviteTo(t.Context(), open(), newPublicKey(t))
	if err != nil || opened.Kept || !opened.Peer.NextOwnKey || opened.Peer.OwnKey {
		t.Fatalf("opened: kept %v, %+v, %v", opened.Kept, opened.Peer, err)
	}
	k.wantNothingKept(t, "opened", id)
	if bytes.Contains(k.disk(t), before) {
		t.Error("the code before is still on the disk")
	}
	k.dev.Observe(opened.Peer.Next.PublicKey, peers.Observed{LastHandshake: time.Now()})
	k.runUntil(t, "it is used", func() bool { p, err := k.Get(id); return err == nil && !p.Renewing() })
	if p, err := k.Get(id); err != nil || !p.OwnKey || p.NextOwnKey {
		t.Errorf("after its first use: %+v, %v", p, err)
	}

	again, err := k.Rotate(t.Context(), id) // its config anew
	if err != nil || again.Kept || again.Peer.Renewing() || !again.Client.PrivateKey.IsZero() {
		t.Errorf("rotated: kept %v, waiting %v, %v", again.Kept, again.Peer.Renewing(), err)
	}
	k.wantNothingKept(t, "rotated", id)
	k.restart(t)
	k.now.Store(3600)
	if _, err := k.Issued(id); !errors.Is(err, peers.ErrForgotten) {
		t.Errorf("an hour later: %v", err)
	}

	// The tunnel moves: it needs its config anew, which still has no key to keep.
	next := []netip.Prefix{netip.MustParsePrefix("10.99.0.1/24"), netip.MustParsePrefix("fd00:99::1/64")}
	moves, err := k.Renumber(t.Context(), next, inDB(k.st.DB()))
	if err != nil || len(moves) != 1 {
		t.Fatalf("renumbered: %v, %v", moves, err)
	}
	k.facts.Tunnel = next
	if again, err = k.Rotate(t.Context(), id); err != nil || again.Kept || again.Peer.Addresses[0] != moves[0].To[0] || len(again.Peer.NeedsCode) != 0 {
		t.Errorf("rotated after that: %+v, %v", again, err)
	}
	k.wantNothingKept(t, "renumbered", id)

	// A code of ours takes the key's place, and another one the place of that.
	for _, what := range []string{"a code of ours", "another one"} {
		issued, err := k.Rotate(t.Context(), id)
		if what == "a code of ours" {
			issued, _, err = k.OpenInvite(t.Context(), open())
		}
		if err != nil || !issued.Kept || issued.Client.PrivateKey.IsZero() || !issued.Peer.Renewing() {
			t.Fatalf("%s: kept %v, without a key %v, %v", what, issued.Kept, issued.Client.PrivateKey.IsZero(), err)
		}
		k.now.Add(3600)
		later, err := k.Issued(id)
		if err != nil || text(t, later) != text(t, issued) {
			t.Errorf("%s, an hour later: %+v, %v", what, later, err)
		}
	}
}

// runUntil lets the manager run until something has happened.
func (k *keeping) runUntil(t *testing.T, what string, done func() bool) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- k.Run(ctx) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	for end := time.Now().Add(time.Minute); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("a minute passed and not: %s", what)
		}
	}
}
