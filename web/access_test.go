package web

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"homeward/peers"
)

// matrix says who may use which route. A route without a row fails the test:
// whoever adds one has to think of it here.
var matrix = map[string]access{
	"GET /metrics":                           meter,
	"GET /healthz":                           everyone,
	"GET /assets/{hash}/{name}":              everyone,
	"GET /invite/{token}":                    everyone,
	"POST /invite/{token}":                   everyone,
	"GET /handover/{ticket}":                 everyone,
	"GET /handover/{ticket}/{part}":          everyone,
	"POST /peers/{id}/invite":                admin,
	"POST /api/v1/peers/{id}/invite":         devices,
	"GET /api/v1/peers/{id}/mobileconfig":    devices,
	"GET /setup":                             visitor,
	"POST /setup":                            visitor,
	"POST /setup/restore":                    visitor, // for who has the setup link
	"POST /setup/restore/take":               visitor, // the same
	"GET /backup":                            admin,
	"GET /import":                            admin,
	"POST /import":                           admin,
	"POST /import/interface":                 admin,
	"POST /import/take":                      admin,
	"POST /api/v1/import":                    program,
	"GET /api/v1/import/interfaces":          program,
	"GET /knock":                             admin,
	"POST /guide/done":                       admin,
	"POST /guide/undo":                       admin,
	"PUT /api/v1/guide/by-hand":              router,
	"DELETE /api/v1/guide/by-hand":           router,
	"POST /knock":                            admin,
	"GET /api/v1/knock":                      reader,
	"POST /api/v1/knock":                     program,
	"POST /backup/download":                  admin,
	"POST /backup/recovery-code":             admin,
	"POST /backup/nightly":                   admin,
	"POST /backup/nightly/off":               admin,
	"GET /login":                             visitor,
	"POST /login":                            visitor,
	"POST /logout":                           viewer,
	"POST /look":                             everyone,
	"GET /settings":                          admin,
	"POST /settings":                         admin,
	"POST /echo":                             admin,
	"GET /api/v1/settings":                   program,
	"PATCH /api/v1/settings":                 program,
	"GET /renumber":                          admin,
	"POST /renumber":                         admin,
	"GET /api/v1/renumber":                   program,
	"POST /api/v1/renumber":                  program,
	"POST /dns":                              admin,
	"POST /dns/remove":                       admin,
	"GET /{$}":                               viewer,
	"GET /welcome":                           admin,
	"GET /live":                              reader,
	"POST /peers":                            admin,
	"GET /peers/{id}":                        viewer,
	"POST /peers/{id}/enable":                admin,
	"POST /peers/{id}/disable":               admin,
	"GET /peers/{id}/remove":                 admin,
	"POST /peers/{id}/remove":                admin,
	"POST /peers/{id}/keep":                  admin,
	"POST /api/v1/peers/{id}/keep":           devices,
	"GET /api/v1/status":                     reader,
	"GET /api/v1/openapi.json":               reader, // strangers need not know what there is
	"GET /api/v1/ports":                      router,
	"DELETE /api/v1/ports/{protocol}/{port}": router,
	"GET /api/v1/dns":                        program,
	"PUT /api/v1/dns":                        program,
	"DELETE /api/v1/dns":                     program,
	"GET /api/v1/backup":                     program,
	"POST /api/v1/backup":                    program,
	"POST /api/v1/backup/recovery-code":      program,
	"PUT /api/v1/backup/nightly":             program,
	"DELETE /api/v1/backup/nightly":          program,
	"GET /api/v1/peers":                      reader,
	"POST /api/v1/peers":                     devices,
	"GET /api/v1/peers/{id}":                 reader,
	"PATCH /api/v1/peers/{id}":               devices,
	"DELETE /api/v1/peers/{id}":              devices,
	"POST /peers/{id}/access":                admin,
	"GET /peers/{id}/edit":                   admin,
	"POST /peers/{id}/edit":                  admin,
	"POST /peers/{id}/code":                  admin,
	"POST /api/v1/peers/{id}/code":           devices,
	"GET /api/v1/peers/{id}/config":          devices,
	"GET /api/v1/peers/{id}/qr.png":          devices,
	"GET /api/v1/peers/{id}/qr.svg":          devices,
	"GET /api/v1/peers/{id}/qr.txt":          devices,
	"GET /peers/{id}/test":                   admin,
	"POST /peers/{id}/test":                  admin,
	"GET /api/v1/peers/{id}/test":            reader,
	"POST /api/v1/peers/{id}/test":           devices,
	"GET /log":                               viewer,
	"GET /support":                           admin,
	"GET /api/v1/support":                    program,
	"GET /api/v1/events":                     reader,
	"GET /api/v1/peers/{id}/traffic":         reader,
	"GET /api/v1/peers/{id}/sessions":        reader,
	"GET /guide":                             admin,
	"GET /api/v1/guide":                      router,
	"GET /ports":                             admin,
	"POST /forwards":                         admin,
	"POST /forwards/{id}/enable":             admin,
	"POST /forwards/{id}/disable":            admin,
	"POST /forwards/{id}/remove":             admin,
	"GET /api/v1/forwards":                   router,
	"POST /api/v1/forwards":                  router,
	"GET /api/v1/forwards/{id}":              router,
	"PATCH /api/v1/forwards/{id}":            router,
	"DELETE /api/v1/forwards/{id}":           router,
	"GET /ports/{protocol}/{port}/close":     admin,
	"POST /ports/{protocol}/{port}/close":    admin,
	"GET /account":                           viewer,
	"POST /account/password":                 viewer,
	"POST /account/logins/end":               viewer,
	"GET /account/second":                    viewer,
	"POST /account/second":                   viewer,
	"POST /account/second/confirm":           viewer,
	"POST /account/second/codes":             viewer,
	"POST /account/second/off":               viewer,
	"GET /login/code":                        visitor,
	"POST /login/code":                       visitor,
	"POST /users":                            admin,
	"POST /users/{user}/role":                admin,
	"POST /users/{user}/password":            admin,
	"POST /users/{user}/remove":              admin,

	"POST /login/passkey/begin":               visitor,
	"POST /login/passkey":                     visitor,
	"POST /account/passkeys/begin":            viewer,
	"POST /account/passkeys":                  viewer,
	"POST /account/passkeys/{id}/remove":      viewer,
	"GET /account/tokens":                     viewer,
	"POST /account/tokens":                    viewer,
	"POST /account/tokens/{id}/revoke":        viewer,
	"GET /api/v1/admin/tokens":                program,
	"POST /api/v1/admin/tokens":               program,
	"DELETE /api/v1/admin/tokens/{id}":        program,
	"GET /api/v1/admin/users":                 program,
	"POST /api/v1/admin/users":                program,
	"GET /api/v1/admin/users/{name}":          program,
	"PATCH /api/v1/admin/users/{name}":        program,
	"DELETE /api/v1/admin/users/{name}":       program,
	"PUT /api/v1/admin/users/{name}/password": program,
	"POST /api/v1/restore":                    program,
}

