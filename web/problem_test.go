package web

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"homeward/configs/state"
	"homeward/web/account"
	"homeward/web/api"
)

// wantProblem checks that a refusal is a problem document (RFC 9457) of that status.
func wantProblem(t *testing.T, what string, r reply, status int) {
	t.Helper()
	var p api.Problem
	err := json.Unmarshal([]byte(r.body), &p)
	if r.status != status || r.header.Get("Content-Type") != "application/problem+json" || err != nil || p.Status != status || p.Type == "" || p.Title == "" || p.Detail == "" {
		t.Errorf("%s: %d with %s, %v: %s; want a problem document with %d", what, r.status, r.header.Get("Content-Type"), err, r.body, status)
	}
}

func TestProgramsAreRefusedInProblemDocumentsWhateverIsWrong(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	for _, tt := range []struct {
		what, method, path string
		status             int
		change             func(*http.Request)
	}{
		{"nothing there", "GET", "/api/v1/nowhere", 404, nil},
		{"nothing there to change", "POST", "/api/v1/nowhere", 404, nil},
		{"another version", "GET", "/api/v2/peers", 404, nil},
		{"a method that there is not", "DELETE", "/api/v1/peers", 405, nil},
		{"a device that there is not", "GET", "/api/v1/peers/77", 404, nil},
		{"a foreign name for us", "GET", "/api/v1/peers", 421, func(r *http.Request) { r.Host = "evil.example" }},
		{"no origin", "POST", "/api/v1/peers", 403, func(r *http.Request) { r.Header.Del("Origin") }},
		{"another site by the browser's word", "POST", "/api/v1/peers", 403, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }},
	} {
		r := w.send(c, tt.method, tt.path, "application/json", "{}", tt.change)
		wantProblem(t, tt.what, r, tt.status)
		if allow := r.header.Get("Allow"); (allow == "GET, HEAD, POST") != (tt.status == 405) {
			t.Errorf("%s: Allow is %q", tt.what, allow)
		}
	}
	people := w.get(c, "/nowhere")
	if people.status != 404 || !strings.HasPrefix(people.header.Get("Content-Type"), "text/html") {
		t.Errorf("people get %d with %s", people.status, people.header.Get("Content-Type"))
	}
	for _, r := range w.page.routes() {
		if strings.HasPrefix(r.Pattern, "/api/") {
			wantProblem(t, r.Method+" "+r.Pattern+" without a login", w.send(w.stranger, r.Method, pathOf(r.Pattern), "", "", nil), 401)
		}
	}
}

func TestProgramsGetAProblemDocumentWhenNobodyCanSayWhoTheyAre(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	st, err := state.Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	gone, err := account.New(account.Config{DB: st.DB(), Box: st.Box, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	st.Close()
	whole := w.page.cfg.Account
	w.page.cfg.Account = gone
	wantProblem(t, "an account that cannot be read", w.get(c, "/api/v1/peers"), 500)
	w.page.cfg.Account = whole
	w.wantStatus("the same with the account", w.get(c, "/api/v1/peers"), 200)
	w.page.sessions.Store = gone.Sessions()
	wantProblem(t, "a session that cannot be read", w.get(c, "/api/v1/peers"), 500)
}
