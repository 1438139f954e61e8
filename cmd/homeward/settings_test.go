package main

import (
	"bytes"
	"context"
	"database/sql"
	"log/slog"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"homeward/cmd/homeward/internal/house"
	"homeward/configs/state"
	"homeward/peers"
	"homeward/tunnel"
	"homeward/web/api"
)

// The whole way: a command changes what the house has set, which marks codes of
// before and makes those of after, also after another start.
func TestSettingsOfTheHouseCountAtOnceAndAfterTheNextStart(t *testing.T) {
	dir := newDir(t, "")
	stop, _ := start(t, dir, "--endpoint=")
	do := func(wantCode int, says string, args ...string) string {
		t.Helper()
		var out bytes.Buffer
		tty := terminal{in: strings.NewReader(""), out: &out, err: &out, env: func(k string) (string, bool) { return filepath.Join(dir, "state"), k == "HOMEWARD_STATE" }}
		code := run(t.Context(), append(args, "--config", operatorsFile(dir)), tty)
		if code != wantCode || !strings.Contains(out.String(), says) {
			t.Errorf("%q: exit code %d, want %d; said\n%s\nwant %q in it", args, code, wantCode, &out, says)
		}
		return out.String()
	}
	do(exitFailed, "address of home is not known", "peers", "add", "early")
	do(exitOK, "it is not known yet where devices can call", "settings", "show")
	do(exitUsage, "nothing to change", "settings", "set")
	do(exitFailed, "starts with a scheme", "settings", "set", "--endpoint", "https://home.example.org", "--mtu", "1300")
	do(exitOK, "automatic (the default)", "settings", "show") // the other half of that did not happen either
	do(exitOK, "devices call home.example.org:4500 now", "settings", "set", "--endpoint", "home.example.org:4500")
	do(exitOK, "you were not asked yet", "settings", "show")
	do(exitOK, `"echo_answered": false`, "settings", "show", "--json")
	do(exitOK, "nobody (you said so)", "settings", "set", "--echo", "")
	do(exitOK, "", "peers", "add", "first")
	do(exitOK, "Endpoint = home.example.org:4500", "peers", "config", "first")

	do(exitOK, "internet", "settings", "set", "--profile", "everything", "--access", "internet", "--dns=false", "--keepalive", "0", "--house", "Lake")
	if said := do(exitOK, `"name": "first"`, "peers", "show", "first", "--json"); strings.Contains(said, "needs_code") || !strings.Contains(said, `"access": "everything"`) {
		t.Errorf("a default for new devices changed one that was there:\n%s", said)
	}
	do(exitOK, "", "peers", "add", "second")
	config := do(exitOK, "AllowedIPs = 0.0.0.0/0, ::/0", "peers", "config", "second")
	if strings.Contains(config, "DNS") || strings.Contains(config, "Keepalive") {
		t.Errorf("the second device's config has what the house turned off:\n%s", config)
	}
	do(exitOK, `"access": "internet"`, "peers", "show", "second", "--json")
	do(exitOK, "--keep-codes  false", "settings", "show")
	do(exitOK, "kept sealed", "settings", "set", "--keep-codes")
	do(exitOK, "It is kept, and can be shown again", "peers", "add", "kept")
	if n := keptIn(t, dir); n != 1 {
		t.Errorf("%d codes are kept, want 1", n)
	}
	do(exitOK, "forgotten after ten minutes", "settings", "set", "--keep-codes=false")
	if n := keptIn(t, dir); n != 0 {
		t.Errorf("switched off: %d codes are kept", n)
	}
	do(exitOK, `"access": "home"`, "peers", "add", "third", "--access", "home", "--json") // who says otherwise gets it

	do(exitOK, "other.example.org", "settings", "set", "--endpoint", "other.example.org", "--mtu", "1300")
	for _, reason := range []string{`"key": "endpoint"`, `"key": "mtu"`} {
		do(exitOK, reason, "peers", "show", "first", "--json")
	}
	stop()
	stop, _ = start(t, dir, "--endpoint=")
	do(exitOK, "Lake", "settings", "show")
	do(exitOK, `"echo_answered": true`, "settings", "show", "--json")
	do(exitOK, "stun.nextcloud.com:443", "settings", "show", "--json") // an offer
	do(exitOK, `"mtu": 1300`, "settings", "show", "--json")
	stop()
	stop, _ = start(t, dir)
	do(exitOK, "endpoint in homeward.toml decides: devices call home.example.org", "settings", "show")
	stop()
}

// keptIn counts the codes that the running homeward keeps.
func keptIn(t *testing.T, dir string) (n int) {
	t.Helper()
	db, err := sql.Open("sqlite", database(dir)+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow(`SELECT count(*) FROM kept_codes`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestNamesAreAskedOfTheChosenServersElseOfTheBoxesOwn(t *testing.T) {
	st, err := state.Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	a := &appliance{}
	if a.book, err = house.New(t.Context(), st.DB(), slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	ask, own := a.resolvers(), tunnel.SystemResolvers()()
	if got := ask(); !slices.Equal(got, own) {
		t.Errorf("at first %v, want those of the box, %v", got, own)
	}
	b := houseBook{keeper: a.book, calls: func() *peers.Endpoint { return nil }}
	chosen := "192.168.1.2, [2001:db8::1]:5353"
	if err := b.ChangeSettings(t.Context(), api.SettingsChange{Resolvers: &chosen}); err != nil {
		t.Fatal(err)
	}
	if got := ask(); len(got) != 2 || got[0] != netip.MustParseAddrPort("192.168.1.2:53") || got[1] != netip.MustParseAddrPort("[2001:db8::1]:5353") {
		t.Errorf("after a choice %v", got)
	}
	huge := int(^uint(0) >> 1) // times a second it would come round to something small
	if err := b.ChangeSettings(t.Context(), api.SettingsChange{Keepalive: &huge}); err == nil {
		t.Error("an endless keepalive was taken")
	}
}

// Only who kept codes until now gives up for it what is damaged.
func TestSwitchingKeepingOffTellsWhetherItWasOn(t *testing.T) {
	st, err := state.Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	book, err := house.New(t.Context(), st.DB(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	var told []bool
	b := houseBook{keeper: book, forget: func(_ context.Context, was bool) error { told = append(told, was); return nil }}
	for _, on := range []bool{false, true, false, false} {
		if err := b.ChangeSettings(t.Context(), api.SettingsChange{KeepCodes: &on}); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(told, []bool{false, true, false}) {
		t.Errorf("told %v", told)
	}
}
