package api

import (
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"homeward/web/account"
	"homeward/web/api/apitest"
	"homeward/web/api/openapi"
)

func allRows() []Route {
	return withDocument(handler{}, append(routes(handler{}), localRoutes(handler{}, admin{})...))
}

// Whoever adds a row says what it takes and answers, or no document is served.
func TestEveryRowSaysWhatItTakesAndAnswers(t *testing.T) {
	said, ids := operations(), map[string]string{}
	for _, r := range allRows() {
		row := r.Method + " " + r.Pattern
		o, ok := said[row]
		if !ok || o.Summary == "" || o.ID == "" || ids[o.ID] != "" {
			t.Errorf("%s is described by %+v, the same as %q", row, o, ids[o.ID])
		}
		ids[o.ID] = row
		if needsBody := r.Method == "PUT" || r.Method == "PATCH"; needsBody != (o.Body != nil && needsBody) {
			t.Errorf("%s has no body", row)
		}
		delete(said, row)
	}
	for row := range said {
		t.Errorf("%s is described, and there is no such row", row)
	}
	rows := append(allRows(), Route{"GET", "/api/v1/more", account.ScopeRead, nil})
	if _, err := documentOf(rows, "c"); err == nil || !strings.Contains(err.Error(), "GET /api/v1/more") {
		t.Errorf("a row without an entry: %v", err)
	}
}

func TestTheDocumentIsValidAndSaysWhoMayAsk(t *testing.T) {
	d, err := documentOf(allRows(), "cookie")
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	apitest.Load(t, b)
	var back openapi.Document
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	for _, r := range allRows() {
		o := back.Paths[r.Pattern][strings.ToLower(r.Method)]
		if o == nil || len(o.Security) != 2 {
			t.Errorf("%s %s: %+v", r.Method, r.Pattern, o)
			continue
		}
		for _, way := range o.Security {
			for scheme, scopes := range way {
				if back.Components.SecuritySchemes[scheme].Type == "" || !slices.Equal(scopes, []string{string(r.Needs)}) {
					t.Errorf("%s %s needs %v by %s", r.Method, r.Pattern, scopes, scheme)
				}
			}
		}
		if _, ok := o.Responses["default"].Content[problemType]; !ok {
			t.Errorf("%s %s does not say how it fails", r.Method, r.Pattern)
		}
	}
	if s := back.Components.Schemas["NewPeer"]; s == nil || !slices.Equal(s.Required, []string{"name"}) || s.Properties["keepalive_seconds"].Type != "integer" || s.AdditionalProperties == nil {
		t.Errorf("a new device is %+v", s)
	}
	if s := back.Components.Schemas["Joint"]; s == nil || len(s.Properties["state"].Enum) != 4 || s.Properties["since"].Format != "date-time" || s.Properties["Says"] != nil {
		t.Errorf("a joint is %+v", s)
	}
}

// recording is a test that may fail without the real one failing.
type recording struct {
	testing.TB
	failed bool
}

func (r *recording) Errorf(string, ...any) { r.failed = true }

func TestAnAnswerThatTheDocumentDoesNotSayIsFoundOut(t *testing.T) {
	d, err := documentOf(allRows(), "")
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	for what, tt := range map[string]struct {
		method, path, body, answer string
		status                     int
		wrong                      bool
	}{
		"as it says":            {"GET", "/api/v1/peers/1/sessions", "", `[{"first":"2026-01-02T03:04:05Z","last":"2026-01-02T03:04:05Z","home":true}]`, 200, false},
		"another member":        {"GET", "/api/v1/peers/1/sessions", "", `[{"first":"2026-01-02T03:04:05Z","last":"2026-01-02T03:04:05Z","home":true,"key":"x"}]`, 200, true},
		"a member less":         {"GET", "/api/v1/peers/1/sessions", "", `[{"first":"2026-01-02T03:04:05Z","home":true}]`, 200, true},
		"another type":          {"GET", "/api/v1/peers/1/sessions", "", `{}`, 200, true},
		"null for a list":       {"GET", "/api/v1/peers/1/sessions", "", `null`, 200, true},
		"another status":        {"POST", "/api/v1/peers", `{"name":"a"}`, `[]`, 200, true},
		"a request beyond it":   {"PATCH", "/api/v1/forwards/1", `{"enabled":true,"more":1}`, ``, 204, true},
		"a row that is not one": {"GET", "/api/v1/nowhere", "", `{}`, 200, true},
	} {
		r := &recording{TB: t}
		h := apitest.Load(r, b).Check(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(tt.status)
			io.WriteString(w, tt.answer)
		}))
		req, w := newRequest(tt.method, tt.path, tt.body)
		if h.ServeHTTP(w, req); r.failed != tt.wrong {
			t.Errorf("%s: found out: %v", what, r.failed)
		}
	}
}

