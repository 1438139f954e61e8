package api

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"homeward/web/account"
	"homeward/web/api/once"
)

// create posts with a key, and returns the answer.
func (w world) create(t *testing.T, path, key, body string) (status int, header http.Header, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "POST", w.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(b)
}

func TestTwentyRequestsWithOneKeyMakeOneDeviceAndOneAnswer(t *testing.T) {
	w := newWorld(t, home(t))
	var wg sync.WaitGroup
	answers := make([]string, 20)
	var mu sync.Mutex
	replayed := 0
	for i := range answers {
		wg.Go(func() {
			status, header, answer := w.create(t, "/api/v1/peers", `"8e03978e-40d5-43e8-bc93-6894a57f9324"`, `{"name":"phone"}`)
			if status != 201 || header.Get("Location") != "/api/v1/peers/1" || header.Get("ETag") == "" || header.Get("Content-Type") != "application/json" {
				t.Errorf("%d %v", status, header)
			}
			answers[i] = answer
			mu.Lock()
			defer mu.Unlock()
			if header.Get("Idempotency-Replayed") == "true" {
				replayed++
			}
		})
	}
	wg.Wait()
	for _, a := range answers {
		if a != answers[0] || !strings.Contains(a, `"name":"phone"`) {
			t.Errorf("answers differ: %s and %s", a, answers[0])
		}
	}
	if list, err := w.client.Peers(t.Context()); err != nil || len(list) != 1 || replayed != 19 {
		t.Errorf("%d devices, %d answers again, %v", len(list), replayed, err)
	}
	// The negative control: without a key the second one is a second device.
	if status, _ := w.send(t, "POST", "/api/v1/peers", "application/json", `{"name":"phone"}`); status != 409 {
		t.Errorf("without a key: %d", status)
	}
}

func TestAKeyStandsForOneRequest(t *testing.T) {
	w := newWorld(t, home(t))
	if status, _, _ := w.create(t, "/api/v1/peers", "k", `{"name":"a"}`); status != 201 {
		t.Fatalf("%d", status)
	}
	for what, r := range map[string]struct{ path, body string }{
		"another body": {"/api/v1/peers", `{"name":"b"}`}, "another path": {"/api/v1/peers/1/code", `{"name":"a"}`}, "another query": {"/api/v1/peers?x=1", `{"name":"a"}`},
	} {
		status, header, answer := w.create(t, r.path, "k", r.body)
		var p Problem
		if err := json.Unmarshal([]byte(answer), &p); err != nil || status != 422 || p.Status != 422 || header.Get("Content-Type") != problemType {
			t.Errorf("%s: %d %s", what, status, answer)
		}
	}
	if status, header, _ := w.create(t, "/api/v1/peers", "k", `{"name":"a"}`); status != 201 || header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("the same again: %d %v", status, header)
	}
	if list, _ := w.client.Peers(t.Context()); len(list) != 1 {
		t.Errorf("%d devices", len(list))
	}
	// What was refused made nothing, and may be tried again.
	for _, want := range []struct {
		name   string
		status int
	}{{"A", 409}, {"c", 201}} {
		if status, _, _ := w.create(t, "/api/v1/peers", "again", `{"name":"`+want.name+`"}`); status != want.status {
			t.Errorf("%s: %d", want.name, status)
		}
	}
}

func TestAKeyThatIsNoneIsRefused(t *testing.T) {
	w := newWorld(t, home(t))
	for _, key := range []string{"", `"`, `""`, `"a`, `"a"b"`, strings.Repeat("x", 256), "ключ", "a\tb"} {
		status, _, answer := w.create(t, "/api/v1/peers", key, `{"name":"a"}`)
		if status != 400 || !strings.Contains(answer, "Idempotency-Key") {
			t.Errorf("%q: %d %s", key, status, answer)
		}
	}
	if status, _, _ := w.create(t, "/api/v1/peers", "large", `{"name":"`+strings.Repeat("x", 70<<10)+`"}`); status != 413 {
		t.Errorf("a large body: %d", status)
	}
}

