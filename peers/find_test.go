package peers

import (
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// What the page, the command line and the API all go by.
func TestDevicesAreFoundByTheirWordsAndPutInOrder(t *testing.T) {
	at := func(day int) time.Time { return time.Date(2026, 3, day, 0, 0, 0, 0, time.UTC) }
	address := func(s string) []netip.Addr { return []netip.Addr{netip.MustParseAddr(s)} }
	all := []Peer{
		{ID: 2, Name: "Anna's phone", Kind: "phone", Note: "blue", Addresses: address("10.6.0.3"), Seen: at(1), Observed: Observed{ReceivedBytes: 5}},
		{ID: 3, Name: "Bert", Kind: "laptop", Addresses: address("10.6.0.4"), Observed: Observed{ReceivedBytes: 1, SentBytes: 9}},
		{ID: 1, Name: "Телефон", Kind: "phone", Addresses: address("fd00:6::2"), Seen: at(2)},
	}
	ids := func(list []Peer) (ids []ID) {
		for _, p := range list {
			ids = append(ids, p.ID)
		}
		return ids
	}
	for words, want := range map[string][]ID{
		"ANNA": {2}, " blue ": {2}, "phone": {2, 1}, "телефон": {1}, "10.6.0.4": {3}, "10.6": {2, 3}, "FD00:6": {1}, "6.0.4": nil, "nobody": nil, "": {2, 3, 1}, "  ": {2, 3, 1},
	} {
		if got := ids(Find(all, words)); !slices.Equal(got, want) {
			t.Errorf("%q finds %v, want %v", words, got, want)
		}
	}
	for text, want := range map[string][]ID{"": {2, 3, 1}, "name": {2, 3, 1}, "seen": {1, 2, 3}, "traffic": {3, 2, 1}, "added": {3, 2, 1}} {
		order, err := ParseOrder(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if got := ids(Sorted(all, order)); !slices.Equal(got, want) {
			t.Errorf("by %q: %v, want %v", text, got, want)
		}
	}
	if got := ids(all); !slices.Equal(got, []ID{2, 3, 1}) {
		t.Errorf("the list itself was changed to %v", got)
	}
	for _, text := range []string{"bogus", "Name", "name,seen"} {
		var wrong *FieldError
		if _, err := ParseOrder(text); !errors.As(err, &wrong) || wrong.Field != "sort" {
			t.Errorf("%q: %v, want an error of the field sort", text, err)
		}
	}
}
