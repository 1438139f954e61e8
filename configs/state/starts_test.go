package state

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestStartsAreCountedAndNeverInTheWay(t *testing.T) {
	s := open(t, t.TempDir())
	if err := s.SetStarts(Starts{}); err != nil || s.Starts() != (Starts{}) {
		t.Errorf("at first: %+v, %v", s.Starts(), err)
	}
	want := Starts{Version: "1.2.3", Failed: 2, Safe: true, Why: "no\nreason"}
	if err := s.SetStarts(want); err != nil || s.Starts() != want {
		t.Errorf("%+v, %v; want %+v", s.Starts(), err, want)
	}
	if err := os.WriteFile(s.Path(startsFile), []byte(`{"failed":`), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := s.Starts(); got != (Starts{}) {
		t.Errorf("of junk: %+v", got)
	}
	if err := s.SetStarts(Starts{}); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(s.Path(startsFile)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file stays: %v", err)
	}
}

func TestAShelterSaysWhetherTheDirectoryCanBeOpened(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if _, err := s.EnsureIdentity(t.Context(), somePlan); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	shelter, err := OpenShelter(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer shelter.Close()
	if err := shelter.Try(t.Context(), false, quiet); err != nil {
		t.Errorf("a whole one: %v", err)
	}
	if _, err := Open(t.Context(), dir, quiet); !errors.Is(err, ErrLocked) {
		t.Errorf("the lock is lost by trying: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, databaseFile), make([]byte, 8192), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := shelter.Try(t.Context(), false, quiet); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a damaged one: %v", err)
	}
	if err := shelter.Close(); err != nil {
		t.Error(err)
	}
}
