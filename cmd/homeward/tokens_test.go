package main

import (
	"crypto/tls"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"homeward/web/api"
)

// asks sends a request to the page as a program does, and returns the status.
func asks(t *testing.T, base, token, method, path, body string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	program := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}, Timeout: testPatience}
	resp, err := program.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

func TestAProgramComesInByATokenFromTheBox(t *testing.T) {
	dir := newDir(t, "")
	stop, out := start(t, dir)
	do := func(wantCode int, says string, args ...string) string {
		t.Helper()
		code, said := typing(t, dir, "correct horse battery", append([]string{"admin"}, args...)...)
		if code != wantCode || !strings.Contains(said, says) {
			t.Fatalf("%q: exit code %d, want %d; said %q, want %q in it", args, code, wantCode, said, says)
		}
		return said
	}
	out.await(t, "setup?token=")
	var link api.SetupLink
	if err := json.Unmarshal([]byte(do(exitOK, "", "setup-link", "--json")), &link); err != nil {
		t.Fatal(err)
	}
	do(exitFailed, "no user", "tokens", "create", "early") // nobody has claimed the box
	do(exitOK, "is set", "password")
	do(exitOK, "may log in", "users", "add", "anna")
	do(exitOK, "There is no token", "tokens", "list")
	do(exitUsage, "needs what the token is for", "tokens", "create")
	do(exitFailed, "not do more", "tokens", "create", "x", "--user", "anna", "--may", "peers")
	do(exitFailed, "1 to 3650 days", "tokens", "create", "x", "--days", "4000")
	said := do(exitOK, "it may read,peers. It is shown only now", "tokens", "create", "home assistant", "--may", "peers", "--days", "30")
	token, _, _ := strings.Cut(said, "\n")
	var made api.MadeToken
	if err := json.Unmarshal([]byte(do(exitOK, `"token"`, "tokens", "create", "display", "--user", "anna", "--json")), &made); err != nil || made.Made.User != "anna" {
		t.Fatalf("%+v, %v", made, err)
	}
	if list := do(exitOK, "home assistant", "tokens", "list"); strings.Contains(list, token) || !strings.Contains(list, "anna") {
		t.Errorf("the list is %s", list)
	}

	page, err := url.Parse(link.URL)
	if err != nil {
		t.Fatal(err)
	}
	base := "https://" + page.Host
	if got := asks(t, base, token, "POST", "/api/v1/peers", `{"name":"phone"}`); got != 201 {
		t.Errorf("adding a device: %d", got)
	}
	if got := asks(t, base, made.Secret, "GET", "/api/v1/peers", ""); got != 200 {
		t.Errorf("looking: %d", got)
	}
	if got := asks(t, base, made.Secret, "POST", "/api/v1/peers", `{"name":"tablet"}`); got != 403 {
		t.Errorf("adding by one that only looks: %d", got)
	}
	do(exitOK, "is revoked", "tokens", "revoke", "1")
	do(exitFailed, "no such token", "tokens", "revoke", "1")
	do(exitUsage, "not the number", "tokens", "revoke", "x")
	if got := asks(t, base, token, "GET", "/api/v1/peers", ""); got != 401 {
		t.Errorf("a revoked one: %d", got)
	}
	if got := asks(t, base, token+"x", "GET", "/api/v1/peers", ""); got != 401 {
		t.Errorf("a wrong one: %d", got)
	}
	for deadline := time.Now().Add(testPatience); ; time.Sleep(50 * time.Millisecond) {
		code, said := typing(t, dir, "", "log")
		done := code == exitOK
		for _, line := range []string{"Was added · admin, by the token home assistant", "admin/home assistant  This token for a program was made", "admin/home assistant  This token of a program was revoked", "A program with a wrong token was refused, from 127.0.0.0/24 (2 times"} {
			done = done && strings.Contains(said, line)
		}
		if done {
			break
		} else if time.Now().After(deadline) {
			t.Fatal(said)
		}
	}
	_, errs := stop()
	for _, secret := range []string{token, made.Secret} {
		if strings.Contains(errs+out.String(), secret) {
			t.Errorf("the log has a token")
		}
	}
}
