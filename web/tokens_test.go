package web

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"homeward/web/account"
	"homeward/web/api"
)

var shownToken = regexp.MustCompile(`id="token">(homeward_[a-z2-7]{52})<`)

// tokenValues is the form for a token, filled in.
func tokenValues(name, old string, scopes ...string) url.Values {
	return url.Values{"name": {name}, "scope": scopes, "days": {"90"}, "old": {old}}
}

func TestATokenIsMadeAndRevokedOnThePage(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	w.addPeer("phone")
	made := w.post(c, "/account/tokens", tokenValues("home assistant", password, "read"))
	w.wantStatus("making one", made, 200)
	token := shownToken.FindStringSubmatch(made.body)
	if token == nil || made.header.Get("Cache-Control") != "no-store" || strings.Contains(made.header.Get("Location"), "homeward_") {
		t.Fatalf("the token is not shown, or may be kept: %v\n%s", made.header, made.body)
	}
	if got := w.program(token[1], "GET", "/api/v1/peers", ""); got.status != 200 || !strings.Contains(got.body, "phone") {
		t.Fatalf("the program gets %d %s", got.status, got.body)
	}
	page := w.get(c, "/account/tokens").body
	if strings.Contains(page, token[1][:20]) || !strings.Contains(page, "home assistant") || !strings.Contains(page, "last used about") || !strings.Contains(page, "ends ") {
		t.Errorf("the list is\n%s", page)
	}
	w.wantStatus("revoking", w.post(c, "/account/tokens/1/revoke", nil), 303)
	w.wantStatus("the program afterwards", w.program(token[1], "GET", "/api/v1/peers", ""), 401)
	w.wantStatus("revoking again", w.post(c, "/account/tokens/1/revoke", nil), 404)
	if page := w.get(c, "/account/tokens").body; !strings.Contains(page, "There is no token yet") {
		t.Error("it is listed still")
	}
}

func TestMakingATokenTakesAllThatALoginTakes(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	w.wantStatus("a name that is there", w.post(c, "/account/tokens", tokenValues("there", password, "read")), 200)
	for name, tt := range map[string]struct {
		form   url.Values
		status int
		beside string
	}{
		"without the password": {tokenValues("x", "", "read"), 400, "token-old"},
		"a wrong password":     {tokenValues("x", "wrong password", "read"), 400, "token-old"},
		"nothing ticked":       {tokenValues("x", password), 400, "fieldset"},
		"no name":              {tokenValues(" ", password, "read"), 400, "token-name"},
		"a name twice":         {tokenValues("There", password, "read"), 409, "token-name"},
	} {
		r := w.post(c, "/account/tokens", tt.form)
		w.wantStatus(name, r, tt.status)
		if !regexp.MustCompile(`<(input id="`+tt.beside+`"|`+tt.beside+`)[^>]*token-problem`).MatchString(r.body) || !strings.Contains(r.body, `id="token-problem" role="alert"`) {
			t.Errorf("%s: nothing is said beside %s:\n%s", name, tt.beside, around(r.body, "token-problem"))
		}
		if len(tt.form["scope"]) > 0 && !regexp.MustCompile(`value="read" checked`).MatchString(r.body) || !strings.Contains(r.body, `value="90" selected`) {
			t.Errorf("%s: what was chosen is lost", name)
		}
	}
	code, _ := w.secondStep(c, password)
	form := tokenValues("second", password, "read")
	w.wantStatus("without a code", w.post(c, "/account/tokens", form), 400)
	form.Set("code", "000000")
	w.wantStatus("a wrong code", w.post(c, "/account/tokens", form), 400)
	form.Set("code", code())
	form.Set("name", " ")
	w.wantStatus("a right code and no name", w.post(c, "/account/tokens", form), 400)
	form.Set("name", "second")
	w.wantStatus("the same code, which was not used up", w.post(c, "/account/tokens", form), 200)
	form.Set("name", "third")
	w.wantStatus("the same code, which was", w.post(c, "/account/tokens", form), 400)
}

