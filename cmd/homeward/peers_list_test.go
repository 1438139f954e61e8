package main

import (
	"slices"
	"testing"
	"time"

	"homeward/web/api"
)

// Devices are found by the words and put in the orders that the page has.
func TestDevicesAreFoundAndSortedAsOnThePage(t *testing.T) {
	at := func(day int) *time.Time { d := time.Date(2026, 3, day, 0, 0, 0, 0, time.UTC); return &d }
	all := []api.Peer{
		{ID: 2, Name: "Anna's phone", Kind: "phone", Note: "blue", Addresses: []string{"10.6.0.3"}, Seen: at(1), Received: 5},
		{ID: 3, Name: "Bert", Kind: "laptop", Addresses: []string{"10.6.0.4"}, Received: 1, Sent: 9},
		{ID: 1, Name: "Телефон", Kind: "phone", Addresses: []string{"10.6.0.2"}, Seen: at(2)},
	}
	for words, want := range map[string][]int64{
		"ANNA": {2}, " blue ": {2}, "phone": {2, 1}, "телефон": {1}, "10.6.0.4": {3}, "10.6": {2, 3, 1}, "6.0.4": nil, "nobody": nil, "": {2, 3, 1},
	} {
		var got []int64
		for _, p := range all {
			if hasWords(p, words) {
				got = append(got, p.ID)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q finds %v, want %v", words, got, want)
		}
	}
	for order, want := range map[string][]int64{"name": {2, 3, 1}, "seen": {1, 2, 3}, "traffic": {3, 2, 1}, "added": {3, 2, 1}} {
		list := slices.Clone(all)
		slices.SortStableFunc(list, peerOrders[order])
		var got []int64
		for _, p := range list {
			got = append(got, p.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("by %s: %v, want %v", order, got, want)
		}
	}
}
