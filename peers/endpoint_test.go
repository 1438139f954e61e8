package peers

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
)

func TestParseEndpointAccepts(t *testing.T) {
	for in, want := range map[string]string{
		"home.example.org":          "home.example.org:51820",
		"home.example.org:4500":     "home.example.org:4500",
		"Home.Example.ORG.":         "home.example.org:51820",
		"xn--mller-kva.example:1":   "xn--mller-kva.example:1",
		"203.0.113.7":               "203.0.113.7:51820",
		"203.0.113.7:65535":         "203.0.113.7:65535",
		"2001:db8::1":               "[2001:db8::1]:51820",
		"2001:DB8:0::1":             "[2001:db8::1]:51820",
		"[2001:db8::1]":             "[2001:db8::1]:51820",
		"[2001:db8::1]:443":         "[2001:db8::1]:443",
		"[::ffff:203.0.113.7]:443":  "203.0.113.7:443",
		"1st.example.org":           "1st.example.org:51820",
		"203-0-113-7.isp.example":   "203-0-113-7.isp.example:51820",
		"a.b.c.d.e.dyndns.example.": "a.b.c.d.e.dyndns.example:51820",
	} {
		got, err := ParseEndpoint(in, 51820)
		if err != nil || got.String() != want {
			t.Errorf("ParseEndpoint(%q) = %q, %v; want %q", in, got, err, want)
			continue
		}
		if got.Source != EndpointOperator || len(got.Warnings) > 0 || got.check() != nil {
			t.Errorf("ParseEndpoint(%q) = %+v, %v", in, got, got.check())
		}
	}
}

func TestParseEndpointRefuses(t *testing.T) {
	for in, problem := range map[string]string{
		"":                                   "is empty",
		"home.example.org:0":                 "port",
		"home.example.org:65536":             "port",
		"home.example.org:":                  "port",
		"home.example.org:+5":                "port",
		"home.example.org:05":                "port",
		"home.example.org:http":              "port",
		":51820":                             "no host",
		".":                                  "no host",
		"https://home.example.org":           "scheme",
		"udp://203.0.113.7:1":                "scheme",
		"home.example.org/vpn":               "more than a host",
		"me@home.example.org":                "more than a host",
		"home.example.org#x":                 "more than a host",
		"home example.org":                   "space",
		" home.example.org":                  "space",
		"home.example.org\n":                 "control character",
		"home.example.org\nPostUp = x":       "control character",
		"home.example.org\x00":               "control character",
		"müller.example":                     `"xn--mller-kva.example"`,
		"\xff.example":                       "control character",
		"[2001:db8::1":                       "closing bracket",
		"[2001:db8::1]443":                   "after the bracket",
		"[203.0.113.7]:1":                    "no IPv6 address",
		"[home.example.org]:1":               "no IPv6 address",
		"2001:db8:::1":                       "neither",
		"fe80::1%eth0":                       "zone",
		"0.0.0.0":                            "no address",
		"::":                                 "no address",
		"224.0.0.1":                          "single host",
		"255.255.255.255":                    "single host",
		"ff02::1":                            "single host",
		"256.1.1.1":                          "looks like an IPv4 address",
		"192.168.1":                          "looks like an IPv4 address",
		"0x7f000001":                         "looks like an IPv4 address",
		"-home.example.org":                  "neither an address nor a DNS name",
		"home..example":                      "neither an address nor a DNS name",
		"home_nas.example":                   "neither an address nor a DNS name",
		strings.Repeat("a", 64) + ".example": "neither an address nor a DNS name",
		strings.Repeat("a.", 130) + "org":    "too long",
	} {
		got, err := ParseEndpoint(in, 51820)
		var field *FieldError
		if !errors.As(err, &field) || field.Field != "endpoint" {
			t.Errorf("ParseEndpoint(%q) = %+v, %v; want a FieldError of endpoint", in, got, err)
		} else if !strings.Contains(field.Problem, problem) {
			t.Errorf("ParseEndpoint(%q): problem %q does not say %q", in, field.Problem, problem)
		}
	}
	if _, err := ParseEndpoint("home.example.org", 0); err == nil {
		t.Error("no port at all is accepted")
	}
}

func TestEndpointsThatWorkOnlyAtHomeAreMarked(t *testing.T) {
	for _, in := range []string{
		"192.168.1.5", "10.0.0.1:1", "172.16.0.1", "fd00::1", "100.64.0.1", "100.127.255.255", "127.0.0.1",
		"[::1]:5", "169.254.1.1", "fe80::1", "localhost", "nas", "nas.local", "nas.fritz.box", "box.home.arpa", "::ffff:10.0.0.1",
	} {
		if got, err := ParseEndpoint(in, 1); err != nil || len(got.Warnings) != 1 {
			t.Errorf("ParseEndpoint(%q) = %+v, %v; want one warning", in, got, err)
		}
	}
}

func TestNewEndpoint(t *testing.T) {
	got, err := NewEndpoint(netip.MustParseAddrPort("100.64.1.2:4500"), EndpointRouter)
	if err != nil || got.String() != "100.64.1.2:4500" || got.Source != EndpointRouter || len(got.Warnings) != 1 {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, bad := range []netip.AddrPort{
		{}, netip.AddrPortFrom(netip.IPv4Unspecified(), 5), netip.AddrPortFrom(netip.MustParseAddr("203.0.113.7"), 0),
		netip.AddrPortFrom(netip.MustParseAddr("2001:db8::1").WithZone("x\ny"), 5),
	} {
		if got, err := NewEndpoint(bad, EndpointRouter); err == nil {
			t.Errorf("NewEndpoint(%v) = %+v, want an error", bad, got)
		}
	}
}
