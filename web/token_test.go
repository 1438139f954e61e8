package web

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"homeward/web/account"
	"homeward/web/account/tokens"
)

// token makes a token of a user for a program.
func (w *world) token(user, name string, lasts time.Duration, scopes ...account.Scope) (tokens.Token, string) {
	w.t.Helper()
	users, err := w.account.Users(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, u := range users {
		if u.Name != user {
			continue
		}
		t, text, err := w.tokens.Create(w.t.Context(), u, u.Role.Scopes(), tokens.New{Name: name, Scopes: scopes, Lasts: lasts})
		if err != nil {
			w.t.Fatal(err)
		}
		return t, text.Reveal()
	}
	w.t.Fatalf("there is no %s", user)
	return tokens.Token{}, ""
}

// program sends a request as a program does: with a token, from no page.
func (w *world) program(token, method, path, body string, change ...func(*http.Request)) reply {
	w.t.Helper()
	contentType := ""
	if body != "" {
		contentType = "application/json"
	}
	return w.send(w.stranger, method, path, contentType, body, func(r *http.Request) {
		r.Header.Del("Origin")
		r.Header.Set("Authorization", "Bearer "+token)
		for _, c := range change {
			c(r)
		}
	})
}

// The columns of the matrix for tokens: each route of the programs' interface takes
// the tokens that may do what it needs, and no page takes any.
func TestEveryRouteTakesTheTokensThatMayDoIt(t *testing.T) {
	columns := map[string]struct {
		scopes account.Scopes
		may    []access
	}{
		"read":            {account.Scopes{account.ScopeRead}, []access{reader}},
		"peers":           {account.Scopes{account.ScopePeers}, []access{reader, devices}},
		"ports":           {account.Scopes{account.ScopePorts}, []access{reader, router}},
		"peers and ports": {account.Scopes{account.ScopePorts, account.ScopePeers}, []access{reader, devices, router}},
		"metrics":         {account.Scopes{account.ScopeMetrics}, []access{meter}},
		"metrics to read": {account.Scopes{account.ScopeMetrics, account.ScopeRead}, []access{meter, reader}},
		"admin":           {account.Scopes{account.ScopeAdmin}, []access{reader, devices, router, program, meter}},
	}
	for name, column := range columns {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.owner()
			phone := w.addPeer("phone")
			w.token("admin", "first", 0, account.ScopeRead) // which one of the routes revokes
			_, token := w.token("admin", "script", 0, column.scopes...)
			taken, refused := 0, 0
			for _, r := range w.page.routes() {
				who, row := matrix[r.Method+" "+r.Pattern], r.Method+" "+r.Pattern
				if !strings.HasPrefix(r.Pattern, "/api/") && who != meter {
					got := w.program(token, r.Method, pathOf(r.Pattern), "", func(req *http.Request) { req.Header.Set("Origin", w.url) })
					asStranger := w.send(w.stranger, r.Method, pathOf(r.Pattern), "", "", nil)
					if got.status != asStranger.status && asStranger.status != 429 && got.status != 429 || strings.Contains(got.body, "phone") {
						t.Errorf("%s: with a token %d, a stranger gets %d", row, got.status, asStranger.status)
					}
					continue
				}
				if len(w.peers.List()) == 0 { // the route before removed it
					phone = w.addPeer("phone")
				}
				path := strings.Replace(pathOf(r.Pattern), "/peers/1", "/peers/"+strconv.FormatInt(int64(phone.Peer.ID), 10), 1)
				got := w.program(token, r.Method, path, "")
				may := false
				for _, a := range column.may {
					may = may || a == who
				}
				if may {
					taken++
					if got.status == 401 || got.status == 403 || got.status == 500 {
						t.Errorf("%s, which needs %s: %d %s", row, who, got.status, got.body)
					}
				} else {
					refused++
					if got.status != 403 || !strings.Contains(got.header.Get("WWW-Authenticate"), "insufficient_scope") {
						t.Errorf("%s, which needs %s: %d %s", row, who, got.status, got.body)
					}
				}
				if got.header.Get("Set-Cookie") != "" {
					t.Errorf("%s sets a cookie for a program", row)
				}
			}
			if taken < 5 && name != "metrics" || taken == 0 || refused < 5 && name != "admin" {
				t.Errorf("%d routes took it and %d did not: the test looks at nothing", taken, refused)
			}
		})
	}
}

