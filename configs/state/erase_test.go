package state

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// withCode is a state directory whose database has a code, and a snapshot, which has none.
func withCode(t *testing.T) (dir string) {
	t.Helper()
	dir, _ = withSnapshot(t)
	s := open(t, dir)
	keepCode(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// wherever lists the files below a folder that have the canary in them.
func wherever(t *testing.T, dir string) (list []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, canary[:len(canary)/2]) {
			name, _ := filepath.Rel(dir, path)
			list = append(list, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// spoilPage writes junk over a part of a database, so that SQLite refuses it, and what is
// kept is still there.
func spoilPage(t *testing.T, file string, at int) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	copy(b[at:], bytes.Repeat([]byte("junk"), 512))
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(b, canary) {
		t.Fatal("the codes themselves are spoiled: this test looks at the wrong place")
	}
}

func TestErasingKeptCodesFindsThemInADamagedDatabase(t *testing.T) {
	for name, at := range map[string]int{"a page": 3 * 4096, "the first page": 0} {
		t.Run(name, func(t *testing.T) {
			dir := withCode(t)
			spoilPage(t, filepath.Join(dir, databaseFile), at)
			s := open(t, dir)
			r := s.Repaired()
			if r == nil || len(wherever(t, dir)) != 1 {
				t.Fatalf("the damaged database is not in quarantine with its code: %+v, %v", r, wherever(t, dir))
			}
			changed, err := s.EraseKeptAside(t.Context(), true)
			if err != nil || !slices.Equal(changed, []string{r.Quarantine}) {
				t.Errorf("changed %v, %v", changed, err)
			}
			if left := wherever(t, dir); len(left) > 0 {
				t.Errorf("the code is still in %v", left)
			}
			if changed, err := s.EraseKeptAside(t.Context(), true); err != nil || len(changed) > 0 {
				t.Errorf("a second time: %v, %v", changed, err)
			}
		})
	}
}

// Who never kept a code keeps what is damaged: it may be all that there is.
func TestADamagedDatabaseStaysWhereNobodyKnowsOfCodes(t *testing.T) {
	dir, _ := withSnapshot(t)
	file := filepath.Join(dir, databaseFile)
	if err := os.WriteFile(file, bytes.Repeat([]byte("junk"), 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	changed, err := s.EraseKeptAside(t.Context(), false)
	if err != nil || len(changed) > 0 {
		t.Errorf("changed %v, %v", changed, err)
	}
	if _, err := os.Stat(s.Repaired().Quarantine); err != nil {
		t.Errorf("it is gone: %v", err)
	}
	if changed, err = s.EraseKeptAside(t.Context(), true); err != nil || len(changed) != 1 {
		t.Errorf("with codes known: %v, %v", changed, err)
	}
}

// What was replaced whole stays, without its codes.
func TestErasingKeptCodesLeavesTheRestOfWhatWasPutAside(t *testing.T) {
	dir := withCode(t)
	s := open(t, dir)
	for _, name := range []string{"before-restore-20260101T000000.000Z/" + databaseFile, databaseFile + ".newer"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(dir, databaseFile))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.db.Exec(`DELETE FROM kept_codes; PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
		t.Fatal(err)
	}
	if left := wherever(t, dir); len(left) != 2 {
		t.Fatalf("codes are in %v: this test looks at the wrong place", left)
	}
	changed, err := s.EraseKeptAside(t.Context(), false)
	if err != nil || len(changed) != 2 {
		t.Errorf("changed %v, %v", changed, err)
	}
	if left := wherever(t, dir); len(left) > 0 {
		t.Errorf("the code is still in %v", left)
	}
	for _, name := range changed {
		if err := judge(t.Context(), name); err != nil {
			t.Errorf("what is left of %s: %v", name, err)
		}
		if err := os.Chtimes(name, time.Time{}, time.Unix(1_800_000_000, 0)); err != nil {
			t.Fatal(err)
		}
	}
	if again, err := s.EraseKeptAside(t.Context(), true); err != nil || len(again) > 0 {
		t.Errorf("a second time: %v, %v", again, err)
	}
	for _, name := range changed {
		if info, err := os.Stat(name); err != nil || info.ModTime().Unix() != 1_800_000_000 {
			t.Errorf("%s was written to although it has no codes: %v", name, err)
		}
	}
}