// pathOf fills in a route's pattern.
func pathOf(pattern string) string {
	return strings.NewReplacer("{$}", "", "{id}", "1", "{protocol}", "tcp", "{port}", "3389", "{hash}", "0", "{name}", "style.css", "{token}", "AAAAAAAAAAAAAAAAAAAAAA", "{ticket}", "AAAAAAAAAAAAAAAAAAAAAA", "{part}", "config", "{user}", "anna").Replace(pattern)
}

func TestEveryRouteAsksWhoYouAre(t *testing.T) {
	w := newWorld(t)
	w.owner() // claimed, so that strangers are sent to the login
	w.addPeer("phone")
	table := w.page.routes()
	if len(table) != len(matrix) {
		t.Errorf("%d routes, %d rows in the matrix", len(table), len(matrix))
	}
	for _, r := range table {
		name := r.Method + " " + r.Pattern
		who, ok := matrix[name]
		if !ok || who != r.Who {
			t.Errorf("%s is for %q, in the matrix for %q", name, r.Who, who)
			continue
		}
		got := w.send(w.stranger, r.Method, pathOf(r.Pattern), "", "", nil)
		sent := got.status == 303 && strings.HasPrefix(got.header.Get("Location"), "/login")
		switch who {
		case admin, viewer:
			if !sent {
				t.Errorf("%s: a stranger gets %d %s", name, got.status, got.header.Get("Location"))
			}
		case program, reader, devices, router, meter:
			if got.status != 401 || got.header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s: a stranger gets %d", name, got.status)
			}
		default:
			if sent || got.status == 401 {
				t.Errorf("%s: a stranger gets %d", name, got.status)
			}
		}
		if strings.Contains(got.body, "phone") {
			t.Errorf("%s tells a stranger about the devices", name)
		}
	}
	if _, err := w.peers.Get(1); err != nil {
		t.Errorf("a stranger changed the device: %v", err)
	}
}

