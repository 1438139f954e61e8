package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/peers"
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

func TestDevicesAreFoundAndSortedAsOnThePage(t *testing.T) {
	w := newWorld(t, home(t))
	for _, name := range []string{"Anna's phone", "Anna's laptop", "Bert"} {
		if _, err := w.client.AddPeer(t.Context(), NewPeer{Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	note := "blue"
	if _, err := w.client.EditPeer(t.Context(), 3, PeerChange{Note: &note}); err != nil {
		t.Fatal(err)
	}
	list, err := w.client.Peers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range list {
		key, err := wgtypes.ParseKey(p.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		w.device.Observe(key, peers.Observed{ReceivedBytes: map[int64]uint64{1: 2000, 2: 1000, 3: 3000}[p.ID]})
	}
	get := func(query string) (reply *http.Response, ids []int64, problem Problem) {
		resp, err := http.Get(w.url + "/api/v1/peers?" + query)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			if err := json.NewDecoder(resp.Body).Decode(&problem); err != nil {
				t.Fatal(err)
			}
			return resp, nil, problem
		}
		var list []Peer
		if err := json.NewDecoder(resp.Body).Decode(&list); err != nil {
			t.Fatal(err)
		}
		for _, p := range list {
			ids = append(ids, p.ID)
		}
		return resp, ids, problem
	}
	for query, want := range map[string][]int64{
		"search=ANNA": {2, 1}, "search=+blue+": {3}, "search=10.6.0.4": {3}, "search=nobody": nil, "search=": {2, 1, 3},
		"sort=": {2, 1, 3}, "sort=name": {2, 1, 3}, "sort=added": {3, 2, 1}, "sort=traffic": {3, 1, 2}, "search=anna&sort=added": {2, 1}, "search=b&limit=5": {3},
	} {
		if resp, got, _ := get(query); resp.StatusCode != http.StatusOK || !slices.Equal(got, want) {
			t.Errorf("%q: %d with %v, want %v", query, resp.StatusCode, got, want)
		}
	}
	if list, err = w.client.FindPeers(t.Context(), "", "traffic"); err != nil || len(list) != 3 || list[0].ID != 3 || list[1].ID != 1 || list[2].ID != 2 {
		t.Errorf("by traffic: %+v, %v", list, err)
	}
	// The next page has the words that the first one had.
	resp, got, _ := get("search=anna&limit=1")
	if link := resp.Header.Get("Link"); !slices.Equal(got, []int64{1}) || !strings.Contains(link, "search=anna") {
		t.Errorf("the first page: %v, Link %q", got, link)
	} else {
		path, _, _ := strings.Cut(strings.TrimPrefix(link, "</api/v1/peers?"), ">")
		if resp, got, _ := get(path); !slices.Equal(got, []int64{2}) || resp.Header.Get("Link") != "" {
			t.Errorf("the second page: %v, Link %q", got, resp.Header.Get("Link"))
		}
	}
	for _, query := range []string{"sort=bogus", "sort=Name", "sort=added&limit=2", "sort=name&cursor=MQ"} {
		if resp, _, problem := get(query); resp.StatusCode != http.StatusBadRequest || problem.Field != "sort" || problem.Detail == "" {
			t.Errorf("%s: %d %+v, want 400 of the field sort", query, resp.StatusCode, problem)
		}
	}
}

func TestTheDocumentTellsAllOrdersOfDevices(t *testing.T) {
	for _, p := range operations()["GET /api/v1/peers"].Query {
		if p.Name == "sort" {
			if want := []any{"", "name", "seen", "traffic", "added"}; !slices.Equal(p.Schema.Enum, want) {
				t.Errorf("sort takes %v, want %v", p.Schema.Enum, want)
			}
			return
		}
	}
	t.Error("the document has no sort")
}
