package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"homeward/web/account"
)

// The owner is asked once, on the first page, whether servers outside may be asked: a no
// and a yes are both remembered, and what is wrong with a yes is said with what was typed.
func TestTheOwnerIsAskedOnceWhetherServersOutsideMayBeAsked(t *testing.T) {
	const asks = `action="/echo"`
	for name, tt := range map[string]struct {
		form   url.Values
		status int
		echo   string
		asked  bool // still, afterwards
	}{
		"no":                 {url.Values{"answer": {"no"}}, http.StatusSeeOther, "", false},
		"no, whatever else":  {url.Values{"answer": {"no"}, "own": {"x.example.org"}, "server": {"stun.one.example:1"}}, http.StatusSeeOther, "", false},
		"one of the list":    {url.Values{"answer": {"yes"}, "server": {"stun.one.example:1"}}, http.StatusSeeOther, "stun.one.example:1", false},
		"one's own":          {url.Values{"answer": {"yes"}, "own": {" x.example.org "}}, http.StatusSeeOther, "x.example.org", false},
		"both":               {url.Values{"answer": {"yes"}, "own": {"x.example.org"}, "server": {"stun.two.example:2"}}, http.StatusSeeOther, "stun.two.example:2, x.example.org", false},
		"yes without one":    {url.Values{"answer": {"yes"}}, http.StatusBadRequest, "", true},
		"one off the list":   {url.Values{"answer": {"yes"}, "server": {"evil.example"}}, http.StatusBadRequest, "", true},
		"what is no server":  {url.Values{"answer": {"yes"}, "own": {"https://x"}}, http.StatusBadRequest, "", true},
		"neither yes nor no": {url.Values{"answer": {"maybe"}, "own": {"x.example.org"}}, http.StatusNotFound, "", true},
		"nothing":            {nil, http.StatusNotFound, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.house.now.EchoOffers = []string{"stun.one.example:1", "stun.two.example:2"}
			c := w.owner()
			if page := w.get(c, "/").body; !strings.Contains(page, asks) || !strings.Contains(page, `value="stun.two.example:2"`) || strings.Contains(page, "checked><span>stun") {
				t.Fatalf("it is not asked, or something is ticked:\n%s", page)
			}
			r := w.post(c, "/echo", tt.form)
			if r.status != tt.status || w.house.now.Echo != tt.echo || w.house.now.EchoAnswered == tt.asked {
				t.Errorf("%d: %+v", r.status, w.house.now)
			}
			if own := tt.form.Get("own"); tt.status == http.StatusBadRequest && (!strings.Contains(r.body, `class="problem" role="alert"`) || !strings.Contains(r.body, `name="own" value="`+own+`"`)) {
				t.Errorf("it does not say what is wrong:\n%s", r.body)
			}
			if strings.Contains(w.get(c, "/").body, asks) != tt.asked {
				t.Errorf("asked again %t", !tt.asked)
			}
		})
	}
}

// Who may only look is not asked, and saving another setting is no answer.
func TestOnlyAnOwnerIsAskedAndOnlyAnAnswerIsOne(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	if r := w.post(c, "/settings", url.Values{"part": {"calls"}, "endpoint": {""}, "mtu": {"1300"}, "echo": {""}}); r.status != http.StatusSeeOther {
		t.Fatal(r.status)
	}
	if w.house.now.MTU != 1300 || w.house.now.EchoAnswered {
		t.Errorf("another setting: %+v", w.house.now)
	}
	if r := w.post(c, "/settings", url.Values{"part": {"calls"}, "endpoint": {""}, "mtu": {"1300"}, "echo": {"stun.one.example"}}); r.status != http.StatusSeeOther || w.house.now.Echo != "stun.one.example" || !w.house.now.EchoAnswered {
		t.Errorf("in the settings: %d, %+v", r.status, w.house.now)
	}
	w.house.now.EchoAnswered = false
	if page := w.get(w.userAs("anna", account.RoleViewer), "/").body; strings.Contains(page, `action="/echo"`) {
		t.Error("a viewer is asked")
	}
}