func TestTheOwnerMayUseEveryRoute(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	for _, r := range w.page.routes() {
		if r.Pattern == "/logout" {
			continue
		}
		if len(w.peers.List()) == 0 { // the routes before removed it
			w = newWorld(t)
			c = w.owner()
			w.addPeer("phone")
		}
		got := w.send(c, r.Method, pathOf(r.Pattern), "", "", nil)
		toLogin := strings.HasPrefix(got.header.Get("Location"), "/login")
		if got.status == 401 || got.status == 403 && r.Pattern != "/login" || got.status == 500 || toLogin {
			t.Errorf("%s %s: the owner gets %d", r.Method, r.Pattern, got.status)
		}
	}
}

func TestCrossOriginPostWithCookieIsRefused(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	w.addPeer("phone")
	for _, r := range w.page.routes() {
		if r.Method == "GET" {
			continue
		}
		for _, origin := range []string{foreign, "null", ""} {
			got := w.send(c, r.Method, pathOf(r.Pattern), "application/x-www-form-urlencoded", "name=x", func(req *http.Request) {
				req.Header.Set("Origin", origin)
				if origin == "" {
					req.Header.Del("Origin")
				}
			})
			if got.status != 403 {
				t.Errorf("%s %s from %q: %d, want 403", r.Method, r.Pattern, origin, got.status)
			}
		}
	}
	if list := w.peers.List(); len(list) != 1 || !list[0].Enabled {
		t.Errorf("something was changed: %+v", list)
	}
	w.wantStatus("the same from our own page", w.post(c, "/peers/1/disable", nil), 303)
}

func TestForeignHostOnAnyRouteIsMisdirected(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	w.addPeer("phone")
	for _, r := range w.page.routes() {
		got := w.send(c, r.Method, pathOf(r.Pattern), "", "", func(req *http.Request) {
			req.Host = "evil.example"
			req.Header.Set("Origin", "https://evil.example") // as under DNS rebinding
		})
		if got.status != 421 || got.header.Get("Set-Cookie") != "" || strings.Contains(got.body, "phone") {
			t.Errorf("%s %s: %d, cookie %q", r.Method, r.Pattern, got.status, got.header.Get("Set-Cookie"))
		}
	}
	w.wantStatus("the same by our own name", w.get(c, "/"), 200)
}

func TestEveryAnswerHasTheHeaders(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/", "/login", "/setup", "/healthz", "/nowhere", "/api/v1/peers", "/assets/0/x"} {
		h := w.get(w.stranger, path).header
		for k, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
			"Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin", "Cache-Control": "no-store",
		} {
			if !strings.Contains(h.Get(k), want) {
				t.Errorf("%s: %s is %q, want %q", path, k, h.Get(k), want)
			}
		}
	}
}

func TestFiftyParallelSetupClaimsHaveOneWinner(t *testing.T) {
	w := newWorld(t)
	token, err := w.account.NewLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	replies := make([]reply, 50)
	for i := range replies {
		wg.Go(func() {
			p := fmt.Sprintf("password number %d", i)
			replies[i] = w.post(w.browser(), "/setup", url.Values{"token": {token}, "password": {p}, "again": {p}})
		})
	}
	wg.Wait()
	winners := 0
	for _, r := range replies {
		switch r.status {
		case 303:
			winners++
		case 410, 503:
			if r.header.Get("Set-Cookie") != "" {
				t.Error("a loser got a session")
			}
		default:
			t.Errorf("status %d", r.status)
		}
	}
	if winners != 1 {
		t.Errorf("%d winners", winners)
	}
	w.wantStatus("the link afterwards", w.get(w.stranger, "/setup?token="+token), 200)
	if page := w.get(w.stranger, "/setup?token="+token).body; !strings.Contains(page, "Already set up") || strings.Contains(page, "<form method=\"post\" action=\"/setup\"") {
		t.Error("a claimed page offers to be claimed")
	}
}

