package secret

import (
	"bytes"
	"errors"
	"testing"
)

func TestABoxGivesBackOnlyWhatItSealedForThePurpose(t *testing.T) {
	box, err := NewBox(bytes.Repeat([]byte{1}, BoxKeySize))
	if err != nil {
		t.Fatal(err)
	}
	other, err := NewBox(bytes.Repeat([]byte{2}, BoxKeySize))
	if err != nil {
		t.Fatal(err)
	}
	value := []byte("a token")
	sealed := box.Seal("dns", value)
	if got, err := box.Open("dns", sealed); err != nil || !bytes.Equal(got, value) {
		t.Fatalf("%q, %v", got, err)
	}
	if bytes.Contains(sealed, value) || bytes.Equal(sealed, box.Seal("dns", value)) {
		t.Error("the value, or that it is the same, can be seen")
	}
	changed := bytes.Clone(sealed)
	changed[len(changed)-1] ^= 1
	for name, open := range map[string]func() ([]byte, error){
		"another key":     func() ([]byte, error) { return other.Open("dns", sealed) },
		"another purpose": func() ([]byte, error) { return box.Open("backup", sealed) },
		"changed":         func() ([]byte, error) { return box.Open("dns", changed) },
		"cut":             func() ([]byte, error) { return box.Open("dns", sealed[:10]) },
		"empty":           func() ([]byte, error) { return box.Open("dns", nil) },
	} {
		if got, err := open(); !errors.Is(err, ErrSealed) || got != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if _, err := NewBox([]byte("short")); err == nil {
		t.Error("a short key was taken")
	}
}
