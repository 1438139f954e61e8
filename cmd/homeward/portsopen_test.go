package main

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"homeward/configs/state"
	"homeward/upnp"
	"homeward/upnp/forwards"
	"homeward/upnp/journal"
	"homeward/web/api"
)

// bookOf is a rule book in a home with the usual addresses, whose mapper says that
// everything is in that state.
func bookOf(t *testing.T, s upnp.ForwardStatus) forwardBook {
	t.Helper()
	st, err := state.Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	house := func() forwards.House {
		return forwards.House{Self: []netip.Addr{netip.MustParseAddr("192.168.1.5")}, LAN: []netip.Prefix{netip.MustParsePrefix("192.168.1.0/24")}, Port: 41234, AdminPort: 8377}
	}
	b := forwardBook{}
	if b.book, err = forwards.New(t.Context(), forwards.Config{DB: st.DB(), House: house}); err != nil {
		t.Fatal(err)
	}
	b.states = func() []upnp.ForwardStatus {
		var list []upnp.ForwardStatus
		for _, r := range b.book.Rules() {
			s.ID = r.ID
			list = append(list, s)
		}
		return list
	}
	return b
}

func TestARuleIsShownWithItsStateAndItsRisk(t *testing.T) {
	seen := time.Unix(1800000000, 0)
	b := bookOf(t, upnp.ForwardStatus{State: upnp.ForwardRefused, Problem: "The router refuses.", VerifiedAt: seen, Foreign: true})
	made, err := b.OpenForward(t.Context(), api.NewForward{Name: "PC", Protocol: "TCP", External: 3388, Last: 3390, Machine: "192.168.1.23"})
	if err != nil || made.State != "waiting" || made.Risk != "danger" || made.Internal != 3388 || made.Last != 3390 || !made.Enabled {
		t.Fatalf("%+v, %v", made, err)
	}
	list := b.Forwards()
	if f := list[0]; len(list) != 1 || f.State != "refused" || f.Problem == "" || !f.ByHand || !f.Verified.Equal(seen) || f.Risk != "danger" || len(f.Findings) == 0 {
		t.Errorf("%+v", list)
	}
	if f, err := b.SwitchForward(t.Context(), made.ID, false); err != nil || f.State != "off" || f.Problem != "" {
		t.Errorf("%+v, %v", f, err)
	}
	b.states = nil
	if f, err := b.SwitchForward(t.Context(), made.ID, true); err != nil || f.State != "waiting" || !strings.Contains(f.Problem, "map_port") {
		t.Errorf("%+v, %v", f, err)
	}
	if err := b.RemoveForward(t.Context(), made.ID); err != nil || len(b.Forwards()) != 0 {
		t.Error(err)
	}
}

func TestARuleThatCannotBeHasAFieldAndAStatus(t *testing.T) {
	b := bookOf(t, upnp.ForwardStatus{})
	for _, c := range []struct {
		rule   api.NewForward
		field  string
		status int
	}{
		{api.NewForward{Name: "x", Protocol: "TCP", External: 8377, Machine: "192.168.1.5"}, "internal", 400},
		{api.NewForward{Name: "x", Protocol: "TCP", External: 80, Machine: "nonsense"}, "machine", 400},
		{api.NewForward{Name: "x", Protocol: "TCP", External: 80, Last: 79, Machine: "192.168.1.23"}, "last", 400},
		{api.NewForward{Name: "x", Protocol: "TCP", External: 1, Last: 65535, Machine: "192.168.1.23"}, "last", 400},
		{api.NewForward{Name: "x", Protocol: "UDP", External: 41234, Machine: "192.168.1.23"}, "external", 400},
	} {
		var f *api.Failure
		if _, err := b.OpenForward(t.Context(), c.rule); !errors.As(err, &f) || f.Status != c.status || f.Field != c.field {
			t.Errorf("%+v: %v", c.rule, err)
		}
	}
	var f *api.Failure
	if _, err := b.SwitchForward(t.Context(), 9, true); !errors.As(err, &f) || f.Status != 404 {
		t.Errorf("%v", err)
	}
	if err := b.RemoveForward(t.Context(), 9); !errors.As(err, &f) || f.Status != 404 {
		t.Errorf("%v", err)
	}
}

// keptOpen is a mapper whose entries are all kept open by rules.
type keptOpen struct{ tableOf }

func (keptOpen) Close(context.Context, string, uint16) error { return upnp.ErrKeptEntry }

