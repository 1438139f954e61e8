package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestLanguageAndLookAreChosen(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	if r := w.post(c, "/look", url.Values{"language": {"ru"}, "look": {"dark"}, "next": {"/settings"}}); r.status != http.StatusSeeOther || r.header.Get("Location") != "/settings" {
		t.Fatalf("choosing: %d to %q", r.status, r.header.Get("Location"))
	} else {
		for _, cookie := range r.header.Values("Set-Cookie") {
			for _, want := range []string{"HttpOnly", "Secure", "SameSite=Lax", "Path=/"} {
				if !strings.Contains(cookie, want) {
					t.Errorf("the cookie %q lacks %s", cookie, want)
				}
			}
		}
	}
	page := w.get(c, "/settings")
	for _, want := range []string{`lang="ru" data-look="dark"`, "Настройки", `<option value="ru" lang="ru" selected>Русский`, `<option value="dark" selected>Тёмное`} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the settings lack %q:\n%s", want, page.body)
		}
	}
	w.post(c, "/look", url.Values{"language": {"auto"}, "look": {"auto"}})
	if page := w.get(c, "/settings"); !strings.Contains(page.body, `lang="en" data-look="auto"`) {
		t.Errorf("after giving the choice back:\n%.300s", page.body)
	}
	w.post(c, "/look", url.Values{"language": {"xx"}, "look": {"pink"}})
	if page := w.get(c, "/settings"); !strings.Contains(page.body, `lang="en" data-look="auto"`) {
		t.Errorf("after a choice that there is not:\n%.300s", page.body)
	}
}

func TestLanguageIsSwitchedBeforeTheLoginAndLeadsBack(t *testing.T) {
	w := newWorld(t)
	token, err := w.account.NewLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	page := w.get(w.stranger, "/setup?token="+token)
	for _, want := range []string{`name="next" value="/setup?token=` + token + `"`, `value="de" lang="de">Deutsch`, `value="en" lang="en" aria-current="true"`} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the setup lacks %q:\n%s", want, page.body)
		}
	}
	// A failed attempt leads back to the same link, too.
	failed := w.post(w.stranger, "/setup", url.Values{"token": {token}, "password": {"a"}, "again": {"b"}})
	if !strings.Contains(failed.body, `name="next" value="/setup?token=`+token+`"`) {
		t.Errorf("after a failed attempt:\n%s", failed.body)
	}
	for next, want := range map[string]string{
		"/login?next=/peers/1": "/login?next=/peers/1", "//evil.example": "/", "https://evil.example": "/", `/\evil.example`: "/", "": "/", "/a\r\nb": "/", "javascript:alert(1)": "/",
	} {
		if r := w.post(w.stranger, "/look", url.Values{"language": {"de"}, "next": {next}}); r.header.Get("Location") != want {
			t.Errorf("next %q leads to %q, want %q", next, r.header.Get("Location"), want)
		}
	}
}

func TestNameIsChosenOnThePageAndNothingTypedIsLost(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	if r := w.post(c, "/dns", url.Values{"provider": {"desec"}, "name": {"home.example.org"}, "secret": {"token"}}); r.status != http.StatusSeeOther || r.header.Get("Location") != "/settings" {
		t.Fatalf("choosing a name: %d %q\n%s", r.status, r.header.Get("Location"), r.body)
	}
	r := w.post(c, "/dns", url.Values{"provider": {"rfc2136"}, "name": {" "}, "user": {"anna"}, "secret": {"hunter2"}, "zone": {"example.org"}})
	if r.status != http.StatusBadRequest {
		t.Fatalf("a missing name: %d", r.status)
	}
	for _, want := range []string{`id="dns-name-problem">The name is missing.`, `name="user" value="anna"`, `name="zone" value="example.org"`, "<details open>"} {
		if !strings.Contains(r.body, want) {
			t.Errorf("after a missing name the page lacks %q:\n%s", want, r.body)
		}
	}
	if strings.Contains(r.body, "hunter2") {
		t.Error("the page shows the secret again")
	}
	if r := w.post(c, "/dns/remove", nil); r.status != http.StatusSeeOther {
		t.Errorf("removing it: %d", r.status)
	}
}

func TestSettingsOfTheFileAreShownWithTheirDefaults(t *testing.T) {
	l := english(t)
	for _, c := range []struct {
		setting Setting
		value   string
	}{
		{Setting{"endpoint", "", ""}, "automatic (the default)"},
		{Setting{"map_port", "false", "true"}, "no (the default is yes)"},
		{Setting{"admin_port", "8377", "8377"}, "8377 (the default)"},
		{Setting{"port", "51820", "0"}, "51820 (the default is automatic)"},
	} {
		v := settingOf(l, c.setting)
		if v.Value != c.value || v.Does == c.setting.Key || v.Does == "" {
			t.Errorf("%+v: %+v, want %q and what it does", c.setting, v, c.value)
		}
	}
}
