package peers_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	_ "modernc.org/sqlite"
)

// openDB makes a database with the tables of configs/state.
func openDB(t testing.TB) *sql.DB {
	t.Helper()
	file := filepath.Join(t.TempDir(), "homeward.db")
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=journal_mode(WAL)&_pragma=foreign_keys(1)&_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	_, err = db.Exec(`
		CREATE TABLE peers (
			id INTEGER PRIMARY KEY, name TEXT NOT NULL, name_folded TEXT NOT NULL UNIQUE, profile TEXT NOT NULL,
			public_key BLOB NOT NULL UNIQUE CHECK (length(public_key) = 32), preshared_key BLOB NOT NULL,
			keepalive_seconds INTEGER NOT NULL, enabled INTEGER NOT NULL, created_unix INTEGER NOT NULL, version INTEGER NOT NULL);
		CREATE TABLE peer_addresses (
			address TEXT PRIMARY KEY, peer_id INTEGER NOT NULL REFERENCES peers (id) ON DELETE CASCADE, family INTEGER NOT NULL);`)
	if err != nil {
		t.Fatal(err)
	}
	return db
}
