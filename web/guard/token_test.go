package guard

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestATokenAloneNeedsNoPageOfOurs(t *testing.T) {
	for name, tt := range map[string]struct {
		path, authorization, cookie, origin, site, host string
		passes                                          bool
	}{
		"a program":                          {"/api/v1/peers", "Bearer x", "", "", "", "", true},
		"a program that names a site":        {"/api/v1/peers", "Bearer x", "", "https://app.example", "cross-site", "", true},
		"the scheme in small letters":        {"/api/v1/peers", "bearer x", "", "", "", "", true},
		"a collector":                        {"/metrics", "Bearer x", "", "", "", "", true},
		"a page that begins so":              {"/metrics/x", "Bearer x", "", "", "", "", false},
		"without a token":                    {"/api/v1/peers", "", "", "", "", "", false},
		"with a password":                    {"/api/v1/peers", "Basic eDp5", "", "", "", "", false},
		"another scheme that begins so":      {"/api/v1/peers", "BearerX x", "", "", "", "", false},
		"with a cookie, too":                 {"/api/v1/peers", "Bearer x", "homeward=y", "", "", "", false},
		"with an empty cookie":               {"/api/v1/peers", "Bearer x", " ", "", "", "", false},
		"a cookie and a foreign origin":      {"/api/v1/peers", "Bearer x", "homeward=y", "https://evil.example", "cross-site", "", false},
		"a cookie and our own page":          {"/api/v1/peers", "Bearer x", "homeward=y", "https://nas:8377", "same-origin", "", true},
		"a page of ours":                     {"/peers", "Bearer x", "", "", "", "", false},
		"a path that looks like it":          {"/apis/v1/peers", "Bearer x", "", "", "", "", false},
		"by a foreign name":                  {"/api/v1/peers", "Bearer x", "", "", "", "evil.example", false},
		"by a foreign name of its own pages": {"/api/v1/peers", "Bearer x", "", "https://evil.example", "same-origin", "evil.example", false},
	} {
		t.Run(name, func(t *testing.T) {
			var called bool
			w := httptest.NewRecorder()
			r := httptest.NewRequest("POST", "http://x"+tt.path, nil)
			r.Host = "nas:8377"
			if tt.host != "" {
				r.Host = tt.host
			}
			for k, v := range map[string]string{"Authorization": tt.authorization, "Cookie": tt.cookie, "Origin": tt.origin, "Sec-Fetch-Site": tt.site} {
				if v != "" {
					r.Header.Set(k, v)
				}
			}
			guarded(&called).ServeHTTP(w, r)
			if called != tt.passes || (w.Code == http.StatusOK) != tt.passes {
				t.Errorf("passed: %v with %d, want %v", called, w.Code, tt.passes)
			}
		})
	}
}
