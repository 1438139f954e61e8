package peers_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/configs/state"
	"homeward/peers"
	"homeward/peers/peerstest"
)

var elsewhere = []netip.Prefix{netip.MustParsePrefix("10.77.3.1/24"), netip.MustParsePrefix("fd00:6::1/64")}

// inDB is a transaction of its own.
func inDB(db *sql.DB) func(context.Context, func(*sql.Tx) error) error {
	return func(ctx context.Context, f func(*sql.Tx) error) error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		if err := f(tx); err != nil {
			return err
		}
		return tx.Commit()
	}
}

func TestRenumberMovesEveryAddressAndOutdatesEveryCode(t *testing.T) {
	db, dev := openDB(t), peerstest.NewDevice()
	m := newManager(t, db, dev)
	for i := range 40 {
		create(t, m, fmt.Sprintf("device %d", i))
	}
	gone, renewed, ruled := m.List()[3], m.List()[5], m.List()[7]
	if err := m.Remove(t.Context(), gone.ID); err != nil { // leaves a hole
		t.Fatal(err)
	}
	if _, err := m.Rotate(t.Context(), renewed.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := m.SetAccess(t.Context(), ruled.ID, "10.6.0.1 tcp/80; 10.6.0.9-10.6.0.12; 10.6.0.0/24; 10.6.0.200-10.6.1.3; 192.168.1.20; fd00:6::2"); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Issued(renewed.ID); err != nil {
		t.Fatalf("%v: the test would prove nothing", err)
	}
	before, calls := m.List(), dev.Calls()
	planned, err := m.Moves(elsewhere)
	if err != nil {
		t.Fatal(err)
	}
	if now := m.List(); fmt.Sprint(now) != fmt.Sprint(before) {
		t.Error("Moves changed something")
	}
	done, err := m.Renumber(t.Context(), elsewhere, inDB(db))
	if err != nil || fmt.Sprint(done) != fmt.Sprint(planned) || len(done) != 39 {
		t.Fatalf("done %v, %v\nplanned %v", done, err, planned)
	}
	if _, err := m.Issued(renewed.ID); !errors.Is(err, peers.ErrForgotten) {
		t.Errorf("a config with the old address is handed out: %v", err)
	}
	for what, m := range map[string]*peers.Manager{"at once": m, "after a restart": newManager(t, db, dev)} {
		seen := map[netip.Addr]bool{}
		for i, p := range m.List() {
			old := before[i]
			if p.PublicKey != old.PublicKey || p.Next.PublicKey != old.Next.PublicKey || p.Version != old.Version+1 || !slices.Contains(p.NeedsCode, peers.ReasonAddress) || p.NextReady {
				t.Errorf("%s: %+v\nwas %+v", what, p, old)
			}
			for _, a := range p.Addresses {
				if seen[a] || !elsewhere[0].Contains(a) && !elsewhere[1].Contains(a) {
					t.Errorf("%s: %q has %v", what, p.Name, p.Addresses)
				}
				seen[a] = true
			}
			if p.Addresses[0].As4()[3] != old.Addresses[0].As4()[3] || p.Addresses[1] != old.Addresses[1] {
				t.Errorf("%s: %v became %v", what, old.Addresses, p.Addresses)
			}
		}
		const want = "10.77.3.1 tcp/80; 10.77.3.9-10.77.3.12; 10.77.3.0/24; 10.6.0.200-10.6.1.3; 192.168.1.20; fd00:6::2"
		if got := mustGet(t, m, ruled.ID).Access; got != want {
			t.Errorf("%s: access %q, want %q", what, got, want)
		}
	}
	if dev.Calls() != calls || m.List()[0].State != peers.Pending {
		t.Errorf("the device was called %d times, and the first peer is %v: it would be told of addresses that it does not know", dev.Calls()-calls, m.List()[0].State)
	}
}

func TestRenumberIsDoneWithThePlanOrNotAtAll(t *testing.T) {
	s, err := state.Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	old := state.Plan{V4: netip.MustParsePrefix("10.6.0.0/24"), V6: netip.MustParsePrefix("fd00:6::/64")}
	next := state.Plan{V4: elsewhere[0].Masked(), V6: old.V6}
	plan := func() state.Plan {
		t.Helper()
		id, err := s.EnsureIdentity(t.Context(), func() (state.Plan, error) { return old, nil })
		if err != nil {
			t.Fatal(err)
		}
		return id.Plan
	}
	plan()
	m := newManager(t, s.DB(), peerstest.NewDevice())
	p := create(t, m, "anna")
	late := errors.New("too late")
	for _, fails := range []bool{true, false} {
		_, err := m.Renumber(t.Context(), next.Own(), func(ctx context.Context, put func(*sql.Tx) error) error {
			return s.Renumber(ctx, next, func(tx *sql.Tx) error {
				if err := put(tx); err != nil || !fails {
					return err
				}
				return late
			})
		})
		wantPlan, wantAddress := next, "10.77.3.2"
		if fails {
			wantPlan, wantAddress = old, "10.6.0.2"
		}
		if errors.Is(err, late) != fails || !fails && err != nil || plan() != wantPlan || mustGet(t, m, p.ID).Addresses[0].String() != wantAddress {
			t.Errorf("fails %v: %v, %v, %v", fails, err, plan(), mustGet(t, m, p.ID).Addresses)
		}
	}
}

func TestRenumberRefusesWhatDoesNotFit(t *testing.T) {
	db := openDB(t)
	m := newManager(t, db, peerstest.NewDevice())
	p := create(t, m, "anna")
	for _, list := range [][]netip.Prefix{nil, elsewhere[:1], {netip.MustParsePrefix("10.77.3.1/16"), elsewhere[1]}, {netip.MustParsePrefix("10.77.3.1/28"), elsewhere[1]}, {elsewhere[0], elsewhere[0]}, {{}, elsewhere[1]}, {netip.MustParsePrefix("10.77.3.2/24"), elsewhere[1]}} {
		var field *peers.FieldError
		if _, err := m.Renumber(t.Context(), list, inDB(db)); !errors.As(err, &field) {
			t.Errorf("%v: %v", list, err)
		}
	}
	if got := mustGet(t, m, p.ID); got.Version != p.Version || !slices.Equal(got.Addresses, p.Addresses) {
		t.Errorf("it has become %+v", got)
	}
}

// A /24 has room for 253 devices: the next one is told what helps, and that helps.
func TestATunnelThatIsFullIsGivenALargerNetwork(t *testing.T) {
	db := openDB(t)
	large := []netip.Prefix{netip.MustParsePrefix("10.6.0.1/16"), facts().Tunnel[1]} // which has the old one inside
	var moved atomic.Bool
	m := newManager(t, db, peerstest.NewDevice(), func(c *peers.Config) {
		c.Facts = func() peers.Facts {
			f := facts()
			if moved.Load() {
				f.Tunnel = large
			}
			return f
		}
	})
	var last peers.Peer
	for n := range 253 {
		last = create(t, m, fmt.Sprintf("device %d", n))
	}
	if last.Addresses[0].String() != "10.6.0.254" {
		t.Fatalf("the last one has %v", last.Addresses)
	}
	_, err := m.Create(t.Context(), peers.NewPeer{Name: "one more"})
	if !errors.Is(err, peers.ErrNoAddress) || !strings.Contains(err.Error(), "10.6.0.0/24") || !strings.Contains(err.Error(), "homeward peers renumber --to") {
		t.Fatalf("the 254th: %v", err)
	}
	moves, err := m.Renumber(t.Context(), large, inDB(db))
	if err != nil || len(moves) != 0 {
		t.Fatalf("a larger network around it moves %d, %v", len(moves), err)
	}
	moved.Store(true)
	if got := create(t, m, "one more"); got.Addresses[0].String() != "10.6.0.255" || mustGet(t, m, last.ID).Addresses[0] != last.Addresses[0] {
		t.Errorf("the 254th has %v", got.Addresses)
	}
	far := []netip.Prefix{netip.MustParsePrefix("172.16.0.1/12"), facts().Tunnel[1]}
	if moves, err = m.Moves(far); err != nil || len(moves) != 254 || moves[252].To[0].String() != "172.16.0.254" || moves[253].To[0].String() != "172.16.0.255" {
		t.Errorf("elsewhere, and larger again: %d, %v", len(moves), err)
	}
}

// newMoving is a manager whose tunnel is elsewhere once move is done.
func newMoving(t *testing.T, db *sql.DB, dev peers.Device) (m *peers.Manager, move func(context.Context, func(*sql.Tx) error) error) {
	t.Helper()
	var moved atomic.Bool
	m = newManager(t, db, dev, func(c *peers.Config) {
		before := c.Facts
		c.Facts = func() peers.Facts {
			f := before()
			if moved.Load() {
				f.Tunnel, f.DNS = elsewhere, []netip.Addr{elsewhere[0].Addr()}
			}
			return f
		}
	})
	return m, func(ctx context.Context, put func(*sql.Tx) error) error {
		err := inDB(db)(ctx, put)
		moved.Store(err == nil)
		return err
	}
}

// Somebody adds a device while the tunnel is renumbered: it has waited for that, and
// must not get an address of before.
func TestADeviceThatIsAddedWhileAllMoveGetsAnAddressOfTheNewNetwork(t *testing.T) {
	m, move := newMoving(t, openDB(t), peerstest.NewDevice())
	old := create(t, m, "anna")
	type made struct {
		i   peers.Issued
		err error
	}
	begun, done := make(chan struct{}, 2), make(chan made, 2)
	_, err := m.Renumber(t.Context(), elsewhere, func(ctx context.Context, put func(*sql.Tx) error) error {
		for _, f := range []func() (peers.Issued, error){
			func() (peers.Issued, error) { return m.Create(ctx, peers.NewPeer{Name: "late"}) },
			func() (peers.Issued, error) { return m.Rotate(ctx, old.ID) },
		} {
			go func() {
				begun <- struct{}{}
				i, err := f()
				done <- made{i, err}
			}()
			<-begun
		}
		time.Sleep(50 * time.Millisecond) // they have looked at the facts by now, and wait for the lock
		return move(ctx, put)
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		got := <-done
		if got.err != nil || !elsewhere[0].Contains(got.i.Peer.Addresses[0]) || got.i.Client.DNS[0] != elsewhere[0].Addr() {
			t.Errorf("%q got %v, asks %v, %v", got.i.Peer.Name, got.i.Peer.Addresses, got.i.Client.DNS, got.err)
		}
	}
}

// A device comes in by its old code: its key is still good, and nothing that it sends
// is taken. That it was here says nothing of the new addresses.
func TestAfterARenumberingOnlyANewCodeSettlesWhatIsOwed(t *testing.T) {
	db := openDB(t)
	synctest.Test(t, func(t *testing.T) {
		dev := peerstest.NewDevice()
		m, move := newMoving(t, db, dev)
		p := create(t, m, "anna").ID
		waiting := create(t, m, "bert").ID
		if _, err := m.Rotate(t.Context(), waiting); err != nil { // made before, used after it
			t.Fatal(err)
		}
		defer run(t, m)()
		if _, err := m.Renumber(t.Context(), elsewhere, move); err != nil {
			t.Fatal(err)
		}
		here := func(key wgtypes.Key) {
			dev.Observe(key, peers.Observed{LastHandshake: time.Now(), Endpoint: netip.MustParseAddrPort("198.51.100.7:9"), ReceivedBytes: 5000})
			time.Sleep(time.Minute)
			synctest.Wait()
		}
		owes := func(id peers.ID) bool { return slices.Contains(mustGet(t, m, id).NeedsCode, peers.ReasonAddress) }
		here(mustGet(t, m, p).PublicKey)
		if !owes(p) {
			t.Error("a handshake with the old code settles it")
		}
		here(mustGet(t, m, waiting).Next.PublicKey)
		if got := mustGet(t, m, waiting); got.Renewing() || !owes(waiting) {
			t.Errorf("a code of before that was used late settles it: %+v", got)
		}
		if _, err := m.Rotate(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		here(mustGet(t, m, p).PublicKey)
		if got := mustGet(t, m, p); !got.Renewing() || !owes(p) {
			t.Errorf("the old code settles it while the new one waits: %+v", got)
		}
		here(mustGet(t, m, p).Next.PublicKey)
		if got := mustGet(t, m, p); got.Renewing() || len(got.NeedsCode) != 0 {
			t.Errorf("the new code does not settle it: %+v", got)
		}
	})
}