func TestViewersSeeAndRevokeTheirOwnTokensOnly(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	anna := w.userAs("anna", account.RoleViewer)
	w.wantStatus("hers", w.post(anna, "/account/tokens", tokenValues("display", password+"anna", "read")), 200)
	w.wantStatus("hers for everything", w.post(anna, "/account/tokens", tokenValues("more", password+"anna", "admin")), 400)
	mine, _ := w.token("admin", "backups", 0, account.ScopeAdmin)
	if page := w.get(anna, "/account/tokens").body; strings.Contains(page, "backups") || !strings.Contains(page, "display") || strings.Contains(page, `value="admin"`) {
		t.Errorf("a viewer sees\n%s", page)
	}
	w.wantStatus("revoking the admin's", w.post(anna, "/account/tokens/"+strconv.FormatInt(mine.ID, 10)+"/revoke", nil), 404)
	if page := w.get(c, "/account/tokens").body; !strings.Contains(page, "backups") || !strings.Contains(page, "of anna") {
		t.Errorf("the admin sees\n%s", page)
	}
	w.wantStatus("revoking hers", w.post(c, "/account/tokens/1/revoke", nil), 303)
	if page := w.get(anna, "/account/tokens").body; strings.Contains(page, "display") {
		t.Error("it is there still")
	}
}

func TestProgramsManageTokensButMakeNoneByATokenAlone(t *testing.T) {
	w := newWorld(t)
	w.owner()
	_, token := w.token("admin", "script", 0, account.ScopeAdmin)
	for name, tt := range map[string]struct {
		body   string
		status int
		field  string
	}{
		"by the token alone": {`{"name":"x","scopes":["admin"]}`, 403, "password"},
		"a wrong password":   {`{"name":"x","scopes":["admin"],"password":"wrong"}`, 403, "password"},
		"of somebody else":   {`{"name":"x","scopes":["read"],"user":"anna","password":"` + password + `"}`, 403, "user"},
		"no scope":           {`{"name":"x","password":"` + password + `"}`, 400, "scopes"},
		"an unknown scope":   {`{"name":"x","scopes":["write"],"password":"` + password + `"}`, 400, "scopes"},
		"too many days":      {`{"name":"x","scopes":["read"],"days":9000000000,"password":"` + password + `"}`, 400, "days"},
		"days before":        {`{"name":"x","scopes":["read"],"days":-5,"password":"` + password + `"}`, 400, "days"},
		"a name twice":       {`{"name":"script","scopes":["read"],"password":"` + password + `"}`, 409, "name"},
		"an unknown member":  {`{"name":"x","scope":"read"}`, 400, ""},
	} {
		r := w.program(token, "POST", "/api/v1/admin/tokens", tt.body)
		w.wantStatus(name, r, tt.status)
		if !strings.Contains(r.body, `"field":"`+tt.field+`"`) && tt.field != "" {
			t.Errorf("%s: %s", name, r.body)
		}
	}
	r := w.program(token, "POST", "/api/v1/admin/tokens", `{"name":"x","scopes":["ports"],"days":1,"password":"`+password+`"}`)
	w.wantStatus("with the password", r, 201)
	var made api.MadeToken
	if err := json.Unmarshal([]byte(r.body), &made); err != nil || len(made.Made.Scopes) != 2 {
		t.Fatalf("%s: %v", r.body, err)
	}
	w.wantStatus("what it may", w.program(made.Secret, "GET", "/api/v1/forwards", ""), 200)
	list := w.program(token, "GET", "/api/v1/admin/tokens", "")
	if strings.Contains(list.body, made.Secret) || !strings.Contains(list.body, `"name":"x"`) {
		t.Errorf("the list is %s", list.body)
	}
	w.wantStatus("revoking", w.program(token, "DELETE", "/api/v1/admin/tokens/"+strconv.FormatInt(made.Made.ID, 10), ""), 204)
	w.wantStatus("afterwards", w.program(made.Secret, "GET", "/api/v1/forwards", ""), 401)
	w.wantStatus("revoking again", w.program(token, "DELETE", "/api/v1/admin/tokens/"+strconv.FormatInt(made.Made.ID, 10), ""), 404)
	w.wantStatus("revoking nonsense", w.program(token, "DELETE", "/api/v1/admin/tokens/x", ""), 404)
	for range 12 {
		r = w.program(token, "POST", "/api/v1/admin/tokens", `{"name":"y","scopes":["read"],"password":"wrong"}`)
	}
	w.wantStatus("guessing passwords", r, 429)
	if r.header.Get("Retry-After") == "" {
		t.Error("nobody says when to come back")
	}
}