// What is sent to rows whose answer depends on it. The others get nothing.
var samples = map[string]string{
	"PATCH /api/v1/settings":                `{"house":"home"}`,
	"PUT /api/v1/dns":                       `{"provider":"desec","name":"x","secret":"s"}`,
	"PUT /api/v1/guide/by-hand":             `{"router":"asus"}`,
	"POST /api/v1/forwards":                 `{"name":"x","protocol":"TCP","external":5,"machine":"192.168.1.2"}`,
	"PATCH /api/v1/forwards/1":              `{"enabled":true}`,
	"POST /api/v1/peers":                    `{"name":"another"}`,
	"PATCH /api/v1/peers/1":                 `{"note":"n","expires":"","idle_days":0}`,
	"POST /api/v1/peers/1/code":             `{}`,
	"POST /api/v1/peers/1/invite":           `{"lasts_minutes":5}`,
	"POST /api/v1/backup":                   `{"passphrase":"p"}`,
	"POST /api/v1/backup/recovery-code":     `{"replace":true}`,
	"PUT /api/v1/backup/nightly":            `{"folder":"/f"}`,
	"POST /api/v1/admin/users":              `{"name":"ben","role":"viewer","password":"p"}`,
	"POST /api/v1/admin/tokens":             `{"name":"x","scopes":["peers"],"days":30,"user":"anna"}`,
	"PATCH /api/v1/admin/users/anna":        `{"role":"admin"}`,
	"PUT /api/v1/admin/users/anna/password": `{"password":"p"}`,
	"PUT /api/v1/admin/password":            `{"password":"long enough"}`,
	"POST /api/v1/renumber":                 `{}`,
	"POST /api/v1/import":                   `{"files":{"wg0.conf":"eA=="},"dry_run":true}`,
}

func TestWhatEachRowReallyAnswersIsAsTheDocumentSays(t *testing.T) {
	w := newWorld(t, home(t))
	at := strings.NewReplacer("{id}", "1", "{name}", "anna", "{protocol}", "tcp", "{port}", "3389")
	rows := allRows()
	slices.SortStableFunc(rows, func(a, b Route) int { // what others need is removed at the end
		return cmp.Compare(b2i(a.Method == "DELETE"), b2i(b.Method == "DELETE"))
	})
	if _, err := w.client.AddPeer(t.Context(), NewPeer{Name: "phone", Note: "n", Expires: "2099-01-01T00:00:00Z"}); err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if r.Pattern == "/api/v1/restore" {
			continue // TestARestoreGoesThroughTheSocketWhole
		}
		if r.Pattern == "/api/v1/peers/{id}/keep" {
			if _, err := w.client.RemovePeerLater(t.Context(), 1, time.Minute); err != nil {
				t.Fatal(err)
			}
		}
		if r.Pattern == "/api/v1/admin/setup-link" {
			continue // TestOnlyTheBoxItselfSetsPasswords
		}
		path := at.Replace(r.Pattern)
		body := samples[r.Method+" "+path]
		contentType := ""
		if body != "" {
			contentType = "application/json"
		}
		if status, p := w.send(t, r.Method, path, contentType, body); status >= 300 {
			t.Errorf("%s %s: %d %+v", r.Method, path, status, p)
		}
		if !w.document.Seen()[r.Method+" "+r.Pattern] {
			t.Errorf("%s %s was not judged", r.Method, r.Pattern)
		}
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func newRequest(method, path, body string) (*http.Request, *httptest.ResponseRecorder) {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r, httptest.NewRecorder()
}