func TestOnePersonsKeyIsNotAnothers(t *testing.T) {
	made := 0
	h := withKeys(handler{}, []Route{{"POST", "/api/v1/peers", account.ScopePeers, func(w http.ResponseWriter, r *http.Request) {
		made++
		w.WriteHeader(201)
		io.WriteString(w, account.CallerOf(r.Context()).Name())
	}}})[0].Handle
	for _, tt := range []struct {
		who  account.Caller
		made int
	}{
		{account.Caller{User: account.User{ID: 1, Name: "anna"}}, 1}, {account.Caller{User: account.User{ID: 2, Name: "ben"}}, 2},
		{account.Caller{User: account.User{ID: 2, Name: "ben"}, Token: "x"}, 3}, {account.Caller{User: account.User{ID: 1, Name: "anna"}}, 3},
	} {
		r := httptest.NewRequest("POST", "/api/v1/peers", nil)
		r.Header.Set("Idempotency-Key", "k")
		w := httptest.NewRecorder()
		h(w, r.WithContext(account.WithCaller(r.Context(), tt.who)))
		if made != tt.made || w.Body.String() != tt.who.Name() {
			t.Errorf("%s got %q, made %d", tt.who.Name(), w.Body, made)
		}
	}
}

// Whatever is posted can be sent again, or is here with why not.
func TestEveryCreationTakesAKeyOrSaysWhyNot(t *testing.T) {
	why := map[string]string{
		"POST /api/v1/peers/{id}/keep": "once more changes nothing",
		"POST /api/v1/peers/{id}/test": "a test is begun anew",
		"POST /api/v1/backup":          "it changes nothing, and is too large to be kept",
		"POST /api/v1/knock":           "a knock is begun anew",
		"POST /api/v1/renumber":        "homeward starts again, and forgets",
		"POST /api/v1/import":          "homeward starts again, and forgets",
		"POST /api/v1/restore":         "homeward starts again, and forgets",
	}
	for row, o := range operations() {
		if strings.HasPrefix(row, "POST ") && (o.Again == notRepeatable) != (why[row] != "") || !strings.HasPrefix(row, "POST ") && o.Again != notRepeatable {
			t.Errorf("%s takes a key: %v, although %q", row, o.Again != notRepeatable, why[row])
		}
	}
	for _, row := range []string{"POST /api/v1/peers/{id}/invite", "POST /api/v1/backup/recovery-code", "POST /api/v1/admin/tokens", "POST /api/v1/admin/setup-link"} {
		if operations()[row].Again != repeatableSecret {
			t.Errorf("the secret that %s answers is kept for long", row)
		}
	}
}

// A restart forgets the keys, and each operation that takes one says so: then only what is
// there, such as a name that is taken, keeps a request from being done twice.
func TestKeysLastUntilARestartAsTheDocumentSays(t *testing.T) {
	rows, takes := allRows(), 0
	doc, err := documentOf(rows, "c")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range operations() {
		if o.Again != notRepeatable {
			takes++
		}
	}
	if n := strings.Count(string(text), "for 24 hours and until homeward restarts"); takes == 0 || n != takes {
		t.Errorf("%d operations say it, and %d take a key", n, takes)
	}
	r := httptest.NewRequest("POST", "/api/v1/peers", strings.NewReader("{}"))
	r.Header.Set("Idempotency-Key", "k")
	done := 0
	create := func(w http.ResponseWriter, _ *http.Request) { done++; w.WriteHeader(http.StatusCreated) }
	for run, want := range []int{1, 2} {
		one := handler{Config: Config{Logger: slog.New(slog.DiscardHandler)}}.repeatable(new(once.Store), false, create)
		for range 2 {
			again := r.Clone(t.Context())
			again.Body = io.NopCloser(strings.NewReader("{}"))
			one(httptest.NewRecorder(), again)
		}
		if done != want {
			t.Errorf("after %d restarts it was done %d times, want %d", run, done, want)
		}
	}
}
