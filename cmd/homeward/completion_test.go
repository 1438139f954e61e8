package main

import (
	"slices"
	"testing"

	"homeward/web/api"
)

// What is offered can be typed: names as they are, and the number where the shells'
// scripts would break the name.
func TestDevicesAreOfferedAsShellsCanTakeThem(t *testing.T) {
	all := []api.Peer{
		{ID: 1, Name: "Anna's phone", Kind: "phone"}, {ID: 2, Name: "Телефон Анны", Kind: "phone"},
		{ID: 3, Name: "電話", Kind: "other"}, {ID: 42, Name: "work: desk", Kind: "laptop"},
	}
	for typed, want := range map[string][]string{
		"":         {"Anna's phone\tphone, number 1", "Телефон Анны\tphone, number 2", "電話\tother, number 3", "42\twork  desk"},
		"Anna's p": {"Anna's phone\tphone, number 1"},
		"Тел":      {"Телефон Анны\tphone, number 2"},
		"4":        {"42\twork  desk"},
		"zz":       nil,
	} {
		if got := deviceChoices(all, typed); !slices.Equal(got, want) {
			t.Errorf("%q is completed by %q, want %q", typed, got, want)
		}
	}
}
