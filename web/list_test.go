package web

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"homeward/peers"
)

func TestAPageListsFiftyDevicesAndFindsTheOthers(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	for i := range perPage + 3 {
		w.addPeer(fmt.Sprintf("device %02d", i))
	}
	note := "Ännas <b>TABLET"
	if _, err := w.peers.Edit(t.Context(), 7, 0, peers.Change{Note: &note}); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]struct {
		devices int
		has     string
	}{
		"":                                 {perPage, "Page 1 of 2"},
		"?page=2":                          {3, "device 52"},
		"?page=99":                         {3, "Page 2 of 2"},
		"?page=-1":                         {perPage, "Page 1 of 2"},
		"?page=x":                          {perPage, "page=2"},
		"?q=DEVICE+1":                      {10, "10 devices found."},
		"?q=device&page=2":                 {3, "page=1&amp;q=device"},
		"?q=" + url.QueryEscape("ÄNNAS <"): {1, "device 06"},
		"?q=10.6.0.54":                     {1, "device 52"},
		"?q=nobody":                        {0, "0 devices found."},
	} {
		r := w.get(c, "/"+query)
		if n := strings.Count(r.body, "data-peer="); r.status != 200 || n != want.devices || !strings.Contains(r.body, want.has) {
			t.Errorf("%q: %d, %d devices, want %d and %q", query, r.status, n, want.devices, want.has)
		}
		if strings.Contains(r.body, "ÄNNAS <") {
			t.Errorf("%q is drawn as it is", query)
		}
		if strings.Contains(r.body, "No device may come in") {
			t.Errorf("%q says that there is no device", query)
		}
	}
}

func TestALivePageHearsOfItsDevicesOnly(t *testing.T) {
	w := newWorld(t)
	w.owner()
	for i := range perPage + 3 {
		w.addPeer(fmt.Sprintf("device %02d", i))
	}
	all := w.peers.List()
	for query, want := range map[string]int{"": perPage, "page=2": 3, "q=52": 1, "peer=52": 1, "peer=0": 0, "peer=999": 0} {
		q, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		if shown, _ := choose(all, q); len(shown) != want {
			t.Errorf("%q: %d devices, want %d", query, len(shown), want)
		}
	}
	if len(all) != perPage+3 || all[0].ID != 1 {
		t.Error("the list itself was changed")
	}
}