func TestLookingAtTheSetupLinkDoesNotUseItUp(t *testing.T) {
	w := newWorld(t)
	token, err := w.account.NewLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if r := w.get(w.stranger, "/setup?token="+token); r.status != 200 || !strings.Contains(r.body, token) {
			t.Fatalf("status %d", r.status)
		}
	}
	for name, form := range map[string]url.Values{
		"short":     {"token": {token}, "password": {"short"}, "again": {"short"}},
		"different": {"token": {token}, "password": {password}, "again": {password + "x"}},
	} {
		r := w.post(w.stranger, "/setup", form)
		w.wantStatus(name, r, 400)
		if !strings.Contains(r.body, "password-problem") || !strings.Contains(r.body, token) {
			t.Errorf("%s: the form is lost", name)
		}
	}
	w.wantStatus("a wrong link", w.get(w.stranger, "/setup?token=AAAA"), 410)
	w.wantStatus("claiming by a wrong link", w.post(w.stranger, "/setup", url.Values{"token": {"AAAA"}, "password": {password}, "again": {password}}), 410)
	if r := w.get(w.stranger, "/"); r.header.Get("Location") != "/setup" {
		t.Errorf("an unclaimed page leads to %q", r.header.Get("Location"))
	}
	w.wantStatus("the right one", w.post(w.stranger, "/setup", url.Values{"token": {token}, "password": {password}, "again": {password}}), 303)
}

func TestTooManyWrongLoginsAreToldWhenToComeBack(t *testing.T) {
	w := newWorld(t)
	w.owner()
	for range 10 {
		w.wantStatus("a wrong password", w.post(w.stranger, "/login", url.Values{"password": {"wrong password"}}), 403)
	}
	r := w.post(w.stranger, "/login", url.Values{"password": {"wrong password"}})
	w.wantStatus("one more", r, 429)
	if r.header.Get("Retry-After") == "" || r.header.Get("Set-Cookie") != "" || !strings.Contains(r.body, "try again in") {
		t.Errorf("it says %v", r.header)
	}
	r = w.send(w.stranger, "POST", "/login", "application/x-www-form-urlencoded", "password="+url.QueryEscape(password), func(req *http.Request) {
		req.Header.Set("X-Forwarded-For", "192.168.1.99")
	})
	w.wantStatus("with an address of its own choice", r, 429)
}

func TestTheSessionChangesAtLoginAndDiesWithThePassword(t *testing.T) {
	w := newWorld(t)
	laptop := w.owner()
	phone := w.browser()
	base, _ := url.Parse(w.url)
	planted := &http.Cookie{Name: "__Host-homeward", Value: strings.Repeat("A", 43), Path: "/", Secure: true}
	phone.Jar.SetCookies(base, []*http.Cookie{planted})
	r := w.post(phone, "/login", url.Values{"password": {password}, "next": {"/peers/7"}})
	w.wantStatus("logging in", r, 303)
	if r.header.Get("Location") != "/peers/7" {
		t.Errorf("leads to %q", r.header.Get("Location"))
	}
	c := r.header.Get("Set-Cookie")
	for _, want := range []string{"__Host-homeward=", "HttpOnly", "Secure", "SameSite=Strict", "Path=/"} {
		if !strings.Contains(c, want) {
			t.Errorf("the cookie %q lacks %s", c, want)
		}
	}
	if strings.Contains(c, planted.Value) {
		t.Error("the planted session became a real one")
	}
	w.wantStatus("the phone's page", w.get(phone, "/"), 200)
	w.wantStatus("the laptop's page", w.get(laptop, "/"), 200)
	if err := w.account.SetPassword(t.Context(), "another password"); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]*http.Client{"phone": phone, "laptop": laptop} {
		w.wantStatus("the "+name+" after another password", w.get(b, "/"), 303)
		w.wantStatus("its API", w.get(b, "/api/v1/peers"), 401)
	}
	w.wantStatus("the new password", w.post(phone, "/login", url.Values{"password": {"another password"}}), 303)
	w.wantStatus("logging out", w.post(phone, "/logout", nil), 303)
	w.wantStatus("afterwards", w.get(phone, "/"), 303)
}

