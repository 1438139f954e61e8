package guard

import (
	"net/http"
	"strings"

	"homeward/configs/secret"
)

// Metrics is where collectors look by custom, the one path besides those below /api/
// to which programs come.
const Metrics = "/metrics"

// Token is what a program comes in by (RFC 6750, section 2.1), where programs come; ok is
// false for a request without one.
//
// A request with any cookie has none, whatever it says besides: it is taken for a
// browser's, whose cookies another site can have sent along, and goes by the rules for
// those. A token alone is nothing that a browser adds by itself.
func Token(r *http.Request) (text secret.Text, ok bool) {
	if !strings.HasPrefix(r.URL.Path, "/api/") && r.URL.Path != Metrics || len(r.Header.Values("Cookie")) > 0 {
		return secret.Text{}, false
	}
	scheme, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return secret.Text{}, false
	}
	return secret.NewText(strings.TrimSpace(value)), true
}
