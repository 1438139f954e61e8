package web

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"homeward/web/account"
)

// userAs adds a user and returns the browser in which that user logged in.
func (w *world) userAs(name string, role account.Role) *http.Client {
	w.t.Helper()
	if err := w.account.AddUser(w.t.Context(), account.NewUser{Name: name, Role: role, Password: password + name}); err != nil {
		w.t.Fatal(err)
	}
	c := w.browser()
	w.wantStatus(name+" logs in", w.post(c, "/login", url.Values{"username": {name}, "password": {password + name}}), 303)
	return c
}

// The column of the matrix for viewers: they get what asks for reading, and
// nothing else.
func TestAViewerMayOnlyLook(t *testing.T) {
	w := newWorld(t)
	owner := w.owner()
	w.addPeer("phone")
	c := w.userAs("anna", account.RoleViewer)
	for _, r := range w.page.routes() {
		who := matrix[r.Method+" "+r.Pattern]
		if r.Pattern == "/logout" || who == everyone || who == visitor {
			continue
		}
		got := w.send(c, r.Method, pathOf(r.Pattern), "", "", nil)
		if may := who == viewer || who == reader; may == (got.status == 403) || got.status == 401 {
			t.Errorf("%s %s: a viewer gets %d", r.Method, r.Pattern, got.status)
		}
		if who == viewer && r.Method == "GET" {
			for _, secret := range []string{"qr.png", "PrivateKey", "/config", "/remove", "/enable", "/disable", "/users"} {
				if strings.Contains(got.body, secret) {
					t.Errorf("%s shows a viewer %s", r.Pattern, secret)
				}
			}
			for _, f := range regexp.MustCompile(`method="post" action="([^"]*)"`).FindAllStringSubmatch(got.body, -1) {
				if f[1] != "/logout" && f[1] != "/account/password" && f[1] != "/account/logins/end" && f[1] != "/account/second" && f[1] != "/account/tokens" && f[1] != "/account/passkeys/begin" {
					t.Errorf("%s offers a viewer %s", r.Pattern, f[1])
				}
			}
		}
	}
	if list := w.peers.List(); len(list) != 1 || !list[0].Enabled {
		t.Errorf("a viewer changed something: %+v", list)
	}
	if page := w.get(owner, "/peers/1").body; !strings.Contains(page, "qr.png") || !strings.Contains(page, "/disable") {
		t.Error("the owner is shown no code either: the test would prove nothing")
	}
}

func TestUsersAreManagedOnThePage(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	if strings.Contains(w.get(w.stranger, "/login").body, `id="username"`) {
		t.Error("the only user is asked for a name")
	}
	w.wantStatus("adding", w.post(c, "/users", url.Values{"username": {"Anna "}, "role": {"viewer"}, "password": {"annas own password"}}), 303)
	if !strings.Contains(w.get(w.stranger, "/login").body, `id="username"`) {
		t.Error("of several, nobody is asked for a name")
	}
	anna := w.browser()
	w.wantStatus("logging in", w.post(anna, "/login", url.Values{"username": {"anna"}, "password": {"annas own password"}}), 303)
	w.wantStatus("a device", w.post(anna, "/peers", url.Values{"name": {"x"}, "profile": {"home"}}), 403)
	w.wantStatus("making an admin", w.post(c, "/users/anna/role", url.Values{"role": {"admin"}}), 303)
	w.wantStatus("a device, as an admin", w.post(anna, "/peers", url.Values{"name": {"x"}, "profile": {"home"}}), 303)
	w.wantStatus("another password", w.post(c, "/users/anna/password", url.Values{"password": {"set by the owner"}}), 303)
	w.wantStatus("her session afterwards", w.get(anna, "/account"), 303)
	w.wantStatus("logging in again", w.post(anna, "/login", url.Values{"username": {"anna"}, "password": {"set by the owner"}}), 303)
	w.wantStatus("removing", w.post(c, "/users/anna/remove", nil), 303)
	w.wantStatus("her session afterwards", w.get(anna, "/account"), 303)
	for name, tt := range map[string]struct {
		path   string
		form   url.Values
		status int
	}{
		"a short password":          {"/users", url.Values{"username": {"ben"}, "role": {"viewer"}, "password": {"short"}}, 400},
		"no role":                   {"/users", url.Values{"username": {"ben"}, "password": {password}}, 400},
		"a bad name":                {"/users", url.Values{"username": {"<b>"}, "role": {"viewer"}, "password": {password}}, 400},
		"a name twice":              {"/users", url.Values{"username": {"admin"}, "role": {"viewer"}, "password": {password}}, 409},
		"removing the last":         {"/users/admin/remove", nil, 409},
		"the own without the old":   {"/users/admin/password", url.Values{"password": {"another password"}}, 400},
		"the own with a wrong old":  {"/account/password", url.Values{"old": {"not the old one"}, "password": {"another password"}, "again": {"another password"}}, 400},
		"the own typed in two ways": {"/account/password", url.Values{"old": {password}, "password": {"another password"}, "again": {"x"}}, 400},
		"somebody who is not there": {"/users/anna/remove", nil, 404},
	} {
		r := w.post(c, tt.path, tt.form)
		w.wantStatus(name, r, tt.status)
		if tt.status != 404 && !strings.Contains(r.body, `role="alert"`) {
			t.Errorf("%s: nothing is said", name)
		}
	}
}

