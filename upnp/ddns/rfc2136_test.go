package ddns

import (
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

func rfc2136Config() Config {
	return Config{Provider: RFC2136, Name: "home.example.org", Server: "ns1.example.org", Credentials: NewCredentials("home-key", testKey)}
}

func rfc2136Lab(t *testing.T) *lab {
	l := newLab(t)
	l.dns.set("example.org", "SOA", "ns1.example.org. root.example.org. 1 3600 600 86400 60")
	l.dns.set("example.org", "NS", "ns1.example.org.")
	// In the home: the address filter is not for this provider.
	l.dns.set("ns1.example.org", "A", "192.168.1.2")
	l.route("tcp", "192.168.1.2:53", l.dns.addr)
	l.route("udp", "192.168.1.2:53", l.dns.addr)
	return l
}

func TestRFC2136ReplacesBothRecordsAtOnce(t *testing.T) {
	l := rfc2136Lab(t)
	l.dns.set("home.example.org", "A", old4, "93.184.216.98")
	l.dns.set("home.example.org", "AAAA", old6)
	p := l.publisher(rfc2136Config())
	for range 2 { // the second changes nothing
		if err := p.publish(t.Context(), Records{A: addr(home4)}, Records{}); err != nil {
			t.Fatal(err)
		}
		if got := l.dns.get("home.example.org", "A"); got != home4 {
			t.Errorf("A = %q, want %q alone", got, home4)
		}
		if got := l.dns.get("home.example.org", "AAAA"); got != "" {
			t.Errorf("AAAA = %q, want the stale one removed", got)
		}
	}
	if l.dns.updates != 2 {
		t.Errorf("%d messages for two updates, want one each", l.dns.updates)
	}
}

func TestRFC2136Faults(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*lab, *Config)
		kind  kind
		words string
	}{
		{"wrong key", func(_ *lab, c *Config) { c.Credentials = NewCredentials("home-key", "d3Jvbmctd3Jvbmctd3Jvbmc=") }, stop, "BADSIG"},
		{"unknown key", func(_ *lab, c *Config) { c.Credentials = NewCredentials("other-key", testKey) }, stop, "BADSIG"},
		{"refused", func(l *lab, _ *Config) { l.dns.rcode = dns.RcodeRefused }, temporary, "REFUSED"},
		{"other zone", func(l *lab, _ *Config) { l.dns.rcode = dns.RcodeNotZone }, stop, "NOTZONE"},
		{"out of order", func(l *lab, _ *Config) { l.dns.rcode = dns.RcodeServerFailure }, temporary, "SERVFAIL"},
		{"no signature", func(l *lab, _ *Config) { l.dns.unsigned = true }, temporary, "not signed"},
		{"silence", func(l *lab, _ *Config) { l.dns.silent = true }, temporary, "did not answer"},
		{"not there", func(_ *lab, c *Config) { c.Server = "ns1.example.org:54" }, temporary, "refused"},
		{"no such zone", func(l *lab, c *Config) { c.Name = "home.example.net" }, temporary, "which zone"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := rfc2136Lab(t)
			config := rfc2136Config()
			l.dns.change(func() { c.spoil(l, &config) })
			s := l.seams()
			s.timeout = 300 * time.Millisecond
			u, err := newUpdater(config, s)
			if err != nil {
				t.Fatal(err)
			}
			wantFault(t, u.publisher.publish(t.Context(), Records{A: addr(home4)}, Records{}), c.kind, c.words, testKey)
			if got := l.dns.get("home.example.org", "A"); got != "" && c.name != "no signature" {
				t.Errorf("A = %q although refused", got)
			}
		})
	}
}

// wantFault holds an error to a kind and words, with advice and without a secret.
func wantFault(t *testing.T, err error, k kind, words, secret string) {
	t.Helper()
	f, ok := err.(*fault)
	if !ok {
		t.Fatalf("error = %v (%T), want a fault", err, err)
	}
	if f.kind != k {
		t.Errorf("kind = %v, want %v (%s)", f.kind, k, f.problem)
	}
	if !strings.Contains(f.problem, words) {
		t.Errorf("problem = %q, want %q in it", f.problem, words)
	}
	if f.advice == "" {
		t.Errorf("no advice with %q", f.problem)
	}
	if secret != "" && strings.Contains(f.problem+f.advice, secret) {
		t.Errorf("the secret is in %q, %q", f.problem, f.advice)
	}
}
