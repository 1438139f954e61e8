package web

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"homeward/web/account"
)

var endsLogin = regexp.MustCompile(`name="login" value="([A-Z2-7]+)"`)

// logsIn returns another browser in which a user is logged in.
func (w *world) logsIn(name, p, agent string) *http.Client {
	w.t.Helper()
	c := w.browser()
	form := url.Values{"username": {name}, "password": {p}}.Encode()
	w.wantStatus(name+" logs in", w.send(c, "POST", "/login", "application/x-www-form-urlencoded", form, func(r *http.Request) { r.Header.Set("User-Agent", agent) }), 303)
	return c
}

func TestLoginsAreListedAndEndedOneByOne(t *testing.T) {
	w := newWorld(t)
	laptop := w.owner()
	anna := w.userAs("anna", account.RoleViewer)
	phone := w.logsIn("admin", password, "Mozilla/5.0 (Linux; Android 16; Mobile) Firefox/145.0")
	tablet := w.logsIn("admin", password, "<b>no browser</b>")
	page := w.get(laptop, "/account").body
	ids := endsLogin.FindAllStringSubmatch(page, -1)
	if len(ids) != 2 || !strings.Contains(page, "Firefox, Android") || !strings.Contains(page, "127.0.0.1") || strings.Contains(page, "no browser") {
		t.Fatalf("%d others are listed on\n%s", len(ids), page)
	}
	if own := endsLogin.FindAllString(w.get(phone, "/account").body, -1); len(own) != 2 {
		t.Errorf("the phone sees %d others", len(own))
	}
	if got := endsLogin.FindAllString(w.get(anna, "/account").body, -1); len(got) != 0 {
		t.Errorf("somebody else sees %d logins that are not hers", len(got))
	}
	w.wantStatus("somebody else ends one", w.post(anna, "/account/logins/end", url.Values{"login": {ids[0][1]}}), 404)
	w.wantStatus("the phone goes on", w.get(phone, "/account"), 200)
	w.wantStatus("the tablet goes on", w.get(tablet, "/account"), 200)
	w.wantStatus("ending one", w.post(laptop, "/account/logins/end", url.Values{"login": {ids[0][1]}}), 303)
	var out int
	for _, c := range []*http.Client{phone, tablet} {
		if w.get(c, "/account").status == 303 {
			out++
		}
	}
	if out != 1 {
		t.Errorf("%d are logged out, want 1", out)
	}
	w.wantStatus("ending it again", w.post(laptop, "/account/logins/end", url.Values{"login": {ids[0][1]}}), 404)
	w.wantStatus("ending one that never was", w.post(laptop, "/account/logins/end", url.Values{"login": {"AAAA"}}), 404)
	w.wantStatus("this one goes on", w.get(laptop, "/account"), 200)
}

func TestAllOtherLoginsEndAtOnce(t *testing.T) {
	w := newWorld(t)
	laptop := w.owner()
	anna := w.userAs("anna", account.RoleViewer)
	phone, tablet := w.logsIn("admin", password, ""), w.logsIn("admin", password, "")
	w.wantStatus("ending", w.post(laptop, "/account/logins/end", nil), 303)
	w.wantStatus("the phone", w.get(phone, "/account"), 303)
	w.wantStatus("the tablet", w.get(tablet, "/account"), 303)
	w.wantStatus("the laptop", w.get(laptop, "/account"), 200)
	w.wantStatus("somebody else", w.get(anna, "/account"), 200)
	if page := w.get(laptop, "/account").body; endsLogin.MatchString(page) || strings.Contains(page, "/account/logins/end") {
		t.Error("a login that has ended is listed")
	}
}

func TestBrowsersAreSaidInTwoWordsOfOurOwn(t *testing.T) {
	for agent, want := range map[string]string{
		"Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1": "Safari, iPhone",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0":           "Edge, Windows",
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36":                                   "Chrome, Linux",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:145.0) Gecko/20100101 Firefox/145.0":                                                    "Firefox, Mac",
		"curl/8.15.0":               "curl",
		"<script>alert(1)</script>": "",
		"":                          "",
	} {
		if got := browserOf(agent); got != want {
			t.Errorf("%q is %q, want %q", agent, got, want)
		}
	}
}

// Sessions that were made before logins had names.
func TestANamelessLoginIsNotTakenForAnother(t *testing.T) {
	w := newWorld(t)
	laptop := w.owner()
	phone := w.logsIn("admin", password, "")
	store := w.page.sessions.Store.(interface {
		AllCtx(context.Context) (map[string][]byte, error)
		CommitCtx(context.Context, string, []byte, time.Time) error
	})
	all, err := store.AllCtx(t.Context())
	if err != nil || len(all) != 2 {
		t.Fatalf("%d sessions, %v", len(all), err)
	}
	for hash, data := range all {
		ends, values, err := w.page.sessions.Codec.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range []string{loginKey, sinceKey, fromKey, browserKey} {
			delete(values, k)
		}
		if data, err = w.page.sessions.Codec.Encode(ends, values); err != nil {
			t.Fatal(err)
		}
		if err := store.CommitCtx(t.Context(), hash, data, ends); err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(w.get(laptop, "/account").body, "this one"); n != 1 {
		t.Errorf("%d are said to be this one", n)
	}
	w.wantStatus("ending all others", w.post(phone, "/account/logins/end", nil), 303)
	w.wantStatus("the phone", w.get(phone, "/account"), 200)
	w.wantStatus("the laptop", w.get(laptop, "/account"), 303)
}

// As after a restore of something damaged: it is nobody's login, and in nobody's way.
func TestASessionThatCannotBeReadHoldsUpNobody(t *testing.T) {
	w := newWorld(t)
	laptop := w.owner()
	phone, tablet := w.logsIn("admin", password, "Firefox/1"), w.logsIn("admin", password, "Safari/1 (iPad)")
	all, err := w.account.Sessions().AllCtx(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	spoiled := 0
	for hash := range all { // the tablet's
		_, values, err := w.page.sessions.Codec.Decode(all[hash])
		if err == nil && values[browserKey] == "Safari, iPad" {
			spoiled++
			if err := w.account.Sessions().CommitCtx(t.Context(), hash, []byte("not a session"), time.Now().Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if spoiled != 1 {
		t.Fatal("the tablet's was not spoiled: the test looks at nothing")
	}
	w.wantStatus("whose it was logs in again", w.get(tablet, "/account"), 303)
	page := w.get(phone, "/account")
	w.wantStatus("the account page of somebody else", page, 200)
	if !strings.Contains(page.body, "Firefox") {
		t.Error("the others are not listed")
	}
	w.wantStatus("ending all others", w.post(phone, "/account/logins/end", nil), 303)
	w.wantStatus("which ended the laptop's", w.get(laptop, "/account"), 303)
}
