package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"homeward/web/account"
	"homeward/web/api/apitest"
)

func TestWhoeverIsLoggedInReadsWhatProgramsCanDo(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	r := w.get(c, "/api/v1/openapi.json")
	w.wantStatus("the document", r, 200)
	apitest.Load(t, []byte(r.body))
	for _, row := range w.page.routes() {
		if strings.HasPrefix(row.Pattern, "/api/") && !strings.Contains(r.body, `"`+row.Pattern+`":`) {
			t.Errorf("%s is not in it", row.Pattern)
		}
	}
	if !strings.Contains(r.body, `"name":"__Host-homeward"`) || strings.Contains(r.body, "/api/v1/admin/setup-link") {
		t.Error("it does not say how programs log in, or says more than the page has")
	}
}

// What stands before the handlers answers programs, too: the guard, and who may what.
func TestAllThatProgramsAreAnsweredIsAsTheDocumentSays(t *testing.T) {
	w := newWorld(t)
	w.owner()
	w.addPeer("phone")
	_, all := w.token("admin", "all", 0, account.ScopeAdmin)
	_, few := w.token("admin", "few", 0, account.ScopeMetrics)
	document := apitest.Load(t, []byte(w.program(all, "GET", "/api/v1/openapi.json", "").body))
	checked := httptest.NewTLSServer(document.Check(w.page.Handler()))
	defer checked.Close()
	w.url, w.stranger = checked.URL, checked.Client()
	statuses := map[int]int{}
	for _, r := range w.page.routes() {
		if !strings.HasPrefix(r.Pattern, "/api/") {
			continue
		}
		for _, token := range []string{few, "none", all} {
			if r.Method != "GET" && token == all {
				continue // judged where the handlers are
			}
			statuses[w.program(token, r.Method, pathOf(r.Pattern), "").status]++
		}
		statuses[w.program(all, r.Method, pathOf(r.Pattern), "", func(req *http.Request) { req.Host = "evil.example" }).status]++
		statuses[w.program(all, r.Method, pathOf(r.Pattern), "", func(req *http.Request) { req.Header.Set("Cookie", "x=y") }).status]++
	}
	for _, status := range []int{200, 401, 403, 421} {
		if statuses[status] < 5 {
			t.Errorf("%d answers with %d: the test looks at nothing", statuses[status], status)
		}
	}
}
