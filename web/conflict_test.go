package web

import (
	"html"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

var hiddenVersion = regexp.MustCompile(`name="version" value="([^"]*)"`)

// versionIn is the version that a form of a page has: the one with the button, or the
// action.
func versionIn(t *testing.T, page, mark string) string {
	t.Helper()
	for _, form := range strings.Split(page, "<form ")[1:] {
		form, _, _ = strings.Cut(form, "</form>")
		if m := hiddenVersion.FindStringSubmatch(form); m != nil && strings.Contains(form, mark) {
			return m[1]
		}
	}
	t.Fatalf("no form with %s has a version:\n%s", mark, page)
	return ""
}

// Two people have the same form open: who saves last learns what the first one saved, and
// loses nothing of what was typed.
func TestTwoWhoEditTheSameFormDoNotOverwriteEachOther(t *testing.T) {
	for name, one := range map[string]struct {
		page, to, mark string
		first, second  url.Values
		says           string // what of the first one is told to the second one
		keeps          string // what of the second one is still in the form
	}{
		"where devices call": {"/settings", "/settings", `value="calls"`, url.Values{"endpoint": {"one.example.org"}, "mtu": {"1380"}}, url.Values{"endpoint": {"two.example.org"}}, "<dd>one.example.org</dd>", `value="two.example.org"`},
		"resolvers":          {"/settings", "/settings", `value="names"`, url.Values{"resolvers": {"192.0.2.1"}}, url.Values{"resolvers": {"192.0.2.2"}}, "<dd>192.0.2.1</dd>", `value="192.0.2.2"`},
		"new devices":        {"/settings", "/settings", `value="new"`, url.Values{"profile": {"everything"}, "access": {"home"}, "keepalive": {"25"}}, url.Values{"profile": {"home"}, "access": {"internet"}, "dns": {"on"}, "keepalive": {"25"}}, "<dd>Home only</dd>", `value="internet" checked`},
		"codes":              {"/settings", "/settings", `value="codes"`, url.Values{"keep_codes": {"on"}}, url.Values{}, "<dd>yes</dd>", `name="keep_codes" value="on" aria`},
		"the house's name":   {"/settings", "/settings", `value="house"`, url.Values{"house": {"One"}}, url.Values{"house": {"Two"}}, "<dd>One</dd>", `value="Two"`},
		"the DNS name":       {"/settings", "/dns", `name="provider"`, url.Values{"provider": {"duckdns"}, "name": {"one.duckdns.org"}}, url.Values{"provider": {"duckdns"}, "name": {"two.duckdns.org"}}, "<dd>one.duckdns.org</dd>", `value="two.duckdns.org"`},
		"nightly backups":    {"/backup", "/backup/nightly", `/backup/nightly"`, url.Values{"folder": {"/one"}, "keep": {"3"}}, url.Values{"folder": {"/two"}, "keep": {"5"}}, "<dd>/one</dd>", `value="/two"`},
		"access":             {"/peers/1", "/peers/1/access", `/access"`, url.Values{"access": {"home"}}, url.Values{"access": {"internet"}, "peers": {"yes"}, "things": {"192.168.1.20 tcp/445"}}, "<dd>Home only</dd>", "192.168.1.20 tcp/445</textarea>"},
		"a device":           {"/peers/1/edit", "/peers/1/edit", `name="note"`, url.Values{"name": {"one"}, "kind": {"phone"}, "profile": {"home"}, "access": {"everything"}}, url.Values{"name": {"two"}, "kind": {"phone"}, "profile": {"home"}, "access": {"everything"}}, "<dd>one</dd>", `value="two"`},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			c := w.owner()
			w.addPeer("phone")
			w.wantStatus("a recovery code", w.post(c, "/backup/recovery-code", nil), http.StatusOK)
			part := ""
			if one.to == "/settings" {
				part = strings.Trim(strings.TrimPrefix(one.mark, "value="), `"`)
			}
			send := func(form url.Values, version string) reply {
				form = maps.Clone(form)
				if form.Set("version", version); part != "" {
					form.Set("part", part)
				}
				return w.post(c, one.to, form)
			}
			seen := versionIn(t, w.get(c, one.page).body, one.mark)
			w.wantStatus("the first one", send(one.first, seen), http.StatusSeeOther)
			stored := versionIn(t, w.get(c, one.page).body, one.mark)
			got := send(one.second, seen)
			w.wantStatus("the second one", got, http.StatusPreconditionFailed)
			body := html.UnescapeString(got.body)
			if !strings.Contains(body, "Somebody else changed this") || !strings.Contains(body, one.says) || !strings.Contains(body, one.keeps) {
				t.Errorf("the page does not say it, or what is there now, or lost what was typed:\n%s", body)
			}
			if now := versionIn(t, w.get(c, one.page).body, one.mark); now != stored {
				t.Error("it is changed all the same")
			}
			again := versionIn(t, got.body, one.mark)
			if again != stored {
				t.Errorf("the form has the version %q again, want %q", again, stored)
			}
			w.wantStatus("the second one again", send(one.second, again), http.StatusSeeOther)
			if now := versionIn(t, w.get(c, one.page).body, one.mark); now == stored {
				t.Error("it is not changed")
			}
		})
	}
}

// Another part of the page is another matter, and a wrong value is not taken for consent.
func TestAFormConflictsWithItsOwnPartOnly(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	phone := w.addPeer("phone")
	page := w.get(c, "/settings").body
	calls, house := versionIn(t, page, `value="calls"`), versionIn(t, page, `value="house"`)
	w.wantStatus("calls", w.post(c, "/settings", url.Values{"part": {"calls"}, "version": {calls}, "endpoint": {"one.example.org"}}), http.StatusSeeOther)
	w.wantStatus("house", w.post(c, "/settings", url.Values{"part": {"house"}, "version": {house}, "house": {"Ours"}}), http.StatusSeeOther)
	wrong := w.post(c, "/settings", url.Values{"part": {"calls"}, "version": {calls}, "endpoint": {"no name"}, "mtu": {"many"}})
	w.wantStatus("a wrong value", wrong, http.StatusBadRequest)
	if v := versionIn(t, wrong.body, `value="calls"`); v != calls {
		t.Errorf("after a wrong value the form has the version %q, want %q, which it was filled in for", v, calls)
	}
	w.wantStatus("without a version the last one wins", w.post(c, "/settings", url.Values{"part": {"calls"}, "endpoint": {"two.example.org"}}), http.StatusSeeOther)

	seen := versionIn(t, w.get(c, "/peers/1").body, `/access"`)
	w.wantStatus("a new code", w.post(c, "/peers/1/code", nil), http.StatusSeeOther)
	w.wantStatus("access", w.post(c, "/peers/1/access", url.Values{"access": {"home"}, "version": {seen}}), http.StatusSeeOther)
	if p, err := w.peers.Get(phone.Peer.ID); err != nil || p.Access != "home" {
		t.Errorf("%+v, %v", p, err)
	}
}
