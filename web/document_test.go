package web

import (
	"strings"
	"testing"

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
