package kernel

import (
	"net/netip"
	"strings"
	"testing"

	"homeward/tunnel/internal/plane"
)

func TestCheckNamesTheValue(t *testing.T) {
	if err := check(testConfig()); err != nil {
		t.Fatal(err)
	}
	prefix := func(s ...string) func(*plane.Config) {
		return func(c *plane.Config) { c.Addresses = prefixes(s...) }
	}
	for _, c := range []struct {
		name   string
		change func(*plane.Config)
		want   string
	}{
		{"no name", func(c *plane.Config) { c.Name = "" }, `""`},
		{"a long name", func(c *plane.Config) { c.Name = "homeward-at-home" }, `"homeward-at-home"`},
		{"a path", func(c *plane.Config) { c.Name = "../x" }, `"../x"`},
		{"a pattern", func(c *plane.Config) { c.Name = "home%d" }, `"home%d"`},
		{"a small MTU", func(c *plane.Config) { c.MTU = 1279 }, "1279"},
		{"a large MTU", func(c *plane.Config) { c.MTU = 65536 }, "65536"},
		{"no addresses", prefix(), "no tunnel address"},
		{"two of a family", prefix("10.1.0.1/24", "10.2.0.1/24"), "10.1.0.1/24 and 10.2.0.1/24"},
		{"an invalid address", func(c *plane.Config) { c.Addresses = []netip.Prefix{{}} }, "invalid"},
		{"a multicast address", prefix("224.0.0.1/24"), "224.0.0.1/24"},
		{"a loopback address", prefix("::1/64"), "::1/64"},
		{"a mapped address", prefix("::ffff:10.1.0.1/120"), "::ffff:10.1.0.1/120"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := testConfig()
			c.change(&cfg)
			if err := check(cfg); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("err = %v, want %s in it", err, c.want)
			}
		})
	}
}