func TestClosingAPortThatIsKeptOpenSwitchesItsRuleOff(t *testing.T) {
	b := bookOf(t, upnp.ForwardStatus{})
	if _, err := b.OpenForward(t.Context(), api.NewForward{Name: "Web", Protocol: "TCP", External: 8443, Machine: "192.168.1.23"}); err != nil {
		t.Fatal(err)
	}
	r := routerTable{mapper: keptOpen{}, rules: b.book}
	if err := r.ClosePort(t.Context(), "TCP", 8443); err != nil || b.Forwards()[0].Enabled {
		t.Errorf("%v, %+v", err, b.Forwards())
	}
	var f *api.Failure
	if err := r.ClosePort(t.Context(), "TCP", 9999); !errors.As(err, &f) || f.Status != 409 {
		t.Errorf("one that no rule opens: %v", err)
	}
}

func TestArgumentsOfPortsOpen(t *testing.T) {
	for text, want := range map[string]api.NewForward{
		"Web tcp 8443 192.168.1.23:443":     {Name: "Web", Protocol: "TCP", External: 8443, Machine: "192.168.1.23", Internal: 443},
		"Game UDP 27015-27030 192.168.1.30": {Name: "Game", Protocol: "UDP", External: 27015, Last: 27030, Machine: "192.168.1.30", Internal: 27015},
		"x sctp 1 192.168.1.30":             {},
		"x tcp 0 192.168.1.30":              {},
		"x tcp 70000 192.168.1.30":          {},
		"x tcp 5-4 192.168.1.30":            {},
		"x tcp 5 nas":                       {},
		"x tcp 5 192.168.1.30:x":            {},
	} {
		got, err := parseForward(strings.Fields(text))
		if (err != nil) != (want == api.NewForward{}) || err == nil && got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
}

func TestPortsAreOpenedListedAndRemovedByCommands(t *testing.T) {
	dir := newDir(t, "")
	start(t, dir)
	do := func(wantCode int, says string, args ...string) {
		t.Helper()
		code, out, errs := homeward(t.Context(), dir, args...)
		if code != wantCode || !strings.Contains(out+errs, says) {
			t.Errorf("%q: exit code %d, want %d; said %q %q, want %q in it", args, code, wantCode, out, errs, says)
		}
	}
	do(exitOK, "Nothing is kept open", "ports", "rules")
	do(exitUsage, "tcp or udp", "ports", "open", "Web", "http", "80", "192.168.1.2")
	do(exitUsage, "Remote desktop is open", "ports", "open", "PC", "tcp", "3389", "203.0.113.9")
	do(exitFailed, "not in the house", "ports", "open", "PC", "tcp", "3389", "203.0.113.9", "--yes")
	do(exitFailed, "not in the house", "ports", "open", "Web", "tcp", "41999", "203.0.113.9")
	do(exitFailed, "no such rule", "ports", "rules", "on", "7")
	do(exitFailed, "no such rule", "ports", "rules", "remove", "7")
	do(exitUsage, "number of a rule", "ports", "rules", "off", "x")
}

// Without a trace of anything opened, the router is not asked at the clean-up.
func TestTheRouterIsCleanedOnlyWhenSomethingMayBeThere(t *testing.T) {
	st, err := state.Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	may := func() bool {
		t.Helper()
		yes, err := mayBeOpen(t.Context(), st)
		if err != nil {
			t.Fatal(err)
		}
		return yes
	}
	if may() {
		t.Error("a fresh state directory is said to have opened something")
	}
	j := journal.New(st.DB())
	note := upnp.Note{Gateway: netip.MustParseAddr("192.168.1.1"), Client: netip.MustParseAddr("192.168.1.5"), Port: 41234, Via: "PCP", Description: "homeward-1"}
	if err := j.Keep(t.Context(), note); err != nil || !may() {
		t.Errorf("a note of what was asked is not heeded: %v", err)
	}
	if err := j.Strike(t.Context(), note); err != nil || may() {
		t.Errorf("what was given back is still thought to be there: %v", err)
	}
	house := func() forwards.House {
		return forwards.House{LAN: []netip.Prefix{netip.MustParsePrefix("192.168.1.0/24")}}
	}
	b, err := forwards.New(t.Context(), forwards.Config{DB: st.DB(), House: house})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Add(t.Context(), forwards.Rule{Name: "Web", Protocol: "TCP", External: 8443, Count: 1, To: netip.MustParseAddrPort("192.168.1.23:443"), Enabled: true}); err != nil || !may() {
		t.Errorf("a rule is not heeded: %v", err)
	}
}
