package web

import (
	"net/http"
	"strings"
	"testing"
)

// ask opens a page without a login, with what the browser says of itself.
func (w *world) ask(path, accept string, cookies ...*http.Cookie) reply {
	w.t.Helper()
	return w.send(w.stranger, "GET", path, "", "", func(r *http.Request) {
		if accept != "" {
			r.Header.Set("Accept-Language", accept)
		}
		for _, c := range cookies {
			r.AddCookie(c)
		}
	})
}

func TestPageSpeaksTheReadersLanguage(t *testing.T) {
	w := newWorld(t)
	chosen := func(v string) *http.Cookie { return &http.Cookie{Name: languageCookie, Value: v} }
	for _, c := range []struct {
		accept  string
		cookies []*http.Cookie
		tag     string
		says    string
	}{
		{"", nil, "en", "Open the setup link"},
		{"de-DE,de;q=0.9", nil, "de", "Öffnen Sie den Einrichtungslink"},
		{"de-DE", []*http.Cookie{chosen("ru")}, "ru", "Откройте ссылку для настройки"},
		{"es", []*http.Cookie{chosen("xx")}, "es", "Abre el enlace de configuración"},
	} {
		got := w.ask("/setup", c.accept, c.cookies...)
		if got.status != http.StatusOK || !strings.Contains(got.body, `<html lang="`+c.tag+`"`) || !strings.Contains(got.body, c.says) {
			t.Errorf("asking for %q with %v: %d, want %q in\n%s", c.accept, c.cookies, got.status, c.says, got.body)
		}
		if l := got.header.Get("Content-Language"); l != c.tag {
			t.Errorf("Content-Language %q, want %q", l, c.tag)
		}
		if !strings.Contains(got.body, "<code>homeward admin setup-link</code>") {
			t.Errorf("%s: the command is not shown as one:\n%s", c.tag, got.body)
		}
	}
}

func TestPageHasTheChosenLook(t *testing.T) {
	w := newWorld(t)
	for value, want := range map[string]string{"": "auto", "dark": "dark", "light": "light", "darker": "auto"} {
		if got := w.ask("/setup", "", &http.Cookie{Name: lookCookie, Value: value}); !strings.Contains(got.body, `data-look="`+want+`"`) {
			t.Errorf("the look %q: want %q in\n%.200s", value, want, got.body)
		}
	}
}

func TestWhatIsWrongIsSaidInTheReadersLanguage(t *testing.T) {
	w := newWorld(t)
	w.owner()
	german := func(r *http.Request) { r.Header.Set("Accept-Language", "de") }
	r := w.send(w.stranger, "POST", "/login", "application/x-www-form-urlencoded", "password=wrong", german)
	if r.status != http.StatusForbidden || !strings.Contains(r.body, "Das ist nicht das Passwort.") {
		t.Errorf("a wrong password in German: %d\n%s", r.status, r.body)
	}
	r = w.send(w.stranger, "POST", "/setup", "application/x-www-form-urlencoded", "password=a&again=b&token=x", german)
	if !strings.Contains(r.body, "Schon eingerichtet") {
		t.Errorf("a second setup in German: %d\n%s", r.status, r.body)
	}
}
