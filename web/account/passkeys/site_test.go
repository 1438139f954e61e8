package passkeys

import "testing"

func TestPasskeysNeedANameAndTLS(t *testing.T) {
	for _, tt := range []struct {
		host   string
		sealed bool
		want   Site
		why    string
	}{
		{"nas.example.org", true, Site{"nas.example.org", "https://nas.example.org"}, ""},
		{"NAS.example.org:8377", true, Site{"nas.example.org", "https://nas.example.org:8377"}, ""},
		{"nas.example.org", false, Site{}, Plain},
		{"localhost:8377", false, Site{"localhost", "http://localhost:8377"}, ""},
		{"192.168.1.5:8377", true, Site{}, ByAddress},
		{"[fd00::1]:8377", true, Site{}, ByAddress},
		{"[fd00::1]", true, Site{}, ByAddress},
		{"", true, Site{}, ByAddress},
	} {
		if got, why := SiteOf(tt.host, tt.sealed); got != tt.want || why != tt.why {
			t.Errorf("%s, sealed %v: %+v %q", tt.host, tt.sealed, got, why)
		}
	}
}
