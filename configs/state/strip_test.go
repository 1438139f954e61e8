package state

import (
	"bytes"
	"database/sql"
	"os"
	"testing"
	"time"
)

// canary is what a code is sealed to in these tests.
var canary = bytes.Repeat([]byte("sealed"), 20)

// keepCode gives the database a device and its code.
func keepCode(t *testing.T, s *State) {
	t.Helper()
	for _, q := range []string{
		`INSERT INTO peers (name, name_folded, profile, access, public_key, preshared_key, keepalive_seconds, enabled, created_unix, version)
			VALUES ('a', 'a', 'home', 'everything', randomblob(32), randomblob(32), 25, 1, 1, 1)`,
		`INSERT INTO kept_codes VALUES (1, randomblob(32), x'')`,
	} {
		if _, err := s.db.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.db.Exec(`UPDATE kept_codes SET sealed = ?`, canary); err != nil {
		t.Fatal(err)
	}
}

// Codes that are kept are in the database and in a backup, and in no snapshot: those
// outlive the moment in which the operator has them erased.
func TestASnapshotHasNoCodesThatAreKept(t *testing.T) {
	s := open(t, t.TempDir())
	if _, err := s.EnsureIdentity(t.Context(), somePlan); err != nil {
		t.Fatal(err)
	}
	keepCode(t, s)
	if err := s.daily(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	list, err := s.dailies(time.Now().Add(time.Hour))
	if err != nil || len(list) != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	b, err := os.ReadFile(s.Path(list[0]))
	if err != nil || bytes.Contains(b, canary) || bytes.Contains(b, []byte("sealedsealed")) {
		t.Errorf("the snapshot has it: %v", err)
	}
	db, err := sql.Open("sqlite", readOnly(s.Path(list[0])))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var devices, kept int
	if err := db.QueryRow(`SELECT (SELECT count(*) FROM peers), (SELECT count(*) FROM kept_codes)`).Scan(&devices, &kept); err != nil || devices != 1 || kept != 0 {
		t.Errorf("%d devices and %d codes in the snapshot, %v", devices, kept, err)
	}
	f, err := s.CopyDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if b, err := os.ReadFile(s.Path(databaseFile)); err != nil || !bytes.Contains(b, canary) {
		if w, _ := os.ReadFile(s.Path(databaseFile) + "-wal"); !bytes.Contains(w, canary) {
			t.Error("what is kept is not found in the database: this test looks at the wrong place")
		}
	}
	buf := new(bytes.Buffer)
	if _, err := buf.ReadFrom(f); err != nil || !bytes.Contains(buf.Bytes(), canary) {
		t.Errorf("a backup lacks what is kept: %v", err)
	}
}
