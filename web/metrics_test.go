package web

import (
	"net/url"
	"strings"
	"testing"

	"homeward/web/account"
)

func TestWhoMakesACollectorsTokenDecidesWhatItIsTold(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	phone := w.addPeer("phone")
	_, numbers := w.token("admin", "prometheus", 0, account.ScopeMetrics)
	_, names := w.token("admin", "prometheus with names", 0, account.ScopeMetrics, account.ScopeRead)
	_, reads := w.token("admin", "script", 0, account.ScopeRead)
	for _, tt := range []struct {
		what, token, query string
		status             int
		has, hasNot        string
	}{
		{"numbers", numbers, "", 200, `homeward_peers{state="active"} 1`, "homeward_peer_"},
		{"each, without the right", numbers, "?peers=id", 403, "it needs read", "homeward_"},
		{"names, without the right", numbers, "?peers=name", 403, "it needs read", "homeward_"},
		{"who may read, and did not ask", names, "", 200, "homeward_peers", "homeward_peer_"},
		{"each", names, "?peers=id", 200, `homeward_peer_connected{peer="1"} 0`, "phone"},
		{"names", names, "?peers=name", 200, `homeward_peer_connected{peer="1",name="phone"} 0`, phone.Peer.PublicKey.String()},
		{"something else", names, "?peers=all", 400, "neither", "homeward_"},
		{"a token for something else", reads, "", 403, "it needs metrics", "homeward_"},
		{"no token at all", "x", "", 401, "", "homeward_"},
	} {
		r := w.program(tt.token, "GET", "/metrics"+tt.query, "")
		if r.status != tt.status || !strings.Contains(r.body, tt.has) || strings.Contains(r.body, tt.hasNot) || strings.Contains(r.body, "203.0.113.") {
			t.Errorf("%s: %d %s", tt.what, r.status, r.body)
		}
		if kind := r.header.Get("Content-Type"); r.status == 200 && kind != "text/plain; version=0.0.4; charset=utf-8" {
			t.Errorf("%s: it is %s", tt.what, kind)
		}
	}
	w.wantStatus("the same token at the devices", w.program(numbers, "GET", "/api/v1/peers", ""), 403)
	w.wantStatus("a stranger", w.get(w.stranger, "/metrics"), 401)
	w.wantStatus("the owner", w.get(c, "/metrics?peers=name"), 200)
	if err := w.account.AddUser(t.Context(), account.NewUser{Name: "ben", Role: account.RoleViewer, Password: password}); err != nil {
		t.Fatal(err)
	}
	ben := w.browser()
	w.wantStatus("ben logs in", w.post(ben, "/login", url.Values{"username": {"ben"}, "password": {password}}), 303)
	w.wantStatus("a viewer", w.get(ben, "/metrics"), 403)
}

func TestWhetherItRunsIsToldToAnybodyAndNothingElse(t *testing.T) {
	w := newWorld(t)
	w.owner()
	w.addPeer("phone")
	r := w.get(w.stranger, "/healthz")
	if r.status != 200 || r.body != "ok\n" || r.header.Get("Set-Cookie") != "" {
		t.Errorf("%d %q", r.status, r.body)
	}
	w.wantStatus("it is only asked", w.post(w.stranger, "/healthz", nil), 404)
}
