package web

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"

	"homeward/peers"
)

// browser has cookies and follows no redirect.
func (w *world) browser() *http.Client {
	jar, _ := cookiejar.New(nil) // never fails
	c := *w.tls.Client()
	c.Jar = jar
	c.Timeout = time.Minute
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}

// owner claims the page and returns the browser in which that happened.
func (w *world) owner() *http.Client {
	w.t.Helper()
	token, err := w.account.NewLink(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	c := w.browser()
	r := w.post(c, "/setup", url.Values{"token": {token}, "password": {password}, "again": {password}})
	if r.status != http.StatusSeeOther || r.header.Get("Location") != "/welcome" {
		w.t.Fatalf("claiming: %d to %q\n%s", r.status, r.header.Get("Location"), r.body)
	}
	return c
}

type reply struct {
	status int
	header http.Header
	body   string
}

// send makes a request; change edits it first.
func (w *world) send(c *http.Client, method, path, contentType, body string, change func(*http.Request)) reply {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if method != "GET" && method != "HEAD" {
		req.Header.Set("Origin", w.url)
	}
	if change != nil {
		change(req)
	}
	resp, err := c.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.Header.Get("Content-Type") == "text/event-stream" {
		return reply{resp.StatusCode, resp.Header, ""}
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, string(b)}
}

func (w *world) get(c *http.Client, path string) reply {
	w.t.Helper()
	return w.send(c, "GET", path, "", "", nil)
}

func (w *world) post(c *http.Client, path string, form url.Values) reply {
	w.t.Helper()
	return w.send(c, "POST", path, "application/x-www-form-urlencoded", form.Encode(), nil)
}

func (w *world) addPeer(name string) peers.Issued {
	w.t.Helper()
	i, err := w.peers.Create(w.t.Context(), peers.NewPeer{Name: name})
	if err != nil {
		w.t.Fatal(err)
	}
	return i
}

func (w *world) wantStatus(what string, r reply, status int) {
	w.t.Helper()
	if r.status != status {
		w.t.Errorf("%s: status %d, want %d\n%.600s", what, r.status, status, r.body)
	}
}

func around(s, part string) string {
	i := strings.Index(s, part)
	if i < 0 {
		return "(not there)"
	}
	return s[max(0, i-200):min(len(s), i+300)]
}
