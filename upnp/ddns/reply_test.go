package ddns

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func parseOptional(s string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(s)
	return a, err == nil
}

func TestParseReply(t *testing.T) {
	for _, c := range []struct {
		body  string
		code  code
		addrs string
	}{
		{"good 93.184.216.34", codeGood, home4},
		{"good", codeGood, ""},
		{"good " + home4 + "," + home6 + "\r\n", codeGood, home4 + " " + home6},
		{"nochg " + home4 + " " + home6, codeNoChange, home4 + " " + home6},
		{"\r\n NOCHG\tx", codeNoChange, ""},
		{"badauth\ngood 1.2.3.4", codeBadAuth, ""},
		{"!donator", codeNotPaid, ""},
		{"911 [service unavailable]", code911, ""},
		{"goodbye", codeUnknown, ""},
		{"<html>good</html>", codeUnknown, ""},
		{"", codeUnknown, ""},
		{"good fe80::1%eth0 ::ffff:1.2.3.4", codeGood, "1.2.3.4"},
	} {
		got := parseReply([]byte(c.body))
		var addrs []string
		for _, a := range got.addrs {
			addrs = append(addrs, a.String())
		}
		if got.code != c.code || strings.Join(addrs, " ") != c.addrs {
			t.Errorf("%q: %q %v, want %q %s", c.body, got.code, addrs, c.code, c.addrs)
		}
	}
}

// FuzzReply: whatever comes, a code is one of ours, addresses come only with good
// news and are few, and the judgement never shows what must not be shown.
func FuzzReply(f *testing.F) {
	for _, s := range []string{
		"good 93.184.216.34", "nochg", "badauth", "abuse", "911", "!yours", // Dyn's codes
		"good 1.2.3.4,2001:db8::1\r\n", // two families, as Strato says it
		"good 127.0.0.1",               // Dyn's way to ignore
		"<html><body>login</body>",     // a captive portal
		"good fe80::1%\x00",            // a zone
		token,                          // an echo of the secret
		"\xff\xfe\u202egood",           // no text
	} {
		f.Add([]byte(s), 200)
		f.Add([]byte(s), 503)
	}
	c := &client{provider: DynDNS2, scrub: NewCredentials("u", token).scrubber()}
	want := Records{A: addr(home4)}
	f.Fuzz(func(t *testing.T, body []byte, status int) {
		r := parseReply(body)
		if parseCode(string(r.code)) != r.code {
			t.Errorf("code %q", r.code)
		}
		if len(r.addrs) > 4 || len(r.addrs) > 0 && r.code != codeGood && r.code != codeNoChange {
			t.Errorf("addresses %v with %q", r.addrs, r.code)
		}
		for _, a := range r.addrs {
			if !a.IsValid() || a.Zone() != "" || a.Is4In6() {
				t.Errorf("address %v", a)
			}
		}
		fault := c.dyndnsFault(reply{status: status, body: body}, want)
		if fault == nil {
			if status != 200 || r.code != codeGood && r.code != codeNoChange || len(r.addrs) > 0 && !slices.Contains(r.addrs, want.A) {
				t.Errorf("%q with %d is good news", body, status)
			}
			return
		}
		for _, s := range []string{fault.problem, fault.advice} {
			if s == "" || strings.Contains(s, token) || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
				t.Errorf("words %q", s)
			}
		}
	})
}
