package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"homeward/web/api"
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
		setting api.FileSetting
		value   string
	}{
		{api.FileSetting{Key: "endpoint", Value: "", Default: ""}, "automatic (the default)"},
		{api.FileSetting{Key: "map_port", Value: "false", Default: "true"}, "no (the default is yes)"},
		{api.FileSetting{Key: "admin_port", Value: "8377", Default: "8377"}, "8377 (the default)"},
		{api.FileSetting{Key: "port", Value: "51820", Default: "0"}, "51820 (the default is automatic)"},
	} {
		v := settingOf(l, c.setting)
		if v.Value != c.value || v.Does == c.setting.Key || v.Does == "" {
			t.Errorf("%+v: %+v, want %q and what it does", c.setting, v, c.value)
		}
	}
}

func TestSettingsShowTheCertificateAndWhatItsWordsProve(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	page := w.get(c, "/settings").body
	for _, want := range []string{"<b>six words to read aloud here</b>", "<code>AA:BB</code>", "somebody in between could show the right ones"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is missing", want)
		}
	}
	w.page.cfg.Certificate = func() (string, string) { return "", "" } // plain HTTP
	if page := w.get(c, "/settings").body; strings.Contains(page, "SHA-256") {
		t.Error("a page without a certificate speaks of one")
	}
}

func TestHouseIsSetOnThePageAndAWrongValueIsSaidBesideItsField(t *testing.T) {
	w := newWorld(t)
	w.house.now = api.Settings{House: "Lake", Profile: "everything", Access: "home", DNS: true, Keepalive: 25, Calls: "home.example.org:51820", File: []api.FileSetting{{Key: "endpoint"}}}
	c := w.owner()
	page := w.get(c, "/settings")
	for _, want := range []string{"<b>home.example.org:51820</b>", `value="everything" checked`, `name="access" value="home" checked`, `name="dns" value="on" checked`, "> Lake</a>", "· Lake</title>"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the settings lack %q", want)
		}
	}
	if strings.Contains(page.body, "decides this") {
		t.Error("the page says that the file decides, which has nothing")
	}
	r := w.post(c, "/settings", url.Values{"part": {"calls"}, "endpoint": {"https://x"}, "mtu": {"1300"}})
	if r.status != http.StatusBadRequest || w.house.now.Endpoint != "" || w.house.now.MTU != 0 {
		t.Fatalf("a wrong endpoint: %d, %+v", r.status, w.house.now)
	}
	for _, want := range []string{`id="set-endpoint-problem">`, "starts with a scheme", `name="endpoint" value="https://x"`, `name="mtu" value="1300"`} {
		if !strings.Contains(r.body, want) {
			t.Errorf("after a wrong endpoint the page lacks %q", want)
		}
	}
	if r := w.post(c, "/settings", url.Values{"part": {"new"}, "profile": {"home"}, "access": {"internet"}, "keepalive": {"often"}}); r.status != http.StatusBadRequest || !strings.Contains(r.body, `id="set-keepalive-problem">`) {
		t.Errorf("words for a number: %d", r.status)
	}
	r = w.post(c, "/settings", url.Values{"part": {"new"}, "profile": {"home"}, "access": {"internet"}, "keepalive": {"0"}, "endpoint": {"not.sent.by.this.form"}})
	if r.status != http.StatusSeeOther || r.header.Get("Location") != "/settings?saved=new#new" {
		t.Fatalf("storing: %d to %q", r.status, r.header.Get("Location"))
	}
	if now := w.house.now; now.Profile != "home" || now.Access != "internet" || now.DNS || now.Keepalive != 0 || now.House != "Lake" || now.Endpoint != "" {
		t.Errorf("stored: %+v", now)
	}
	if page := w.get(c, "/settings?saved=new"); !strings.Contains(page.body, `<p class="done" role="status">`) {
		t.Error("the page does not say that it was saved")
	}
	if r := w.post(c, "/settings", url.Values{"part": {"all"}, "house": {"x"}}); r.status != http.StatusNotFound || w.house.now.House != "Lake" {
		t.Errorf("a form that there is not: %d", r.status)
	}
	w.house.now.File[0].Value = "elsewhere.example.org"
	if page := w.get(c, "/settings"); !strings.Contains(page.body, "decides this") {
		t.Error("the page doesn't say that the file decides")
	}
	if page := w.get(w.stranger, "/login"); strings.Contains(page.body, "Lake") {
		t.Error("strangers are told the name of the house")
	}
}

func TestNewDeviceOnThePageStartsFromTheHousesDefault(t *testing.T) {
	w := newWorld(t)
	w.house.now.Profile = "everything"
	if page := w.get(w.owner(), "/"); !strings.Contains(page.body, `name="profile" value="everything" checked`) {
		t.Error("the form does not have the default")
	}
}

// handRouter is one on which the owner forwards the port.
type handRouter struct{ noRouter }

func (handRouter) Guide(string) (api.Guide, error) {
	return api.Guide{ByHand: time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)}, nil
}

func TestSettingsSayWhoOpensThePort(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	check := func(when, form, other, says string) {
		t.Helper()
		page := w.get(c, "/settings").body
		if form != "" && !strings.Contains(page, `action="`+form+`"`) || strings.Contains(page, `action="`+other+`"`) || !strings.Contains(page, says) {
			t.Errorf("%s: want the form %q, not %q, and %q:\n%s", when, form, other, says, page)
		}
	}
	check("by default", "/guide/done", "/guide/undo", "homeward asks the router to open its port")
	w.page.cfg.Router = handRouter{}
	check("by hand", "/guide/undo", "/guide/done", "Forwarded by hand, as you said, since")
	w.house.now.File = append(w.house.now.File, api.FileSetting{Key: "map_port", Value: "false", Default: "true"})
	check("switched off", "", "/guide/", "Nobody is asked to open the port")
}
