package forwards

import (
	"errors"
	"log/slog"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"homeward/configs/state"
	"homeward/upnp"
)

// told is a mapper that remembers what it was told last.
type told struct{ list []upnp.Forward }

func (m *told) SetForwards(list []upnp.Forward) { m.list = list }

func house() House {
	return House{
		Self: []netip.Addr{netip.MustParseAddr("192.168.1.5")}, Router: netip.MustParseAddr("192.168.1.1"),
		LAN: []netip.Prefix{netip.MustParsePrefix("192.168.1.0/24")}, Port: 41234, AdminPort: 8377,
	}
}

func rule(name, protocol string, external, count uint16, to string) Rule {
	return Rule{Name: name, Protocol: protocol, External: external, Count: count, To: netip.MustParseAddrPort(to), Enabled: true}
}

// open opens the book in a state directory.
func open(t *testing.T, dir string) (*Book, *told, func()) {
	t.Helper()
	st, err := state.Open(t.Context(), dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	m := &told{}
	b, err := New(t.Context(), Config{DB: st.DB(), House: house, Mapper: m})
	if err != nil {
		t.Fatal(err)
	}
	return b, m, func() { st.Close() }
}

func TestRulesOutliveTheProcessAndReachTheMapper(t *testing.T) {
	dir := t.TempDir()
	b, m, end := open(t, dir)
	web, err := b.Add(t.Context(), rule("Web", "TCP", 8443, 1, "192.168.1.23:443"))
	if err != nil || web.ID == 0 || web.Created.IsZero() {
		t.Fatalf("%+v, %v", web, err)
	}
	games, err := b.Add(t.Context(), rule("Games", "UDP", 27015, 5, "192.168.1.30:27015"))
	if err != nil {
		t.Fatal(err)
	}
	want := []upnp.Forward{
		{ID: web.ID, Protocol: "TCP", External: 8443, Count: 1, To: web.To}, {ID: games.ID, Protocol: "UDP", External: 27015, Count: 5, To: games.To},
	}
	if !reflect.DeepEqual(m.list, want) {
		t.Errorf("the mapper was told %+v", m.list)
	}
	if r, ok := b.On("UDP", 27019); !ok || r.ID != games.ID {
		t.Errorf("who opens 27019: %+v, %t", r, ok)
	}
	if _, ok := b.On("UDP", 27020); ok {
		t.Error("a port after the range is said to be open")
	}
	if _, err := b.SetEnabled(t.Context(), web.ID, false); err != nil || len(m.list) != 1 || m.list[0].ID != games.ID {
		t.Errorf("switched off: %+v, %v", m.list, err)
	}
	before := b.Rules()
	end()

	b, m, end = open(t, dir)
	defer end()
	if after := b.Rules(); !reflect.DeepEqual(before, after) || len(m.list) != 1 {
		t.Errorf("%+v, want %+v; the mapper was told %+v", after, before, m.list)
	}
	if r, err := b.SetEnabled(t.Context(), web.ID, true); err != nil || !r.Enabled || len(m.list) != 2 {
		t.Errorf("switched on: %+v, %v", r, err)
	}
	if err := b.Remove(t.Context(), web.ID); err != nil || len(m.list) != 1 || len(b.Rules()) != 1 {
		t.Errorf("removed: %+v, %v", m.list, err)
	}
	if err := b.Remove(t.Context(), web.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("%v", err)
	}
	if _, err := b.SetEnabled(t.Context(), 99, true); !errors.Is(err, ErrNotFound) {
		t.Errorf("%v", err)
	}
}

func TestARuleThatCannotBeSaysWhy(t *testing.T) {
	b, m, end := open(t, t.TempDir())
	defer end()
	if _, err := b.Add(t.Context(), rule("Web", "TCP", 8443, 3, "192.168.1.23:443")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		rule  Rule
		field string
		says  string
	}{
		{"no name", rule("", "TCP", 1000, 1, "192.168.1.23:1"), "name", "missing"},
		{"long name", rule(strings.Repeat("ä", 65), "TCP", 1000, 1, "192.168.1.23:1"), "name", "longer"},
		{"bad name", rule("a\x1b[31m", "TCP", 1000, 1, "192.168.1.23:1"), "name", "shown"},
		{"protocol", rule("x", "tcp", 1000, 1, "192.168.1.23:1"), "protocol", "TCP or UDP"},
		{"no port", rule("x", "TCP", 0, 1, "192.168.1.23:1"), "external", "1 to 65535"},
		{"empty range", rule("x", "TCP", 1000, 0, "192.168.1.23:1"), "last", "first one"},
		{"past the end", rule("x", "TCP", 65530, 10, "192.168.1.23:1"), "last", "65535"},
		{"wide range", rule("x", "TCP", 1000, 33, "192.168.1.23:1"), "last", "more than 32"},
		{"no inner port", rule("x", "TCP", 1000, 1, "192.168.1.23:0"), "internal", "1 to 65535"},
		{"inner range past the end", rule("x", "TCP", 1000, 10, "192.168.1.23:65530"), "internal", "1 to 65535"},
		{"IPv6", rule("x", "TCP", 1000, 1, "[fd00::1]:1"), "machine", "IPv4"},
		{"elsewhere", rule("x", "TCP", 1000, 1, "192.168.2.23:1"), "machine", "not in the house"},
		{"the internet", rule("x", "TCP", 1000, 1, "81.2.69.2:1"), "machine", "not in the house"},
		{"loopback", rule("x", "TCP", 1000, 1, "127.0.0.1:1"), "machine", "not in the house"},
		{"the router", rule("x", "TCP", 1000, 1, "192.168.1.1:80"), "machine", "router itself"},
		{"the network", rule("x", "TCP", 1000, 1, "192.168.1.0:80"), "machine", "whole network"},
		{"everybody", rule("x", "TCP", 1000, 1, "192.168.1.255:80"), "machine", "whole network"},
		{"homeward's page", rule("x", "TCP", 443, 1, "192.168.1.5:8377"), "internal", "own page"},
		{"homeward's page in a range", rule("x", "TCP", 1000, 5, "192.168.1.5:8375"), "internal", "own page"},
		{"homeward's port inside", rule("x", "UDP", 1000, 1, "192.168.1.5:41234"), "internal", "devices come home"},
		{"homeward's port outside", rule("x", "UDP", 41230, 10, "192.168.1.23:1"), "external", "devices come home"},
		{"taken", rule("x", "TCP", 8440, 4, "192.168.1.24:1"), "external", "“Web”"},
	} {
		var f *FieldError
		if _, err := b.Add(t.Context(), c.rule); !errors.As(err, &f) || f.Field != c.field || !strings.Contains(f.Problem, c.says) {
			t.Errorf("%s: %v, want %s %s", c.name, err, c.field, c.says)
		}
	}
	for _, good := range []Rule{
		rule("same number, other protocol", "UDP", 8443, 1, "192.168.1.23:443"),
		rule("next to it", "TCP", 8446, 1, "192.168.1.23:443"),
		rule("another port of this box", "TCP", 5001, 1, "192.168.1.5:5001"),
		rule("the page's number elsewhere", "TCP", 8377, 1, "192.168.1.23:8377"),
	} {
		if _, err := b.Add(t.Context(), good); err != nil {
			t.Errorf("%s: %v", good.Name, err)
		}
	}
	if len(m.list) != 5 {
		t.Errorf("the mapper was told %+v", m.list)
	}
}

func TestThereIsAnEndToRules(t *testing.T) {
	b, _, end := open(t, t.TempDir())
	defer end()
	for i := range uint16(2) {
		if _, err := b.Add(t.Context(), rule("wide", "TCP", 1000+100*i, 32, "192.168.1.23:1000")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.Add(t.Context(), rule("one more", "TCP", 5000, 1, "192.168.1.23:1")); !errors.Is(err, ErrFull) {
		t.Errorf("%v", err)
	}
}

// A rule that was good once is looked at again when it is switched on.
func TestARuleIsCheckedAgainWhenItIsSwitchedOn(t *testing.T) {
	b, _, end := open(t, t.TempDir())
	defer end()
	r := rule("Web", "TCP", 8443, 1, "192.168.1.23:443")
	r.Enabled = false
	r, err := b.Add(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	b.house = func() House { h := house(); h.LAN = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")}; return h }
	var f *FieldError
	if _, err := b.SetEnabled(t.Context(), r.ID, true); !errors.As(err, &f) || f.Field != "machine" {
		t.Errorf("%v", err)
	}
}