func TestProgramsManageUsers(t *testing.T) {
	w := newWorld(t)
	w.owner()
	_, token := w.token("admin", "script", 0, account.ScopeAdmin)
	const users = "/api/v1/admin/users"
	w.wantStatus("adding", w.program(token, "POST", users, `{"name":"anna","role":"viewer","password":"annas own password"}`), 204)
	w.wantStatus("twice", w.program(token, "POST", users, `{"name":"anna","role":"viewer","password":"annas own password"}`), 409)
	if r := w.program(token, "GET", users, ""); r.status != 200 || !strings.Contains(r.body, `"name":"anna"`) || strings.Contains(r.body, "argon2") {
		t.Errorf("listing: %d %s", r.status, r.body)
	}
	w.wantStatus("she logs in", w.post(w.browser(), "/login", url.Values{"username": {"anna"}, "password": {"annas own password"}}), 303)
	w.wantStatus("an admin", w.program(token, "PATCH", users+"/anna", `{"role":"admin"}`), 204)
	w.wantStatus("her password", w.program(token, "PUT", users+"/anna/password", `{"password":"another password"}`), 204)
	w.wantStatus("the own password, without the old one", w.program(token, "PUT", users+"/admin/password", `{"password":"another password"}`), 409)
	w.wantStatus("the owner logs in as before", w.post(w.browser(), "/login", url.Values{"username": {"admin"}, "password": {password}}), 303)
	w.wantStatus("removing", w.program(token, "DELETE", users+"/anna", ""), 204)
	w.wantStatus("the last admin", w.program(token, "DELETE", users+"/admin", ""), 409)
	w.wantStatus("what only the box does", w.program(token, "DELETE", users+"/admin/second-step", ""), 404)
	w.wantStatus("a password without asking", w.program(token, "PUT", "/api/v1/admin/password", `{"password":"another password"}`), 404)
}

func TestAProgramRestoresABackup(t *testing.T) {
	w := newWorld(t)
	w.owner()
	_, token := w.token("admin", "script", 0, account.ScopeAdmin)
	_, small := w.token("admin", "small", 0, account.ScopePeers)
	send := func(token, key, file string) reply {
		body := "--x\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\n" + key + "\r\n--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"b\"\r\n\r\n" + file + "\r\n--x--\r\n"
		return w.send(w.stranger, "POST", "/api/v1/restore", "multipart/form-data; boundary=x", body, func(r *http.Request) {
			r.Header.Del("Origin")
			r.Header.Set("Authorization", "Bearer "+token)
		})
	}
	w.wantStatus("one that may not", send(small, "key", "good"), 403)
	if w.restorer.took != 0 {
		t.Error("it was restored all the same")
	}
	w.wantStatus("a wrong key", send(token, "x", "good"), 400)
	w.wantStatus("a large one", send(token, "key", "good"+strings.Repeat("x", 200<<10)), 200)
	if w.restorer.took == 0 {
		t.Error("nothing was restored")
	}
}

func TestWhatAProgramDoesHasItsName(t *testing.T) {
	w := newWorld(t)
	w.owner()
	_, token := w.token("admin", "Home Assistant", 0, account.ScopePeers)
	who := ""
	w.page.cfg.Peers = asking{w.peers, &who}
	req, err := http.NewRequestWithContext(t.Context(), "POST", w.url+"/api/v1/peers", strings.NewReader(`{"name":"phone"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	req.RemoteAddr = "192.168.1.9:5000"
	rec := httptest.NewRecorder()
	w.page.Handler().ServeHTTP(rec, req) // the server's own one has the peers of before
	if rec.Code != 201 || who != "admin/Home Assistant" {
		t.Errorf("%d: %q added it", rec.Code, who)
	}
	for tag, want := range map[string]string{"en": "admin, by the token Home Assistant", "de": "admin, mit dem Token Home Assistant"} {
		l, ok := w.page.languages.Find(tag)
		if got := actorText(l, who); !ok || got != want {
			t.Errorf("%s says %q", tag, got)
		}
	}
}

func TestATokenThatHasEndedIsSaidToHave(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	w.token("admin", "old", 24*time.Hour, account.ScopeRead)
	if page := w.get(c, "/account/tokens").body; strings.Contains(page, "has ended") {
		t.Error("it has not")
	}
	w.now.pass(25 * time.Hour)
	if page := w.get(c, "/account/tokens").body; !strings.Contains(page, "has ended") {
		t.Error("the page does not say so")
	}
}
