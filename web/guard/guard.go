package guard

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// MaxBody is how much a request may carry: 64 KiB.
const MaxBody = 64 << 10

// policy allows what comes from our own origin, and nothing inline.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Bodies are the paths whose requests may carry more than MaxBody, in bytes.
type Bodies map[string]int64

// Handler guards next.
func Handler(hosts Hosts, larger Bodies, next http.Handler) http.Handler {
	// The standard library's own check knows Sec-Fetch-Site, which browsers send
	// over TLS; ours below knows Origin, which they send always.
	metadata := http.NewCrossOriginProtection()
	metadata.SetDenyHandler(http.HandlerFunc(foreign))
	fromPages := metadata.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setHeaders(w.Header())
		if !hosts.Allowed(r.Host) {
			refuse(w, r, http.StatusMisdirectedRequest, "This is homeward, but not by this name.\n\nOpen it by its address, or add the name to admin_hosts in homeward.toml.")
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, max(MaxBody, larger[r.URL.Path]))
		if _, program := Token(r); program {
			next.ServeHTTP(w, r)
			return
		}
		if !safe(r.Method) && !sameOrigin(r) {
			foreign(w, r)
			return
		}
		fromPages.ServeHTTP(w, r)
	})
}

func setHeaders(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	// Not no-referrer: with it browsers send "Origin: null" for our own forms.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()")
	h.Set("Cache-Control", "no-store")
}

func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// sameOrigin reports whether a page of ours sent r. The scheme is not compared:
// a proxy on this machine may have ended TLS.
func sameOrigin(r *http.Request) bool {
	o, err := url.Parse(r.Header.Get("Origin"))
	return err == nil && o.Host != "" && o.Host == r.Host
}

// foreign refuses what another site sent.
func foreign(w http.ResponseWriter, r *http.Request) {
	refuse(w, r, http.StatusForbidden, "This request came from another page. Open homeward itself and try again.")
}

// refuse says why in plain text or, to programs, as a problem document (RFC 9457).
func refuse(w http.ResponseWriter, r *http.Request, status int, why string) {
	if !strings.HasPrefix(r.URL.Path, "/api/") {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(status)
		w.Write([]byte(why + "\n")) // the client went away: nobody to tell
		return
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(struct {
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail"`
	}{"about:blank", http.StatusText(status), status, why})
}