func TestALoginLeadsNowhereElse(t *testing.T) {
	w := newWorld(t)
	w.owner()
	for _, next := range []string{"//evil.example", "https://evil.example/peers/1", "/\\evil.example", "/peers/1?x", "javascript:alert(1)", "/logout", ""} {
		r := w.post(w.browser(), "/login", url.Values{"password": {password}, "next": {next}})
		if r.status != 303 || r.header.Get("Location") != "/" {
			t.Errorf("next=%q: %d to %q", next, r.status, r.header.Get("Location"))
		}
	}
}

func TestHostileNamesAreInert(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	for i, name := range []string{`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `=HYPERLINK("http://evil.example")`, `{{.}}`, `'; DROP TABLE peers; --`, `..\..\etc`, `x" filename="y`} {
		issued := w.addPeer(name)
		for _, path := range []string{"/", peerURL(issued.Peer.ID), peerURL(issued.Peer.ID) + "/remove"} {
			if body := w.get(c, path).body; strings.Contains(body, "<script>alert") || strings.Contains(body, "<img src=x") {
				t.Errorf("%s draws %q as it is", path, name)
			}
		}
		d := w.get(c, fmt.Sprintf("/api/v1/peers/%d/config", i+1)).header.Get("Content-Disposition")
		if !regexp.MustCompile(`^attachment; filename="[a-zA-Z0-9_=+.-]{1,15}\.conf"$`).MatchString(d) {
			t.Errorf("%q: Content-Disposition %q", name, d)
		}
	}
	for _, name := range []string{"a\r\nSet-Cookie: x=y", "\x1b[31mred", "abc\u202edef", "a\x00b"} {
		w.wantStatus(fmt.Sprintf("%q", name), w.post(c, "/peers", url.Values{"name": {name}, "profile": {"home"}}), 400)
	}
}

func TestBodiesAreCappedAndStrictlyRead(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	big := `{"name":"` + strings.Repeat("x", 65<<10) + `"}`
	for name, tt := range map[string]struct {
		contentType, body string
		status            int
	}{
		"right":          {"application/json", `{"name":"phone"}`, 201},
		"sent as text":   {"text/plain", `{"name":"phone 2"}`, 415},
		"sent as a form": {"application/x-www-form-urlencoded", `{"name":"phone 2"}`, 415},
		"unknown member": {"application/json", `{"name":"phone 2","admin":true}`, 400},
		"two values":     {"application/json", `{"name":"phone 2"}{}`, 400},
		"too large":      {"application/json", big, 413},
	} {
		w.wantStatus(name, w.send(c, "POST", "/api/v1/peers", tt.contentType, tt.body, nil), tt.status)
	}
	w.wantStatus("a form that is too large", w.send(c, "POST", "/peers", "application/x-www-form-urlencoded", "name=ok&junk="+strings.Repeat("x", 65<<10), nil), 400)
	if list := w.peers.List(); len(list) != 1 || list[0].Name != peers.Name("phone") {
		t.Errorf("devices: %+v", list)
	}
}

func TestReadingNeverChanges(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	w.addPeer("phone")
	page := map[string]bool{} // of these, the form is read at the same place
	for _, r := range w.page.routes() {
		page[r.Pattern] = page[r.Pattern] || r.Method == "GET"
	}
	for _, r := range w.page.routes() {
		if r.Method == "POST" && !page[r.Pattern] {
			got := w.get(c, pathOf(r.Pattern))
			if got.status != 405 && got.status != 404 {
				t.Errorf("GET %s: %d", r.Pattern, got.status)
			}
		}
	}
	if list := w.peers.List(); len(list) != 1 || !list[0].Enabled {
		t.Errorf("devices: %+v", list)
	}
}
