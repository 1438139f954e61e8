package web

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

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

func TestDevicesAreListedInTheOrderThatIsAskedFor(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	for _, name := range []string{"alpha", "bravo", "charlie"} {
		w.addPeer(name)
	}
	if page := w.get(c, "/").body; strings.Contains(page, `class="sorts"`) {
		t.Error("three devices have orders")
	}
	w.addPeer("delta")
	order := regexp.MustCompile(`<h3><a href="/peers/\d+">(\w)\w*</a>`)
	named := func(query string) (letters string) {
		for _, m := range order.FindAllStringSubmatch(w.get(c, "/"+query).body, -1) {
			letters += m[1]
		}
		return letters
	}
	for i, p := range w.peers.List() {
		w.dev.Observe(p.PublicKey, peers.Observed{LastHandshake: time.Now().Add(-time.Duration(i%2) * time.Hour), ReceivedBytes: uint64(i+1) % 4 * 1000})
	}
	for query, want := range map[string]string{"": "abcd", "?sort=name": "abcd", "?sort=added": "dcba", "?sort=traffic": "cbad", "?sort=bogus": "abcd"} {
		if got := named(query); got != want {
			t.Errorf("%q lists %q, want %q", query, got, want)
		}
	}
	page := w.get(c, "/?sort=added&q=a").body
	for _, want := range []string{`href="/?page=1&amp;q=a&amp;sort=traffic#devices"`, `href="/?page=1&amp;q=a#devices"`, `sort=added#devices" aria-current="true"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestTheListSaysWhatEachMayReach(t *testing.T) {
	l := english(t)
	for access, want := range map[string]string{
		"everything": "Home and the internet", "internet": "The internet only", "nothing": "Nothing but names",
		"192.168.1.20 tcp/445; 192.168.1.30": "2 chosen things", "home; peers; admin; box tcp/22; 192.168.1.20": "Home only + Other people's devices + This page + services of this box + 1 chosen thing",
	} {
		a, err := peers.ParseAccess(access)
		if err != nil {
			t.Fatal(err)
		}
		if got := reachWords(l, a); got != want {
			t.Errorf("%q is said as %q, want %q", access, got, want)
		}
	}
}
