package web

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

func TestOnlyTheOperatorsProxiesSayWhereARequestComesFrom(t *testing.T) {
	s := &Server{cfg: Config{Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"), netip.MustParsePrefix("192.168.1.2/32")}}}
	for name, tt := range map[string]struct {
		remote string
		header []string
		want   string
	}{
		"no proxy":                             {"192.168.1.7:5000", nil, "192.168.1.7"},
		"who is no proxy cannot say":           {"192.168.1.7:5000", []string{"192.168.1.99"}, "192.168.1.7"},
		"behind a proxy":                       {"127.0.0.1:5000", []string{"192.168.1.99"}, "192.168.1.99"},
		"behind one by IPv6":                   {"[::1]:5000", []string{"fd00::7"}, "fd00::7"},
		"what the client wrote is not read":    {"127.0.0.1:5000", []string{"10.9.9.9, 192.168.1.99"}, "192.168.1.99"},
		"nor in a header of its own":           {"127.0.0.1:5000", []string{"10.9.9.9", "192.168.1.99"}, "192.168.1.99"},
		"through two proxies":                  {"127.0.0.1:5000", []string{"10.9.9.9, 192.168.1.99, 192.168.1.2"}, "192.168.1.99"},
		"the proxy itself":                     {"127.0.0.1:5000", nil, "127.0.0.1"},
		"a proxy that says nothing of use":     {"127.0.0.1:5000", []string{"192.168.1.99, unknown"}, "127.0.0.1"},
		"an address in another form":           {"[::ffff:127.0.0.1]:5000", []string{"::ffff:192.168.1.99"}, "192.168.1.99"},
		"only proxies, as from the box itself": {"127.0.0.1:5000", []string{"127.0.0.1, 192.168.1.2"}, "127.0.0.1"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = tt.remote
		for _, h := range tt.header {
			r.Header.Add("X-Forwarded-For", h)
		}
		if got := s.client(r); got.String() != tt.want {
			t.Errorf("%s: from %v, want %s", name, got, tt.want)
		}
	}
}

// Without the proxy's word, one who guesses through it would lock the owner out.
func TestGuessingThroughAProxyDoesNotLockTheOwnerOut(t *testing.T) {
	w := newWorld(t)
	w.owner()
	login := func(from, p string) reply {
		return w.send(w.browser(), "POST", "/login", "application/x-www-form-urlencoded", url.Values{"password": {p}}.Encode(), func(r *http.Request) {
			r.Header.Set("X-Forwarded-For", from)
		})
	}
	w.page.cfg.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	for range 10 {
		w.wantStatus("a guess", login("192.168.1.66", "wrong password"), 403)
	}
	w.wantStatus("one guess too many", login("192.168.1.66", "wrong password"), 429)
	w.wantStatus("the owner, elsewhere", login("192.168.1.7", password), 303)
}

func TestAPageWithoutTLSSaysSo(t *testing.T) {
	w := newWorld(t)
	w.owner()
	warning := "without encryption"
	if strings.Contains(w.get(w.stranger, "/login").body, warning) {
		t.Error("a page by TLS warns of reading along")
	}
	w.page.cfg.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	for name, tt := range map[string]struct {
		remote, proto string
		warns         bool
	}{
		"plainly":                       {"192.168.1.7:5000", "", true},
		"who is no proxy says it":       {"192.168.1.7:5000", "https", true},
		"by TLS up to our proxy":        {"127.0.0.1:5000", "https", false},
		"plainly through our proxy":     {"127.0.0.1:5000", "http", true},
		"through one that says nothing": {"127.0.0.1:5000", "", true},
	} {
		r := httptest.NewRequest("GET", "http://localhost/login", nil)
		r.RemoteAddr = tt.remote
		if tt.proto != "" {
			r.Header.Set("X-Forwarded-Proto", tt.proto)
		}
		out := httptest.NewRecorder()
		w.page.Handler().ServeHTTP(out, r)
		if out.Code != 200 || strings.Contains(out.Body.String(), warning) != tt.warns {
			t.Errorf("%s: %d, warns: %v", name, out.Code, !tt.warns)
		}
	}
}
