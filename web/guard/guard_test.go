package guard

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func guarded(called *bool) http.Handler {
	return Handler(Hosts{Names: func() []string { return []string{"nas", "nas.local", "203.0.113.9"} }}, nil, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { *called = true }))
}

func TestOnlyOurOwnNamesAreAnswered(t *testing.T) {
	for host, ours := range map[string]bool{
		"nas:8377": true, "NAS.local.": true, "localhost:8377": true, "192.168.1.5:8377": true, "10.0.0.1": true, "127.0.0.1:1": true,
		"[::1]:8377": true, "[fd00::1]:8377": true, "203.0.113.9:8377": true, "[::ffff:192.168.1.5]:80": true,
		"": false, "evil.example": false, "nas.evil.example": false, "xnas": false, "203.0.113.8:8377": false, "[2001:db8::1]:8377": false,
		"169.254.169.254": false, "0.0.0.0": false, "192.168.1.5.evil.example:8377": false, "nas:8377@evil.example": false,
		"[::ffff:8.8.8.8]": false, "::": false, "evil.example#nas": false,
	} {
		var called bool
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "http://x/", nil)
		r.Host = host
		guarded(&called).ServeHTTP(w, r)
		if called != ours || (w.Code == http.StatusMisdirectedRequest) == ours {
			t.Errorf("Host %q: answered %v with %d, want %v", host, called, w.Code, ours)
		}
		if w.Header().Get("Content-Security-Policy") == "" {
			t.Errorf("Host %q: no policy", host)
		}
	}
}

func TestOnlyOurOwnPagesChangeAnything(t *testing.T) {
	for name, tt := range map[string]struct {
		method, origin, site string
		passes               bool
	}{
		"our own form":                 {"POST", "https://nas:8377", "same-origin", true},
		"our own form over plain HTTP": {"POST", "http://nas:8377", "", true},
		"another site":                 {"POST", "https://evil.example", "cross-site", false},
		"another site, no metadata":    {"POST", "https://evil.example", "", false},
		"another port of this machine": {"POST", "https://nas:9000", "same-site", false},
		"no origin at all":             {"POST", "", "", false},
		"a sandboxed frame":            {"POST", "null", "cross-site", false},
		"PUT from another site":        {"PUT", "https://evil.example", "", false},
		"DELETE from another site":     {"DELETE", "https://evil.example", "", false},
		"PATCH without origin":         {"PATCH", "", "", false},
		"reading":                      {"GET", "", "", true},
		"following a link":             {"GET", "", "cross-site", true},
		"origin that says too much":    {"POST", "https://nas:8377@evil.example", "", false},
		"metadata tells on it":         {"POST", "https://nas:8377", "cross-site", false},
	} {
		t.Run(name, func(t *testing.T) {
			var called bool
			w := httptest.NewRecorder()
			r := httptest.NewRequest(tt.method, "http://x/", nil)
			r.Host = "nas:8377"
			if tt.origin != "" {
				r.Header.Set("Origin", tt.origin)
			}
			if tt.site != "" {
				r.Header.Set("Sec-Fetch-Site", tt.site)
			}
			guarded(&called).ServeHTTP(w, r)
			if called != tt.passes || (w.Code == http.StatusForbidden) == tt.passes {
				t.Errorf("passed: %v with %d, want %v", called, w.Code, tt.passes)
			}
		})
	}
}