func TestAWrongTokenIsTakenNowhere(t *testing.T) {
	w := newWorld(t)
	w.owner()
	w.addPeer("phone")
	revoked, gone := w.token("admin", "revoked", 0, account.ScopeAdmin)
	if _, err := w.tokens.Revoke(t.Context(), revoked.ID); err != nil {
		t.Fatal(err)
	}
	_, old := w.token("admin", "old", 24*time.Hour, account.ScopeAdmin)
	w.now.pass(25 * time.Hour)
	_, good := w.token("admin", "good", 0, account.ScopeAdmin)
	wrong := map[string]string{"revoked": gone, "too old": old, "empty": "", "a letter too many": good + "a", "of another case": strings.ToUpper(good), "without its prefix": strings.TrimPrefix(good, tokens.Prefix), "guessed": tokens.Prefix + strings.Repeat("a", 52)}
	for _, r := range w.page.routes() {
		if !strings.HasPrefix(r.Pattern, "/api/") {
			continue
		}
		for what, token := range wrong {
			if got := w.program(token, r.Method, pathOf(r.Pattern), ""); got.status != 401 && got.status != 429 || strings.Contains(got.body, "phone") {
				t.Errorf("%s %s with one that is %s: %d", r.Method, r.Pattern, what, got.status)
			}
		}
	}
	if n := len(w.peers.List()); n != 1 {
		t.Errorf("%d devices are left", n)
	}
	w.wantStatus("the good one, from the same place", w.program(good, "GET", "/api/v1/peers", ""), 200)
}

func TestATokenIsTakenInItsHeaderOnly(t *testing.T) {
	w := newWorld(t)
	w.owner()
	_, token := w.token("admin", "script", 0, account.ScopeAdmin)
	for name, path := range map[string]string{"access_token": "/api/v1/peers?access_token=" + token, "token": "/api/v1/peers?token=" + token} {
		w.wantStatus("in the query as "+name, w.get(w.stranger, path), 401)
	}
	w.wantStatus("as a password", w.send(w.stranger, "GET", "/api/v1/peers", "", "", func(r *http.Request) { r.SetBasicAuth("admin", token) }), 401)
	w.wantStatus("in a cookie", w.send(w.stranger, "GET", "/api/v1/peers", "", "", func(r *http.Request) {
		r.AddCookie(&http.Cookie{Name: "__Host-homeward", Value: token})
	}), 401)
	w.wantStatus("as it should be", w.program(token, "GET", "/api/v1/peers", ""), 200)
	w.wantStatus("in small letters", w.send(w.stranger, "GET", "/api/v1/peers", "", "", func(r *http.Request) { r.Header.Set("Authorization", "bearer "+token) }), 200)
}

// A page elsewhere can have a browser send our cookie. So whatever has one goes by the
// rules for cookies, also when it has a token.
func TestARequestWithATokenAndACookieGoesByTheCookie(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	w.addPeer("phone")
	_, token := w.token("admin", "script", 0, account.ScopeAdmin)
	both := func(client *http.Client, method, path, origin string) reply {
		return w.send(client, method, path, "", "", func(r *http.Request) {
			r.Header.Set("Authorization", "Bearer "+token)
			r.Header.Del("Origin")
			if origin != "" {
				r.Header.Set("Origin", origin)
			}
		})
	}
	for _, origin := range []string{foreign, "null", ""} {
		w.wantStatus("from "+origin, both(c, "DELETE", "/api/v1/peers/1", origin), 403)
	}
	if len(w.peers.List()) != 1 {
		t.Fatal("another site removed a device")
	}
	viewer := w.userAs("anna", account.RoleViewer)
	w.wantStatus("a viewer with an admin's token", both(viewer, "DELETE", "/api/v1/peers/1", w.url), 403)
	stale := w.browser()
	w.get(stale, "/login")
	w.wantStatus("somebody who is not logged in, with any cookie", w.send(w.stranger, "GET", "/api/v1/peers", "", "", func(r *http.Request) {
		r.Header.Set("Authorization", "Bearer "+token)
		r.AddCookie(&http.Cookie{Name: "language", Value: "de"})
	}), 401)
	w.wantStatus("the owner's own page", both(c, "DELETE", "/api/v1/peers/1", w.url), 204)
	w.addPeer("tablet")
	w.wantStatus("the token alone, from no page", w.program(token, "DELETE", "/api/v1/peers/2", ""), 204)
}

