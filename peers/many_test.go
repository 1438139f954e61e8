package peers_test

import (
	"database/sql"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"homeward/peers"
	"homeward/peers/peerstest"
)

// many is how many peers a house never has: what is slow there is not felt with fifty.
const many = 10_000

// wideFacts have room for many.
func wideFacts() peers.Facts {
	f := facts()
	f.Tunnel = []netip.Prefix{netip.MustParsePrefix("10.6.0.1/16"), netip.MustParsePrefix("fd00:6::1/64")}
	return f
}

// fill stores many peers in one go, as Create would have.
func fill(tb testing.TB, db *sql.DB) {
	tb.Helper()
	m := newManager(tb, db, peerstest.NewDevice(), func(c *peers.Config) { c.Facts = wideFacts })
	create(tb, m, "device 0")
	if err := peerstest.Fill(tb.Context(), db, many); err != nil {
		tb.Fatal(err)
	}
}

// TestTenThousandPeersAreQuick fails only where something grows faster than it may:
// the limits are ten times what is promised, for slow and busy machines. The
// figures are in the log.
func TestTenThousandPeersAreQuick(t *testing.T) {
	db := openDB(t)
	fill(t, db)
	within := func(what string, limit time.Duration, f func()) {
		t.Helper()
		begun := time.Now()
		f()
		took := time.Since(begun)
		t.Logf("%s: %v (promised %v)", what, took, limit)
		if took > 10*limit {
			t.Errorf("%s took %v, far more than %v", what, took, limit)
		}
	}
	var m *peers.Manager
	within("start", 3*time.Second, func() {
		m = newManager(t, db, peerstest.NewDevice(), func(c *peers.Config) { c.Facts = wideFacts })
	})
	create(t, m, "the first one tells the device of all")
	within("list", 300*time.Millisecond, func() {
		if n := len(m.List()); n != many+1 {
			t.Errorf("%d devices", n)
		}
	})
	within("ten creates", 200*time.Millisecond, func() {
		for i := range 10 {
			create(t, m, fmt.Sprint("new ", i))
		}
	})
	within("an edit", 20*time.Millisecond, func() {
		if _, err := m.Edit(t.Context(), 5, 0, peers.Change{Note: new("x")}); err != nil {
			t.Error(err)
		}
	})
}
