package web

import (
	"bufio"
	"net/http"
	"strings"
	"testing"

	"homeward/web/account"
)

// listen opens the programs' stream, and returns a channel that is closed when it ends.
func (w *world) listen(c *http.Client, change func(*http.Request)) <-chan struct{} {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), "GET", w.url+"/api/v1/events", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	change(req)
	streaming := *c
	streaming.Timeout = 0
	resp, err := streaming.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		w.t.Fatalf("status %d, %s", resp.StatusCode, resp.Header.Get("Content-Type"))
	}
	first, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		defer resp.Body.Close()
		for s := bufio.NewScanner(resp.Body); s.Scan(); {
			if strings.HasPrefix(s.Text(), "event: status") {
				close(first)
			}
		}
	}()
	select {
	case <-first:
	case <-ended:
		w.t.Fatal("it ended at once")
	}
	return ended
}

func TestAProgramsStreamEndsWithItsTokenItsUserAndItsLogin(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	if err := w.account.AddUser(t.Context(), account.NewUser{Name: "ben", Role: account.RoleViewer, Password: password}); err != nil {
		t.Fatal(err)
	}
	revoked, text := w.token("admin", "script", 0, account.ScopeRead)
	_, bens := w.token("ben", "script", 0, account.ScopeRead)
	with := func(token string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
	}
	byToken, byBen, byLogin := w.listen(w.stranger, with(text)), w.listen(w.stranger, with(bens)), w.listen(c, func(*http.Request) {})
	if _, err := w.tokens.Revoke(t.Context(), revoked.ID); err != nil {
		t.Fatal(err)
	}
	<-byToken
	select {
	case <-byBen:
		t.Error("somebody else's ended, too")
	default:
	}
	if err := w.account.RemoveUser(t.Context(), "ben"); err != nil {
		t.Fatal(err)
	}
	<-byBen
	w.wantStatus("logging out", w.post(c, "/logout", nil), 303)
	<-byLogin
}
