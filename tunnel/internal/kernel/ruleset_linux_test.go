package kernel

import (
	"fmt"
	"log/slog"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/nftables"

	"homeward/tunnel/internal/plane"
	"homeward/tunnel/internal/planetest"
)

func testConfig() plane.Config {
	return plane.Config{
		Name: "homeward0", MTU: 1412, ListenPort: 51820, Logger: slog.New(slog.DiscardHandler),
		Addresses: []netip.Prefix{netip.MustParsePrefix("10.66.0.1/24"), netip.MustParsePrefix("fd66::1/64")},
	}
}

func TestReadingBackSeesWhatOthersChanged(t *testing.T) {
	planetest.InNamespace(t, func(t *testing.T) {
		for name, change := range map[string]string{
			"a rule less":    "flush chain inet homeward0 from_peers",
			"a rule more":    "add rule inet homeward0 to_peers accept",
			"another one":    "flush chain inet homeward0 forward; add rule inet homeward0 forward accept; add rule inet homeward0 forward accept",
			"a set's member": "delete element inet homeward0 never4 { 127.0.0.0/8 }",
			"the table":      "delete table inet homeward0",
		} {
			t.Run(name, func(t *testing.T) {
				r := newRuleset(testConfig())
				for range 2 { // and writing twice is the same as once
					if err := r.write(); err != nil {
						t.Fatal(err)
					}
				}
				if out, err := exec.Command("nft", change).CombinedOutput(); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
				conn, err := nftables.New()
				if err != nil {
					t.Fatal(err)
				}
				if err := r.verify(conn); err == nil {
					t.Error("it was not seen")
				}
			})
		}
	})
}

// Prefix lengths that are no whole bytes take another path.
func TestOddPrefixLengths(t *testing.T) {
	planetest.InNamespace(t, func(t *testing.T) {
		cfg := testConfig()
		cfg.Addresses = []netip.Prefix{netip.MustParsePrefix("10.66.3.1/22"), netip.MustParsePrefix("fd66:0:0:f::1/63")}
		if err := newRuleset(cfg).write(); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("nft", "list", "table", "inet", "homeward0").CombinedOutput()
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"ip saddr != 10.66.0.0/22 drop", "ip6 saddr != fd66:0:0:e::/63 drop"} {
			if !strings.Contains(string(out), want) {
				t.Errorf("%q is not in\n%s", want, out)
			}
		}
	})
}

func TestMasqueradeAvoidsTheListenPort(t *testing.T) {
	for listen := range 1 << 16 {
		ms := masquerades(uint16(listen))
		if last := ms[len(ms)-1]; last.from != 0 {
			t.Fatalf("%d: what has no ports gets some: %+v", listen, last)
		}
		if n := len(ms); n != 3 && n != 5 {
			t.Fatalf("%d: %d rules", listen, n)
		}
		for _, m := range ms[:len(ms)-1] {
			if m.from < firstHighPort || m.to < m.from || int(m.to)-int(m.from) < enoughPorts-2 ||
				int(m.from) <= listen && listen <= int(m.to) {
				t.Fatalf("%d: from %d to %d", listen, m.from, m.to)
			}
		}
	}
}

func TestMasqueradeAvoidsAllListenPorts(t *testing.T) {
	for _, listen := range [][]uint16{{51820, 40000}, {40000, 51820}, {51820, 51821}, {20000, 33000}, {51820, 65535}, {32768, 36864, 61000}} {
		for _, m := range masquerades(listen...) {
			if m.from != 0 && (m.from < firstHighPort || int(m.to)-int(m.from)+1 < enoughPorts) {
				t.Errorf("%v: from %d to %d", listen, m.from, m.to)
			}
			for _, p := range listen {
				if m.from <= p && p <= m.to && m.from != 0 {
					t.Errorf("%v: from %d to %d", listen, m.from, m.to)
				}
			}
		}
	}
	for _, c := range []struct {
		listen []uint16
		want   string
	}{
		{[]uint16{51820, 40000}, "51821-65535 40001-51819 32768-39999"},
		{[]uint16{51820, 51821}, "51822-65535 32768-51819"},
		{[]uint16{20000, 33000}, "33001-65535"},
	} {
		var got []string
		for _, m := range sourceRanges(c.listen) {
			got = append(got, fmt.Sprintf("%d-%d", m.from, m.to))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%v: %v, want %s", c.listen, got, c.want)
		}
	}
}

func TestIntervalsJoinNeighbours(t *testing.T) {
	keys := func(s ...string) (out []string) {
		for _, e := range intervals(prefixes(s...)) {
			a, _ := netip.AddrFromSlice(e.Key)
			if e.IntervalEnd {
				out = append(out, "-"+a.String())
			} else {
				out = append(out, a.String())
			}
		}
		return out
	}
	for _, c := range []struct{ in, want []string }{
		{[]string{"10.0.0.0/8", "192.168.0.0/16"}, []string{"10.0.0.0", "-11.0.0.0", "192.168.0.0", "-192.169.0.0"}},
		{[]string{"10.0.0.0/8", "11.0.0.0/8"}, []string{"10.0.0.0", "-12.0.0.0"}},
		{[]string{"224.0.0.0/3"}, []string{"224.0.0.0"}},
		{[]string{"fe80::/10", "fec0::/10", "ff00::/8"}, []string{"fe80::"}},
		{[]string{"::1/128"}, []string{"::1", "-::2"}},
	} {
		if got := keys(c.in...); !slices.Equal(got, c.want) {
			t.Errorf("intervals(%v) = %v, want %v", c.in, got, c.want)
		}
	}
}

func TestOthersRulesThatNameTheInterface(t *testing.T) {
	for _, c := range []struct {
		data string
		want bool
	}{
		{"homeward0\x00\x00\x00\x00\x00\x00\x00", true}, // nft
		{"homeward0\x00", true},                         // iptables-nft
		{"home", true},                                  // "home*"
		{"homeward1\x00", false},
		{"home\x00", false},
		{"\x00\x00\x00\x00", false},
		{"\x0a", false},
		{"", false},
	} {
		if got := names([]byte(c.data), "homeward0"); got != c.want {
			t.Errorf("names(%q) = %t", c.data, got)
		}
	}
}
