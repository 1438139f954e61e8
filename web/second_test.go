package web

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"homeward/web/account"
)

// clock is the time, and what a test adds to it.
type clock struct{ ahead atomic.Int64 }

func (c *clock) read() time.Time      { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) pass(d time.Duration) { c.ahead.Add(int64(d)) }

var (
	shownSecret   = regexp.MustCompile(`id="secret">([A-Z2-7 ]+)<`)
	shownRecovery = regexp.MustCompile(`[a-z2-7]{4}(?:-[a-z2-7]{4}){3}`)
)

// secondStep switches it on in the browser c, whose user's password is p.
func (w *world) secondStep(c *http.Client, p string) (code func() string, recovery []string) {
	w.t.Helper()
	w.wantStatus("beginning", w.post(c, "/account/second", url.Values{"old": {p}}), 303)
	page := w.get(c, "/account/second")
	secret := shownSecret.FindStringSubmatch(page.body)
	if page.status != 200 || secret == nil || !strings.Contains(page.body, "<svg") {
		w.t.Fatalf("no secret and no picture: %d\n%s", page.status, page.body)
	}
	code = func() string {
		w.t.Helper()
		w.now.pass(time.Minute) // a code works once
		code, err := totp.GenerateCode(strings.ReplaceAll(secret[1], " ", ""), w.now.read())
		if err != nil {
			w.t.Fatal(err)
		}
		return code
	}
	on := w.post(c, "/account/second/confirm", url.Values{"code": {code()}})
	w.wantStatus("confirming", on, 200)
	if recovery = shownRecovery.FindAllString(on.body, -1); len(recovery) != 10 || on.header.Get("Cache-Control") != "no-store" {
		w.t.Fatalf("recovery codes: %v, %v", recovery, on.header)
	}
	return code, recovery
}

// password1 is the first step.
func (w *world) password1(name, p string) *http.Client {
	w.t.Helper()
	c := w.browser()
	r := w.post(c, "/login", url.Values{"username": {name}, "password": {p}, "next": {"/peers/7"}})
	w.wantStatus("the password", r, 303)
	if to := r.header.Get("Location"); to != "/login/code?next=%2Fpeers%2F7" {
		w.t.Fatalf("the password leads to %q", to)
	}
	return c
}

func (w *world) session(c *http.Client) string {
	base, _ := url.Parse(w.url)
	for _, k := range c.Jar.Cookies(base) {
		return k.Value
	}
	return ""
}

