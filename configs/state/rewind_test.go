package state

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestAnOlderVersionComesBackAfterAMigration(t *testing.T) {
	dir := t.TempDir()
	before := time.Now()
	s := open(t, dir)
	identity, err := s.EnsureIdentity(t.Context(), somePlan)
	if err != nil {
		t.Fatal(err)
	}
	steps, err := migrations()
	if err != nil {
		t.Fatal(err)
	}
	// A newer version migrates and runs.
	if err := s.snapshot(t.Context(), len(steps)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.db.ExecContext(t.Context(), "PRAGMA user_version = 999"); err != nil {
		t.Fatal(err)
	}
	busy, cancel := context.WithTimeout(t.Context(), 3*rewindEvery)
	defer cancel()
	if err := Rewind(busy, dir, before); !errors.Is(err, ErrLocked) {
		t.Errorf("under a running one: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := Rewind(t.Context(), dir, time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), dir, quiet); !errors.Is(err, ErrNewerSchema) {
		t.Errorf("a migration from before was taken back: %v", err)
	}
	if err := Rewind(t.Context(), dir, before); err != nil {
		t.Fatal(err)
	}
	again, err := open(t, dir).EnsureIdentity(t.Context(), somePlan)
	if err != nil || again.PrivateKey.Public() != identity.PrivateKey.Public() {
		t.Errorf("the identity is another: %v", err)
	}
	if err := Rewind(t.Context(), t.TempDir()+"/none", before); err != nil {
		t.Errorf("without a state: %v", err)
	}
}
