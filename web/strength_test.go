package web

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

var shownPhrase = regexp.MustCompile(`<code>([a-z-]+)</code>`)

func TestAPasswordIsSuggestedAndJudged(t *testing.T) {
	w := newWorld(t)
	token, err := w.account.NewLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	phrases := map[string]bool{}
	for tag, want := range map[string]string{"en": "A suggestion", "de": "Ein Vorschlag", "ru": "Предложение", "es": "Una sugerencia"} {
		page := w.send(w.stranger, "GET", "/setup?token="+token, "", "", func(r *http.Request) { r.Header.Set("Accept-Language", tag) })
		m := shownPhrase.FindStringSubmatch(page.body)
		if m == nil || strings.Count(m[1], "-") < 4 || !strings.Contains(page.body, want) || phrases[m[1]] {
			t.Fatalf("%s: %v", tag, m)
		}
		phrases[m[1]] = true
	}
	if strings.Contains(w.get(w.stranger, "/setup?token=AAAA").body, "A suggestion") {
		t.Error("a wrong link gets a suggestion")
	}
	refused := w.post(w.stranger, "/setup", url.Values{"token": {token}, "password": {"Password123"}, "again": {"Password123"}})
	w.wantStatus("one that is guessed first", refused, 400)
	if !strings.Contains(refused.body, "guessed first") {
		t.Error("it does not say why")
	}
	c := w.browser()
	w.wantStatus("claiming", w.post(c, "/setup", url.Values{"token": {token}, "password": {"zug-fenster"}, "again": {"zug-fenster"}}), 303)
	if page := w.get(c, "/welcome").body; !strings.Contains(page, "disk away could find it out") {
		t.Error("nothing is said of a short password")
	}
	if page := w.get(c, "/welcome").body; strings.Contains(page, "disk away") {
		t.Error("it is said twice")
	}
	account := w.get(c, "/account").body
	m := shownPhrase.FindStringSubmatch(account)
	if m == nil || phrases[m[1]] {
		t.Fatalf("the account page suggests %v", m)
	}
	w.wantStatus("taking it", w.post(c, "/account/password", url.Values{"old": {"zug-fenster"}, "password": {m[1]}, "again": {m[1]}}), 303)
	if page := w.get(c, "/account").body; !strings.Contains(page, "By its length nobody guesses it") || strings.Contains(page, m[1]) {
		t.Error("nothing is said of a good password, or it is shown again")
	}
}
