package upnp

import (
	"net/netip"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestRoutersWordsAreCleaned(t *testing.T) {
	for name, tt := range map[string]struct{ in, want string }{
		"plain":            {"FRITZ!Box 7590", "FRITZ!Box 7590"},
		"blanks":           {"  a \t\r\n b ", "a b"},
		"ansi":             {"\x1b[31mred", "[31mred"},
		"bidi override":    {"safe\u202egnp", "safegnp"},
		"broken utf-8":     {"a\xffb", "ab"},
		"long":             {strings.Repeat("ü", 200), strings.Repeat("ü", 64)},
		"blank at the cut": {strings.Repeat("x", 63) + " y", strings.Repeat("x", 63) + "y"},
		"nothing":          {"\x00\u200b", ""},
	} {
		if got := clean(tt.in); got != tt.want {
			t.Errorf("%s: clean(%q) = %q, want %q", name, tt.in, got, tt.want)
		}
	}
	if got := routerName("AVM", "AVM FRITZ!Box"); got != "AVM FRITZ!Box" {
		t.Errorf("maker said twice: %q", got)
	}
	if got := routerName("TP-Link", "ER605"); got != "TP-Link ER605" {
		t.Errorf("name = %q", got)
	}
}

func FuzzClean(f *testing.F) {
	f.Add("TP-Link\x1b]0;title\x07")
	f.Fuzz(func(t *testing.T, s string) {
		c := clean(s)
		if !utf8.ValidString(c) || utf8.RuneCountInString(c) > maxWords || clean(c) != c {
			t.Errorf("clean(%q) = %q", s, c)
		}
	})
}

func TestExternalAddressClasses(t *testing.T) {
	for addr, want := range map[string]wanClass{
		"81.2.69.2": wanPublic, "::ffff:81.2.69.2": wanPublic, "100.128.0.1": wanPublic, "172.32.0.1": wanPublic,
		"10.0.0.1": wanPrivate, "172.31.255.1": wanPrivate, "192.168.0.12": wanPrivate,
		"100.64.0.1": wanCarrier, "100.127.255.255": wanCarrier, "192.0.0.2": wanCarrier,
		"0.0.0.0": wanNone, "127.0.0.1": wanNone, "169.254.1.1": wanNone, "203.0.113.7": wanNone,
		"198.18.0.1": wanNone, "224.0.0.1": wanNone, "255.255.255.255": wanNone, "2001:db8::1": wanNone,
	} {
		if got := classify(netip.MustParseAddr(addr)); got != want {
			t.Errorf("classify(%s) = %d, want %d", addr, got, want)
		}
	}
	if got := classify(netip.Addr{}); got != wanNone {
		t.Errorf("classify(none) = %d", got)
	}
}
