package api

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// ask sends one request with an If-Match, unless it is empty, and returns the status
// and the ETag of the answer.
func (w world) ask(t *testing.T, method, path, body, ifMatch string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, w.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if ifMatch != "" {
		req.Header.Set("If-Match", ifMatch)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, resp.Header.Get("ETag")
}

// Everything that can be edited: how it is read, changed and removed.
var editable = map[string]struct {
	read, change, with, another string // with and another are two bodies
	remove                      string
}{
	"a peer":      {read: "/api/v1/peers/1", change: "PATCH /api/v1/peers/1", with: `{"note":"a"}`, another: `{"note":"b"}`, remove: "/api/v1/peers/1"},
	"a forward":   {read: "/api/v1/forwards/1", change: "PATCH /api/v1/forwards/1", with: `{"enabled":true}`, another: `{"enabled":false}`, remove: "/api/v1/forwards/1"},
	"the house":   {read: "/api/v1/settings", change: "PATCH /api/v1/settings", with: `{"endpoint":"a.example"}`, another: `{"endpoint":"b.example"}`},
	"the name":    {read: "/api/v1/dns", change: "PUT /api/v1/dns", with: `{"provider":"noip","name":"a"}`, another: `{"provider":"noip","name":"b"}`, remove: "/api/v1/dns"},
	"the nightly": {read: "/api/v1/backup", change: "PUT /api/v1/backup/nightly", with: `{"folder":"/a"}`, another: `{"folder":"/b"}`, remove: "/api/v1/backup/nightly"},
	"a user":      {read: "/api/v1/admin/users/anna", change: "PATCH /api/v1/admin/users/anna", with: `{"role":"admin"}`, another: `{"role":"viewer"}`, remove: "/api/v1/admin/users/anna"},
}

func TestWhatSomebodyElseChangedMeanwhileIsNotOverwritten(t *testing.T) {
	for what, e := range editable {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t, home(t))
			if _, err := w.client.AddPeer(t.Context(), NewPeer{Name: "phone"}); err != nil {
				t.Fatal(err)
			}
			method, path, _ := strings.Cut(e.change, " ")
			_, seen := w.ask(t, "GET", e.read, "", "")
			if len(seen) < 3 || seen[0] != '"' {
				t.Fatalf("its ETag is %s", seen)
			}
			if _, again := w.ask(t, "GET", e.read, "", ""); again != seen {
				t.Errorf("nothing changed, and the ETag is %s after %s", again, seen)
			}
			if status, _ := w.ask(t, method, path, e.with, seen); status >= 300 {
				t.Fatalf("as it was seen: %d", status)
			}
			_, now := w.ask(t, "GET", e.read, "", "")
			if now == seen {
				t.Fatalf("it changed, and its ETag did not: %s", now)
			}
			for _, stale := range []string{seen, `W/` + now, strings.Trim(now, `"`), `"x"`, seen + `, "y"`} {
				if status, _ := w.ask(t, method, path, e.another, stale); status != http.StatusPreconditionFailed {
					t.Errorf("changed for %s: %d", stale, status)
				}
				if e.remove == "" {
					continue
				}
				if status, _ := w.ask(t, "DELETE", e.remove, "", stale); status != http.StatusPreconditionFailed {
					t.Errorf("removed for %s: %d", stale, status)
				}
			}
			if _, still := w.ask(t, "GET", e.read, "", ""); still != now {
				t.Error("what was refused happened")
			}
			for _, right := range []string{seen + ", " + now, "*", ""} {
				if status, _ := w.ask(t, method, path, e.another, right); status >= 300 {
					t.Errorf("changed for %q: %d", right, status)
				}
				_, now = w.ask(t, "GET", e.read, "", "")
			}
			if e.remove != "" {
				if status, _ := w.ask(t, "DELETE", e.remove, "", now); status >= 300 {
					t.Errorf("removed as it is: %d", status)
				}
			}
		})
	}
}

// Of those who saw the same and change it at the same time, one wins.
func TestOfManyWhoSawTheSameOneChangesIt(t *testing.T) {
	for what, e := range editable {
		if what == "a peer" {
			continue // its manager's own tests
		}
		t.Run(what, func(t *testing.T) {
			w := newWorld(t, home(t))
			method, path, _ := strings.Cut(e.change, " ")
			_, seen := w.ask(t, "GET", e.read, "", "")
			var wg sync.WaitGroup
			statuses := make([]int, 20)
			for i := range statuses {
				wg.Go(func() { statuses[i], _ = w.ask(t, method, path, e.with, seen) })
			}
			wg.Wait()
			won := 0
			for _, s := range statuses {
				if s < 300 {
					won++
				} else if s != http.StatusPreconditionFailed {
					t.Errorf("status %d", s)
				}
			}
			if won != 1 {
				t.Errorf("%d won", won)
			}
		})
	}
}

// Whatever is changed or removed by its address takes If-Match, or is here with why not.
func TestEveryChangeTakesIfMatchOrSaysWhyNot(t *testing.T) {
	why := map[string]string{
		"DELETE /api/v1/ports/{protocol}/{port}":        "the router's, which has no versions",
		"DELETE /api/v1/admin/tokens/{id}":              "a token is never edited",
		"PUT /api/v1/guide/by-hand":                     "a switch: once more changes nothing",
		"DELETE /api/v1/guide/by-hand":                  "a switch",
		"PUT /api/v1/admin/users/{name}/password":       "nobody sees what was there",
		"PUT /api/v1/admin/password":                    "nobody sees what was there",
		"DELETE /api/v1/admin/users/{name}/second-step": "a switch",
	}
	for row, o := range operations() {
		method, _, _ := strings.Cut(row, " ")
		if change := method == "PUT" || method == "PATCH" || method == "DELETE"; change && o.Tagged != (why[row] == "") {
			t.Errorf("%s takes If-Match: %v, although %q", row, o.Tagged, why[row])
		}
	}
}