func TestALoginTakesTwoSteps(t *testing.T) {
	w := newWorld(t)
	laptop := w.owner()
	old := w.browser()
	w.wantStatus("another session", w.post(old, "/login", url.Values{"password": {password}}), 303)
	before := w.session(laptop)
	code, recovery := w.secondStep(laptop, password)
	w.wantStatus("who switched it on goes on", w.get(laptop, "/account"), 200)
	w.wantStatus("other sessions don't", w.get(old, "/account"), 303)
	if w.session(laptop) == before {
		t.Error("the session's name stays")
	}
	if again := w.get(laptop, "/account/second"); again.status != 303 || shownSecret.MatchString(again.body) {
		t.Errorf("the secret is shown again: %d", again.status)
	}
	if page := w.get(laptop, "/account").body; !strings.Contains(page, "10 recovery codes are left") || shownRecovery.MatchString(page) {
		t.Error("the account page does not tell how many codes are left, or shows them")
	}

	c := w.password1("", password)
	for _, r := range w.page.routes() { // half a login is none
		got := w.send(c, r.Method, pathOf(r.Pattern), "", "", nil)
		switch matrix[r.Method+" "+r.Pattern] {
		case everyone, visitor:
		case admin, viewer:
			if got.status != 303 || !strings.HasPrefix(got.header.Get("Location"), "/login") {
				t.Errorf("%s %s by half a login: %d", r.Method, r.Pattern, got.status)
			}
		default:
			if got.status != 401 {
				t.Errorf("%s %s by half a login: %d", r.Method, r.Pattern, got.status)
			}
		}
	}
	c = w.password1("", password)
	half := w.session(c)
	wrong := w.post(c, "/login/code", url.Values{"code": {"000000"}, "next": {"/peers/7"}})
	w.wantStatus("a wrong code", wrong, 403)
	if !strings.Contains(wrong.body, "clock says") || !strings.Contains(wrong.body, `value="/peers/7"`) {
		t.Error("a wrong code does not tell of the clock, or forgets where to go")
	}
	right := code()
	r := w.post(c, "/login/code", url.Values{"code": {right[:3] + " " + right[3:]}, "next": {"/peers/7"}})
	w.wantStatus("the right code", r, 303)
	if r.header.Get("Location") != "/peers/7" || w.session(c) == half {
		t.Errorf("leads to %q; the session's name stays: %v", r.header.Get("Location"), w.session(c) == half)
	}
	w.wantStatus("the page", w.get(c, "/"), 200)
	w.wantStatus("the same code in another browser", w.post(w.password1("", password), "/login/code", url.Values{"code": {right}}), 403)

	w.now.pass(-40 * 24 * time.Hour) // the box's clock is wrong
	c = w.password1("", password)
	w.wantStatus("a recovery code", w.post(c, "/login/code", url.Values{"code": {strings.ToUpper(recovery[3])}}), 303)
	w.wantStatus("the page", w.get(c, "/"), 200)
	w.wantStatus("the same recovery code", w.post(w.password1("", password), "/login/code", url.Values{"code": {recovery[3]}}), 403)
	w.wantStatus("changing the password", w.post(c, "/account/password", url.Values{"old": {password}, "password": {"another password"}, "again": {"another password"}}), 303)
	w.wantStatus("goes on", w.get(c, "/account"), 200)
}

func TestHalfALoginEndsAfterFiveMinutes(t *testing.T) {
	w := newWorld(t)
	code, _ := w.secondStep(w.owner(), password)
	c := w.password1("", password)
	w.wantStatus("at once", w.get(c, "/login/code"), 200)
	w.now.pass(halfLasts - 2*time.Minute)
	w.wantStatus("in time", w.get(c, "/login/code"), 200)
	w.now.pass(2 * time.Minute)
	r := w.post(c, "/login/code", url.Values{"code": {code()}})
	w.wantStatus("too late", r, 403)
	if !strings.Contains(r.body, `name="password"`) || w.get(c, "/").status != 303 {
		t.Error("it is let in, or not asked for the password")
	}
	c = w.password1("", password)
	if err := w.account.SetPassword(t.Context(), "another password"); err != nil {
		t.Fatal(err)
	}
	r = w.post(c, "/login/code", url.Values{"code": {code()}})
	w.wantStatus("after another password", r, 403)
	w.wantStatus("the page", w.get(c, "/"), 303)
}

func TestWrongCodesAreToldWhenToComeBack(t *testing.T) {
	w := newWorld(t)
	code, _ := w.secondStep(w.owner(), password)
	c := w.password1("", password)
	for range 10 {
		w.wantStatus("a wrong code", w.post(c, "/login/code", url.Values{"code": {"000000"}}), 403)
	}
	r := w.post(c, "/login/code", url.Values{"code": {"000000"}})
	w.wantStatus("one more", r, 429)
	if r.header.Get("Retry-After") == "" {
		t.Error("it does not say when")
	}
	w.now.pass(time.Minute / 2)
	w.wantStatus("the right one", w.post(c, "/login/code", url.Values{"code": {code()}}), 303) // a minute and a half later
}