func TestTheOwnPasswordEndsAllOtherSessions(t *testing.T) {
	w := newWorld(t)
	laptop, phone := w.owner(), w.browser()
	viewer := w.userAs("anna", account.RoleViewer)
	w.wantStatus("the phone", w.post(phone, "/login", url.Values{"username": {"admin"}, "password": {password}}), 303)
	w.wantStatus("changing", w.post(laptop, "/account/password", url.Values{"old": {password}, "password": {"another password"}, "again": {"another password"}}), 303)
	w.wantStatus("the laptop goes on", w.get(laptop, "/account"), 200)
	w.wantStatus("the phone does not", w.get(phone, "/account"), 303)
	if endsLogin.MatchString(w.get(laptop, "/account").body) {
		t.Error("a login that ended with the password is listed")
	}
	w.wantStatus("somebody else goes on", w.get(viewer, "/account"), 200)
}

func TestWhatIsDoneToUsersIsWrittenDownWithoutValues(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	const secret = "several-words-nobody-guesses-9"
	w.post(c, "/users", url.Values{"username": {"ben"}, "password": {secret}, "role": {"viewer"}})
	w.post(c, "/users", url.Values{"username": {"ben"}, "password": {secret}, "role": {"viewer"}}) // refused
	w.post(c, "/users/ben/role", url.Values{"role": {"admin"}})
	w.post(c, "/users/ben/password", url.Values{"password": {secret + "2"}})
	ben := w.logsIn("ben", secret+"2", "")
	w.logsIn("ben", secret+"2", "")
	w.post(ben, "/account/logins/end", nil)
	w.post(ben, "/account/password", url.Values{"old": {secret + "2"}, "password": {secret + "3"}, "again": {secret + "3"}})
	w.post(c, "/users/ben/remove", nil)
	want := "admin user-added ben, admin user-changed ben, admin password-reset ben, ben logged-in, ben logged-in, ben logins-ended, ben password-changed, admin user-removed ben"
	if got := strings.Join(w.did, ", "); got != want {
		t.Errorf("written down is\n%s\nwant\n%s", got, want)
	}
}

// Names are what people type: one that nobody has may be a password.
func TestWhoIsRefusedIsWrittenDownByTheNameOfAUserOnly(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	w.userAs("anna", account.RoleViewer)
	w.post(w.stranger, "/login", url.Values{"username": {"anna"}, "password": {"wrong password"}})
	w.post(w.stranger, "/login", url.Values{"password": {"wrong password"}})
	w.post(w.stranger, "/login", url.Values{"username": {"my secret password"}, "password": {password}})
	w.post(c, "/account/second", url.Values{"old": {"wrong password"}})
	code, _ := w.secondStep(c, password)
	half := w.password1("admin", password)
	w.post(half, "/login/code", url.Values{"code": {"000000"}})
	w.wantStatus("a right one", w.post(half, "/login/code", url.Values{"code": {code()}}), 303)
	if got := strings.Join(w.refused, ", "); got != "password anna, password admin, nobody , password admin, code admin" {
		t.Errorf("written down is %q", got)
	}
}
