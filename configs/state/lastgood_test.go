package state

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestTheLastGoodFileHasTwoGenerations(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if _, err := s.LastGood(); !errors.Is(err, ErrNoLastGood) {
		t.Errorf("before the first: %v", err)
	}
	identity, err := s.EnsureIdentity(t.Context(), somePlan)
	if err != nil {
		t.Fatal(err)
	}
	write := func(peers string) {
		t.Helper()
		if err := s.WriteLastGood(LastGood{time.Now(), identity, json.RawMessage(peers)}); err != nil {
			t.Fatal(err)
		}
	}
	want := func(peers string) {
		t.Helper()
		g, err := s.LastGood()
		if err != nil || string(g.Peers) != peers || g.Identity != identity {
			t.Errorf("%s of %v, %v; want %s", g.Peers, g.Identity, err, peers)
		}
	}
	write(`["a"]`)
	want(`["a"]`)
	write(`["b"]`)
	want(`["b"]`)
	current := filepath.Join(dir, lastGoodFile)
	info, err := os.Stat(current)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	whole, err := os.ReadFile(current)
	if err != nil {
		t.Fatal(err)
	}
	for at := range whole { // each bit counts
		spoiled := bytes.Clone(whole)
		spoiled[at] ^= 1
		if _, err := parseLastGood(spoiled); err == nil {
			t.Fatalf("damage at byte %d is not noticed", at)
		}
		if _, err := parseLastGood(whole[:at]); err == nil {
			t.Fatalf("%d of %d bytes are taken", at, len(whole))
		}
	}
	if err := os.WriteFile(current, whole[:len(whole)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	want(`["a"]`)
	write(`["c"]`) // must not push the whole one out by the damaged one
	want(`["c"]`)
	if err := os.Remove(current); err != nil {
		t.Fatal(err)
	}
	want(`["a"]`)
}

func TestAShelterNeedsNoDatabase(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	identity, err := s.EnsureIdentity(t.Context(), somePlan)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.WriteLastGood(LastGood{time.Now(), identity, json.RawMessage(`[]`)}); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenShelter(dir); !errors.Is(err, ErrLocked) {
		t.Errorf("beside a running one: %v", err)
	}
	s.Close()
	if err := os.WriteFile(filepath.Join(dir, databaseFile), []byte("junk"), 0o600); err != nil {
		t.Fatal(err)
	}
	shelter, err := OpenShelter(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer shelter.Close()
	if g, err := shelter.LastGood(); err != nil || g.Identity != identity {
		t.Errorf("%v, %v", g, err)
	}
	if _, err := Open(t.Context(), dir, quiet); !errors.Is(err, ErrLocked) {
		t.Errorf("beside a shelter: %v", err)
	}
}