func TestAViewerHasASecondStepToo(t *testing.T) {
	w := newWorld(t)
	owner := w.owner()
	c := w.userAs("anna", account.RoleViewer)
	w.wantStatus("without the password", w.post(c, "/account/second", url.Values{"old": {"not hers"}}), 400)
	code, recovery := w.secondStep(c, password+"anna")
	if page := w.get(owner, "/account").body; !strings.Contains(page, "viewer, with a second step") {
		t.Error("the owner does not see it")
	}
	w.wantStatus("the owner logs in without", w.post(w.browser(), "/login", url.Values{"username": {"admin"}, "password": {password}}), 303)
	w.password1("anna", password+"anna")
	w.wantStatus("off without a code", w.post(c, "/account/second/off", url.Values{"old": {password + "anna"}, "code": {"000000"}}), 400)
	w.wantStatus("off without the password", w.post(c, "/account/second/off", url.Values{"old": {"not hers"}, "code": {recovery[0]}}), 400)
	w.wantStatus("off", w.post(c, "/account/second/off", url.Values{"old": {password + "anna"}, "code": {code()}}), 303)
	w.wantStatus("goes on", w.get(c, "/account"), 200)
	w.wantStatus("logging in without", w.get(w.loggedIn("anna", password+"anna"), "/account"), 200)
	if got := strings.Join(w.did, ", "); got != "anna logged-in, anna second-step-on, admin logged-in, anna second-step-off, anna logged-in" {
		t.Errorf("written down: %q", got)
	}
}

// loggedIn is a browser in which the password was enough.
func (w *world) loggedIn(name, p string) *http.Client {
	w.t.Helper()
	c := w.browser()
	w.wantStatus("logging in", w.post(c, "/login", url.Values{"username": {name}, "password": {p}}), 303)
	return c
}

func TestTheSecondStepIsSaidInFourLanguages(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	w.wantStatus("beginning", w.post(c, "/account/second", url.Values{"old": {password}}), 303)
	for tag, want := range map[string][2]string{"en": {"Scan this code", "clock says"}, "de": {"Scannen Sie", "Die Uhr"}, "ru": {"Отсканируйте", "Часы"}, "es": {"Escanea", "El reloj"}} {
		in := func(r *http.Request) { r.Header.Set("Accept-Language", tag) }
		page := w.send(c, "GET", "/account/second", "", "", in)
		wrong := w.send(c, "POST", "/account/second/confirm", "application/x-www-form-urlencoded", "code=000000", in)
		if !strings.Contains(page.body, want[0]) || !strings.Contains(wrong.body, want[1]) || wrong.status != 400 {
			t.Errorf("%s: %d, %.200s", tag, wrong.status, wrong.body)
		}
	}
}

func TestRecoveryCodesAreMadeAnewOnThePage(t *testing.T) {
	w := newWorld(t)
	laptop := w.owner()
	_, old := w.secondStep(laptop, password)
	if page := w.get(laptop, "/account").body; !strings.Contains(page, `formaction="/account/second/codes"`) {
		t.Fatal("the page does not offer it")
	}
	r := w.post(laptop, "/account/second/codes", url.Values{"old": {"wrong"}, "code": {old[0]}})
	if r.status != 400 || shownRecovery.MatchString(r.body) {
		t.Fatalf("with a wrong password: %d", r.status)
	}
	w.did = nil
	r = w.post(laptop, "/account/second/codes", url.Values{"old": {password}, "code": {old[0]}})
	w.wantStatus("making them anew", r, 200)
	anew := shownRecovery.FindAllString(r.body, -1)
	if len(anew) != 10 || slices.Contains(anew, old[1]) {
		t.Errorf("%d codes are shown", len(anew))
	}
	if got := strings.Join(w.did, ","); got != "admin second-step-codes" {
		t.Errorf("the log says %q", got)
	}
	c := w.password1("", password)
	w.wantStatus("one of before", w.post(c, "/login/code", url.Values{"code": {old[1]}}), 403)
	w.wantStatus("a new one", w.post(c, "/login/code", url.Values{"code": {anew[1]}}), 303)
}
