package peers_test

import (
	"errors"
	"strings"
	"testing"

	"homeward/peers"
)

func TestGrantsHaveOneText(t *testing.T) {
	for typed, want := range map[string]peers.Access{
		"":                                 peers.AccessEverything,
		" \n":                              peers.AccessEverything,
		"Everything":                       peers.AccessEverything,
		"nothing":                          peers.AccessNothing,
		";":                                peers.AccessNothing,
		"peers":                            "peers",
		"admin; HOME ;peers":               "home; peers; admin",
		"nothing; 192.168.1.20":            "192.168.1.20",
		"192.168.1.20 TCP/445 tcp/445 udp": "192.168.1.20 tcp/445 udp",
		"192.168.1.20\r\n192.168.1.21 tcp/1-65535\n": "192.168.1.20; 192.168.1.21 tcp/1-65535",
		"192.168.1.20; 192.168.1.20":                 "192.168.1.20",
		"192.168.1.0/24 icmp":                        "192.168.1.0/24 icmp",
		"192.168.1.0-192.168.1.255":                  "192.168.1.0/24",
		"192.168.1.64-192.168.1.80":                  "192.168.1.64-192.168.1.80",
		"192.168.1.20/32":                            "192.168.1.20",
		"FD00::0:1 udp/53-53":                        "fd00::1 udp/53",
		"fd00::/64":                                  "fd00::/64",
		"0.0.0.0/0 tcp/443":                          "0.0.0.0/0 tcp/443",
		"box":                                        "box",
		"box tcp/22; box tcp/22 tcp/445":             "box tcp/22 tcp/445",
		"box tcp/22; box":                            "box",
		"box; box tcp/22":                            "box",
		"internet; box tcp/445":                      "internet; box tcp/445",
	} {
		got, err := peers.ParseAccess(typed)
		if err != nil || got != want {
			t.Errorf("%q is %q, want %q: %v", typed, got, want, err)
		}
		if again, err := peers.ParseAccess(string(got)); err != nil || again != got {
			t.Errorf("%q is read again as %q: %v", got, again, err)
		}
	}
}

func TestWrongGrantsAreNamed(t *testing.T) {
	for typed, part := range map[string]string{
		"home; internet":                "choose one",
		"all":                           "is no grant",
		"share.home.lan tcp/80":         "is no grant",
		"192.168.1.300":                 "is no grant",
		"192.168.1.5/24":                "write 192.168.1.0/24",
		"192.168.1.9-192.168.1.2":       "lower address",
		"192.168.1.9-fd00::1":           "lower address",
		"127.0.0.1":                     "cannot be granted",
		"169.254.169.254":               "cannot be granted",
		"fe80::1%eth0":                  "cannot be granted",
		"::ffff:192.168.1.20":           "cannot be granted",
		"224.0.0.1":                     "cannot be granted",
		"::":                            "cannot be granted",
		"home tcp/80":                   "takes no services",
		"192.168.1.20 80":               "is no service",
		"192.168.1.20 sctp":             "is no service",
		"192.168.1.20 icmp/8":           "is no service",
		"192.168.1.20 tcp/0":            "is no service",
		"192.168.1.20 tcp/90-80":        "is no service",
		"192.168.1.20 tcp/080":          "is no service",
		"192.168.1.20 tcp/70000":        "is no service",
		"192.168.1.20 tcp/":             "is no service",
		"peers\x00":                     "control character",
		strings.Repeat("10.0.0.1;", 65): "64 is the most",
		"10.0.0.1" + strings.Repeat(" tcp/1", 17): "16 is the most",
	} {
		var field *peers.FieldError
		if got, err := peers.ParseAccess(typed); !errors.As(err, &field) || field.Field != "access" || !strings.Contains(field.Problem, part) {
			t.Errorf("%q is %q, %v, want %q", typed, got, err, part)
		}
	}
}

func TestWhatIsNotCanonicalGrantsNothing(t *testing.T) {
	for _, a := range []peers.Access{"", "all", "HOME", "home; internet"} {
		if g := a.Grants(); g.Access() != peers.AccessNothing {
			t.Errorf("%q grants %+v", a, g)
		}
	}
	if g := peers.Access("home; peers").Grants(); g.Base != peers.AccessHome || !g.Peers {
		t.Errorf("the control: %+v", g)
	}
}

func FuzzParseAccess(f *testing.F) {
	for _, s := range []string{"internet; box tcp/445", "192.168.1.64-192.168.1.79 udp/5-9", "fd00::/64; peers; admin", "0.0.0.0/0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := peers.ParseAccess(s)
		if err != nil {
			return
		}
		if again, err := peers.ParseAccess(string(a)); err != nil || again != a {
			t.Errorf("%q is %q, and that is %q: %v", s, a, again, err)
		}
		if a.Grants().Access() != a {
			t.Errorf("%q does not survive", a)
		}
	})
}