func TestATokenEndsWithWhoMadeIt(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	for name, end := range map[string]func(){
		"a smaller role":   func() { w.post(c, "/users/anna/role", map[string][]string{"role": {"viewer"}}) },
		"a reset password": func() { w.post(c, "/users/anna/password", map[string][]string{"password": {"another password"}}) },
		"removal":          func() { w.post(c, "/users/anna/remove", nil) },
	} {
		w.userAs("anna", account.RoleAdmin)
		_, token := w.token("anna", "script", 0, account.ScopePeers)
		_, mine := w.token("admin", name, 0, account.ScopeRead)
		w.wantStatus("before "+name, w.program(token, "GET", "/api/v1/peers", ""), 200)
		end()
		w.wantStatus("after "+name, w.program(token, "GET", "/api/v1/peers", ""), 401)
		w.wantStatus("somebody else's after "+name, w.program(mine, "GET", "/api/v1/peers", ""), 200)
		w.post(c, "/users/anna/role", map[string][]string{"role": {"admin"}})
		w.wantStatus("when the role is back after "+name, w.program(token, "GET", "/api/v1/peers", ""), 401)
		w.post(c, "/users/anna/remove", nil)
	}
	_, mine := w.token("admin", "mine", 0, account.ScopeRead)
	w.wantStatus("changing the own password", w.post(c, "/account/password", map[string][]string{"old": {password}, "password": {"another password"}, "again": {"another password"}}), 303)
	w.wantStatus("the own token goes on", w.program(mine, "GET", "/api/v1/peers", ""), 200)
	if err := w.account.SetPassword(t.Context(), password); err != nil {
		t.Fatal(err)
	}
	w.wantStatus("after a password from the box", w.program(mine, "GET", "/api/v1/peers", ""), 401)
}

func TestAViewersTokenOnlyLooks(t *testing.T) {
	w := newWorld(t)
	w.owner()
	w.userAs("anna", account.RoleViewer)
	users, _ := w.account.Users(t.Context())
	for _, u := range users {
		for _, s := range []account.Scope{account.ScopePeers, account.ScopePorts, account.ScopeAdmin} {
			_, _, err := w.tokens.Create(t.Context(), u, u.Role.Scopes(), tokens.New{Name: "x" + string(s), Scopes: account.Scopes{s}})
			if (err == nil) != (u.Name == "admin") {
				t.Errorf("%s makes a token for %s: %v", u.Name, s, err)
			}
		}
	}
	_, token := w.token("anna", "script", 0, account.ScopeRead)
	w.wantStatus("looking", w.program(token, "GET", "/api/v1/peers", ""), 200)
	w.wantStatus("adding", w.program(token, "POST", "/api/v1/peers", `{"name":"x"}`), 403)
}

func TestWrongTokensAreSlowedDownAndLockNobodyOut(t *testing.T) {
	w := newWorld(t)
	w.owner()
	_, good := w.token("admin", "good", 0, account.ScopeRead)
	guess := tokens.Prefix + strings.Repeat("a", 52)
	statuses := map[int]int{}
	for range 1000 {
		r := w.program(guess, "GET", "/api/v1/peers", "")
		statuses[r.status]++
		if r.status == 429 && r.header.Get("Retry-After") == "" {
			t.Fatal("nobody says when to come back")
		}
	}
	if statuses[401] != 10 || statuses[429] != 990 {
		t.Errorf("a thousand wrong ones: %v", statuses)
	}
	if n := strings.Count(w.log.String(), "wrong token of a program"); n != 10 {
		t.Errorf("%d lines in the log", n)
	}
	w.wantStatus("the good one, from the same place", w.program(good, "GET", "/api/v1/peers", ""), 200)
	w.wantStatus("a login, from the same place", w.post(w.browser(), "/login", map[string][]string{"password": {password}}), 303)
	for range 11 {
		w.post(w.stranger, "/login", map[string][]string{"password": {"wrong password"}})
	}
	w.wantStatus("the good one, when passwords were wrong", w.program(good, "GET", "/api/v1/peers", ""), 200)
}
