package peers_test

import (
	"crypto/rand"
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
	first := create(tb, m, "device 0")
	var said string
	if err := db.QueryRow(`SELECT said FROM issued_configs`).Scan(&said); err != nil {
		tb.Fatal(err)
	}
	tx, err := db.Begin()
	if err != nil {
		tb.Fatal(err)
	}
	defer tx.Rollback()
	v4, v6 := first.Addresses[0], first.Addresses[1]
	do := func(query string, args ...any) {
		if _, err := tx.Exec(query, args...); err != nil {
			tb.Fatal(err)
		}
	}
	for i := int64(2); i <= many; i++ {
		var key, psk [32]byte
		rand.Read(key[:])
		rand.Read(psk[:])
		key[31] &= 0x7f
		v4, v6 = v4.Next(), v6.Next()
		name := fmt.Sprint("device ", i)
		do(`INSERT INTO peers (id, name, name_folded, profile, public_key, preshared_key, keepalive_seconds, enabled, created_unix, version, idle_from_unix)
			VALUES (?, ?, ?, 'home', ?, ?, 25, 1, 1, 1, 1)`, i, name, name, key[:], psk[:])
		do(`INSERT INTO peer_addresses (address, peer_id, family) VALUES (?, ?, 4), (?, ?, 6)`, v4.String(), i, v6.String(), i)
		do(`INSERT INTO issued_configs (public_key, peer_id, said, issued_unix) VALUES (?, ?, ?, 1)`, key[:], i, said)
	}
	if err := tx.Commit(); err != nil {
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
