package state

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"homeward/configs/secret"
)

func TestTheVaultKeepsAndForgets(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if v, ok, err := s.Kept(t.Context(), "dns"); ok || err != nil {
		t.Fatalf("kept before: %q, %v", v, err)
	}
	for _, value := range []string{"first token", "second token"} {
		if err := s.Keep(t.Context(), "dns", []byte(value)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	if v, ok, err := s.Kept(t.Context(), "dns"); !ok || err != nil || string(v) != "second token" {
		t.Errorf("after a restart: %q, %t, %v", v, ok, err)
	}
	if err := s.Forget(t.Context(), "dns"); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := s.Kept(t.Context(), "dns"); ok || err != nil {
		t.Errorf("still kept, %v", err)
	}
}

func TestTheDatabaseAloneTellsNoPassword(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if err := s.Keep(t.Context(), "dns", []byte("hunter2 of the account")); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil { // which writes the log back
		t.Fatal(err)
	}
	raw, err := os.ReadFile(s.Path(databaseFile))
	if err != nil || !bytes.Contains(raw, []byte("vault")) {
		t.Fatalf("the wrong file: %v", err)
	}
	if bytes.Contains(raw, []byte("hunter2")) {
		t.Error("the database shows the password")
	}
	info, err := os.Stat(s.Path(vaultKeyFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file: %v, %v", info, err)
	}
	if err := os.Remove(s.Path(vaultKeyFile)); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	if v, _, err := s.Kept(t.Context(), "dns"); !errors.Is(err, secret.ErrSealed) {
		t.Errorf("without the key: %q, %v", v, err)
	}
	if err := s.Keep(t.Context(), "dns", []byte("entered again")); err != nil {
		t.Fatal(err)
	}
	if v, _, err := s.Kept(t.Context(), "dns"); err != nil || string(v) != "entered again" {
		t.Errorf("%q, %v", v, err)
	}
}
