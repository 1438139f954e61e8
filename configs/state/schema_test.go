package state

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the dump of a new schema")

// A home of the first schema, which every dump goes on from.
const firstHome = `
INSERT INTO identity VALUES (1, x'a0b1c2d3e4f5061728394a5b6c7d8e9f0a1b2c3d4e5f60718293a4b5c6d7e8f0', 41234, 'c0ffee00', '10.77.9.0/24', 'fd12:3456:789a:9::/64', 1700000000);
INSERT INTO peers (id, name, name_folded, profile, public_key, preshared_key, keepalive_seconds, enabled, created_unix, version) VALUES
	(1, 'Anna''s phone', 'anna''s phone', 'home', x'1111111111111111111111111111111111111111111111111111111111111111', x'2222222222222222222222222222222222222222222222222222222222222222', 25, 1, 1700000100, 1),
	(3, 'Телефон 📱', 'телефон 📱', 'everything', x'3333333333333333333333333333333333333333333333333333333333333333', x'4444444444444444444444444444444444444444444444444444444444444444', 0, 0, 1700000200, 7);
INSERT INTO peer_addresses VALUES ('10.77.9.2', 1, 4), ('fd12:3456:789a:9::2', 1, 6), ('10.77.9.4', 3, 4), ('fd12:3456:789a:9::4', 3, 6);
INSERT INTO admins VALUES (1, 'admin', '$argon2id$not-a-real-one', 1700000300);
`

// whatStays is what must be the same after all migrations.
const whatStays = `SELECT 'identity ' || hex(private_key) || ' ' || listen_port || ' ' || instance || ' ' || prefix4 || ' ' || prefix6 FROM identity
	UNION ALL SELECT 'peer ' || id || ' ' || name || ' ' || profile || ' ' || hex(public_key) || ' ' || hex(preshared_key) || ' ' || keepalive_seconds || ' ' || enabled || ' ' || created_unix FROM peers
	UNION ALL SELECT 'address ' || address || ' ' || peer_id FROM peer_addresses
	UNION ALL SELECT 'admin ' || name || ' ' || password_hash FROM admins ORDER BY 1`

func dumpOf(version int) string {
	return filepath.Join("testdata", fmt.Sprintf("schema%02d.sql", version))
}

// Whoever comes from any earlier version finds everything as it was. A dump is made
// once, with -update, when its schema is new, and is never changed.
func TestEverySchemaThereWasComesUpToDate(t *testing.T) {
	steps, err := migrations()
	if err != nil {
		t.Fatal(err)
	}
	var first []string
	for version := 1; version <= len(steps); version++ {
		dump, err := os.ReadFile(dumpOf(version))
		if errors.Is(err, fs.ErrNotExist) && *update {
			dump = []byte(makeDump(t, version))
			err = os.WriteFile(dumpOf(version), dump, 0o644)
		}
		if err != nil {
			t.Fatalf("each schema has its dump (go test ./configs/state -update): %v", err)
		}
		dir := t.TempDir()
		db, err := sql.Open("sqlite", filepath.Join(dir, databaseFile))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(string(dump)); err != nil {
			t.Fatalf("schema %d: %v", version, err)
		}
		before := lines(t, db)
		if version == 1 {
			first = before
		}
		if err := errors.Join(db.Close(), os.WriteFile(filepath.Join(dir, markerFile), nil, 0o600)); err != nil {
			t.Fatal(err)
		}
		s := open(t, dir)
		if s.Repaired() != nil {
			t.Errorf("schema %d was taken for damage: %v", version, s.Repaired().Cause)
		}
		after := lines(t, s.db)
		if strings.Join(after, "\n") != strings.Join(first, "\n") || len(after) != 8 {
			t.Errorf("schema %d became\n%s\nwant\n%s", version, strings.Join(after, "\n"), strings.Join(first, "\n"))
		}
		if err := judge(t.Context(), copyOf(t, s)); err != nil {
			t.Errorf("schema %d became another one than a new database's: %v", version, err)
		}
		s.Close()
	}
}

// copyOf is a file with all that the database has, its -wal included.
func copyOf(t *testing.T, s *State) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy.db")
	if _, err := s.db.Exec("VACUUM INTO ?", to); err != nil {
		t.Fatal(err)
	}
	return to
}

func lines(t *testing.T, db *sql.DB) []string {
	t.Helper()
	return query(t, db, whatStays)
}

func query(t *testing.T, db *sql.DB, question string) (list []string) {
	t.Helper()
	rows, err := db.Query(question)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

// makeDump is a database of a schema, with the first home brought up to it, as text.
func makeDump(t *testing.T, version int) string {
	t.Helper()
	steps, err := migrations()
	if err != nil {
		t.Fatal(err)
	}
	s := &State{}
	if s.db, err = sql.Open("sqlite", filepath.Join(t.TempDir(), "dump.db")); err != nil {
		t.Fatal(err)
	}
	defer s.db.Close()
	for i, step := range steps[:version] {
		if err := s.step(context.Background(), step, i+1); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			if _, err := s.db.Exec(firstHome); err != nil {
				t.Fatal(err)
			}
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "-- Schema %d, with a home in it.\nPRAGMA user_version = %d;\n", version, version)
	tables := query(t, s.db, `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY rowid`)
	for _, text := range query(t, s.db, `SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY type = 'index', rowid`) {
		b.WriteString(text + ";\n")
	}
	for _, table := range tables {
		columns := query(t, s.db, `SELECT name FROM pragma_table_info('`+table+`')`)
		row := "'INSERT INTO " + table + " VALUES (' || quote(" + strings.Join(columns, ") || ', ' || quote(") + ") || ');'"
		for _, text := range query(t, s.db, "SELECT "+row+" FROM "+table) {
			b.WriteString(text + "\n")
		}
	}
	return b.String()
}
