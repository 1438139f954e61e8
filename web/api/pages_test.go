package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestDevicesAreListedInPagesOfWhichNoneIsLeftOutOrToldTwice(t *testing.T) {
	w := newWorld(t, home(t))
	for _, name := range []string{"e", "d", "c", "b", "a"} {
		if _, err := w.client.AddPeer(t.Context(), NewPeer{Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	get := func(path string) (*http.Response, []Peer) {
		resp, err := http.Get(w.url + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var list []Peer
		if err := json.NewDecoder(resp.Body).Decode(&list); err != nil && resp.StatusCode == http.StatusOK {
			t.Fatal(err)
		}
		return resp, list
	}
	var names []string
	path, pages := "/api/v1/peers?limit=2", 0
	for ; path != "" && pages < 10; pages++ {
		resp, list := get(path)
		for _, p := range list {
			names = append(names, p.Name)
		}
		if pages == 0 { // the last one told gets a name that would stand elsewhere
			other := "z"
			if _, err := w.client.EditPeer(t.Context(), list[1].ID, PeerChange{Name: &other}); err != nil {
				t.Fatal(err)
			}
		}
		link := resp.Header.Get("Link")
		path = ""
		if link != "" {
			to, ok := strings.CutSuffix(strings.TrimPrefix(link, "<"), `>; rel="next"`)
			if !ok {
				t.Fatalf("Link is %q", link)
			}
			path = to
		}
	}
	if pages != 3 || !slices.Equal(names, []string{"e", "d", "c", "b", "a"}) {
		t.Errorf("%d pages with %v", pages, names)
	}
	if resp, list := get("/api/v1/peers?limit=5"); len(list) != 5 || resp.Header.Get("Link") != "" {
		t.Errorf("a page that has all: %d, Link %q", len(list), resp.Header.Get("Link"))
	}
	if resp, list := get("/api/v1/peers"); len(list) != 5 || list[0].Name != "a" || resp.Header.Get("Link") != "" {
		t.Errorf("without pages: %d, the first is %q", len(list), list[0].Name)
	}
	for _, wrong := range []string{"limit=0", "limit=1001", "limit=x", "limit=-1", "cursor=x", "cursor=MA", "cursor=!!", "cursor=%00"} {
		if resp, _ := get("/api/v1/peers?" + wrong); resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d, want 400", wrong, resp.StatusCode)
		}
	}
}
