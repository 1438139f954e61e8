package ddns

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestNewChecksAndReportsEverything(t *testing.T) {
	ok := func() Config {
		return Config{Provider: DynDNS2, Server: "dyn.example.net", Name: "Home.Example.org.", Credentials: NewCredentials("u", token)}
	}
	u, err := New(ok())
	if err != nil || u.Status().Name != "home.example.org" {
		t.Fatalf("the control fails: %v %+v", err, u)
	}
	for _, c := range []struct {
		name, field string
		spoil       func(*Config)
		words       string
	}{
		{"provider", "provider", func(c *Config) { c.Provider = "dyndns9" }, "not known"},
		{"no name", "name", func(c *Config) { c.Name = "" }, "full domain name"},
		{"one label", "name", func(c *Config) { c.Name = "home" }, "full domain name"},
		{"an address", "name", func(c *Config) { c.Name = "192.168.1.1" }, "full domain name"},
		{"injection", "name", func(c *Config) { c.Name = "home.example.org&myip=1.2.3.4" }, "full domain name"},
		{"wildcard", "name", func(c *Config) { c.Name = "*.example.org" }, "full domain name"},
		{"long", "name", func(c *Config) { c.Name = strings.Repeat("a.", 127) + "org" }, "full domain name"},
		{"zone", "zone", func(c *Config) { c.Zone = "ample.org" }, "not in the zone"},
		{"ttl", "ttl", func(c *Config) { c.TTL = time.Second }, "ttl"},
		{"no secret", "secret", func(c *Config) { c.Credentials = NewCredentials("u", " ") }, "missing"},
		{"no user", "user", func(c *Config) { c.Credentials = NewCredentials("", token) }, "user is missing"},
		{"no server", "server", func(c *Config) { c.Server = "" }, "no host name"},
		{"http", "server", func(c *Config) { c.Server = "http://dyn.example.net" }, "no host name"},
		{"server with a path", "server", func(c *Config) { c.Server = "dyn.example.net/x" }, "no host name"},
		{"server with a user", "server", func(c *Config) { c.Server = "evil@dyn.example.net" }, "no host name"},
		{"path", "path", func(c *Config) { c.Path = "evil.example.net/" }, "path"},
		{"host by path", "path", func(c *Config) { c.Path = "@evil.example.net/" }, "path"},
		{"duckdns", "name", func(c *Config) { c.Provider = DuckDNS }, "duckdns.org"},
		{"custom http", "secret", func(c *Config) { c.Provider, c.Credentials = Custom, NewCredentials("", "http://h.example/"+token) }, "https"},
		{"custom host", "secret", func(c *Config) { c.Provider, c.Credentials = Custom, NewCredentials("", "https://{name}/"+token) }, "no sense"},
		{"custom nothing", "secret", func(c *Config) { c.Provider, c.Credentials = Custom, NewCredentials("", "https:///"+token) }, "no sense"},
		{"tsig key", "secret", func(c *Config) { c.Provider = RFC2136 }, "base64"},
		{"tsig md5", "algorithm", func(c *Config) {
			c.Provider, c.Algorithm, c.Credentials = RFC2136, "hmac-md5", NewCredentials("k", testKey)
		}, "hmac-sha256"},
		{"tsig server", "server", func(c *Config) {
			c.Provider, c.Server, c.Credentials = RFC2136, "ns:99999", NewCredentials("k", testKey)
		}, "server"},
	} {
		config := ok()
		c.spoil(&config)
		_, err := New(config)
		if named := (*FieldError)(nil); !errors.As(err, &named) || named.Field != c.field {
			t.Errorf("%s: the field is not %s: %+v", c.name, c.field, named)
		}
		if err == nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: error = %v, want %q in it", c.name, err, c.words)
		} else if strings.Contains(err.Error(), token) {
			t.Errorf("%s: the secret is in %q", c.name, err)
		}
	}
	_, err = New(Config{Provider: DeSEC, Name: "x", TTL: 1})
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("three problems are reported as %v", err)
	}
}

func TestNamesOfAllScripts(t *testing.T) {
	if got, err := parseName("name", " Zuhause.Müller.de. "); err != nil || got != "zuhause.xn--mller-kva.de" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestPolicy(t *testing.T) {
	for _, c := range []struct {
		name   string
		v4, v6 string
		only6  bool
		want   Records
	}{
		{"both work", home4, home6, false, Records{A: addr(home4)}},
		{"only IPv6 works", "", home6, true, Records{AAAA: addr(home6)}},
		{"carrier NAT, only IPv6 works", "100.64.1.1", home6, true, Records{AAAA: addr(home6)}},
		{"private, IPv6 not known to work", "192.168.1.1", home6, false, Records{}},
		{"the caller says both", home4, home6, true, Records{A: addr(home4), AAAA: addr(home6)}},
		{"unique local", "", "fd00::1", true, Records{}},
		{"swapped families", home6, home4, true, Records{}},
		{"mapped", "::ffff:" + home4, "::ffff:" + home4, true, Records{A: addr(home4)}},
		{"nothing", "", "", true, Records{}},
	} {
		v4, _ := parseOptional(c.v4)
		v6, _ := parseOptional(c.v6)
		if got := wanted(v4, v6, c.only6); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}
