package house

import (
	"bytes"
	"database/sql"
	"errors"
	"log/slog"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"homeward/configs/state"
	"homeward/peers"
)

func openDB(t *testing.T) *sql.DB {
	t.Helper()
	st, err := state.Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st.DB()
}

func open(t *testing.T, db *sql.DB) (*Keeper, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	k, err := New(t.Context(), db, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return k, &log
}

func TestWhatIsSetIsThereAfterTheNextStart(t *testing.T) {
	db := openDB(t)
	k, _ := open(t, db)
	if got := k.Settings(); !reflect.DeepEqual(got, Settings{}) || got.ClientMTU() != 1412 {
		t.Fatalf("at first: %+v", got)
	}
	off, never := false, time.Duration(0)
	want := Settings{
		Name: "Дом 🏠", Endpoint: "home.example.org:443", MTU: 1300,
		Resolvers: []netip.AddrPort{netip.MustParseAddrPort("192.168.1.2:53"), netip.MustParseAddrPort("[2001:db8::1]:5353")},
		Echo:      []peers.Endpoint{{Host: "stun.example.org", Port: 3478, Source: peers.EndpointOperator}, {Host: "81.2.68.10", Port: 5000, Source: peers.EndpointOperator}},
		New:       peers.Defaults{Profile: peers.ProfileEverything, Access: peers.AccessInternet, DNS: &off, Keepalive: &never},

		EchoAnswered: true, KeepCodes: true,
	}
	if err := k.Change(t.Context(), func(s *Settings) error { *s = want; return nil }); err != nil {
		t.Fatal(err)
	}
	again, log := open(t, db)
	if got := again.Settings(); !reflect.DeepEqual(got, want) {
		t.Errorf("after the next start %+v, want %+v", got, want)
	}
	if err := again.Change(t.Context(), func(s *Settings) error { *s = Settings{}; return nil }); err != nil {
		t.Fatal(err)
	}
	if last, _ := open(t, db); !reflect.DeepEqual(last.Settings(), Settings{}) {
		t.Errorf("back at the defaults: %+v", last.Settings())
	}
	if log.Len() > 0 {
		t.Errorf("what is in order was complained about: %s", log)
	}
}

func TestWhatMakesNoSenseIsRefusedAndChangesNothing(t *testing.T) {
	k, _ := open(t, openDB(t))
	much, long := 70000*time.Second, strings.Repeat("ä", 33)
	at := netip.MustParseAddrPort
	for name, c := range map[string]struct {
		edit  func(*Settings)
		field string
	}{
		"a URL":        {func(s *Settings) { s.Endpoint = "https://home.example.org" }, "endpoint"},
		"a line break": {func(s *Settings) { s.Endpoint = "home.example.org\nPostUp=x" }, "endpoint"},
		"four servers": {func(s *Settings) {
			s.Resolvers = []netip.AddrPort{at("1.1.1.1:53"), at("1.1.1.2:53"), at("1.1.1.3:53"), at("1.1.1.4:53")}
		}, "resolvers"},
		"no address":          {func(s *Settings) { s.Resolvers = []netip.AddrPort{at("0.0.0.0:53")} }, "resolvers"},
		"many addresses":      {func(s *Settings) { s.Resolvers = []netip.AddrPort{at("224.0.0.251:5353")} }, "resolvers"},
		"three to ask":        {func(s *Settings) { s.Echo = make([]peers.Endpoint, 3) }, "echo"},
		"port 0":              {func(s *Settings) { s.Resolvers = []netip.AddrPort{at("1.1.1.1:0")} }, "resolvers"},
		"too small for IPv6":  {func(s *Settings) { s.MTU = 1279 }, "mtu"},
		"larger than ours":    {func(s *Settings) { s.MTU = 1413 }, "mtu"},
		"no profile":          {func(s *Settings) { s.New.Profile = "half" }, "profile"},
		"no access":           {func(s *Settings) { s.New.Access = "some" }, "access"},
		"an access of things": {func(s *Settings) { s.New.Access = "192.168.1.20" }, "access"},
		"too seldom":          {func(s *Settings) { s.New.Keepalive = &much }, "keepalive"},
		"a long name":         {func(s *Settings) { s.Name = long }, "house"},
		"an escape":           {func(s *Settings) { s.Name = "a\x1b[31m" }, "house"},
		"a turned name":       {func(s *Settings) { s.Name = "a\u202eb" }, "house"},
	} {
		err := k.Change(t.Context(), func(s *Settings) error { s.Name = "x"; c.edit(s); return nil })
		var field *peers.FieldError
		if !errors.As(err, &field) || field.Field != c.field {
			t.Errorf("%s: %v, want an error of %s", name, err, c.field)
		}
		if got := k.Settings(); !reflect.DeepEqual(got, Settings{}) {
			t.Fatalf("%s changed something: %+v", name, got)
		}
	}
}

func TestSpoiledSettingsAreAtTheirDefaultAndTheOthersCount(t *testing.T) {
	db := openDB(t)
	for setting, value := range map[string]string{"endpoint": "a b", "mtu": "many", "codes.keep": "maybe", "resolvers": "192.168.1.2", "from.later": "1"} {
		if _, err := db.Exec(`INSERT INTO house VALUES (?, ?)`, setting, value); err != nil {
			t.Fatal(err)
		}
	}
	k, log := open(t, db)
	want := Settings{Resolvers: []netip.AddrPort{netip.MustParseAddrPort("192.168.1.2:53")}}
	if got := k.Settings(); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	for _, setting := range []string{"endpoint", "mtu", "codes.keep", "from.later"} {
		if !strings.Contains(log.String(), "setting="+setting) {
			t.Errorf("the log is silent about %s:\n%s", setting, log)
		}
	}
}

func TestResolversAreReadAsPeopleWriteThem(t *testing.T) {
	for text, want := range map[string]string{
		"": "", " , ": "", "192.168.1.1": "192.168.1.1", "192.168.1.1:5353,\n::1": "192.168.1.1:5353, ::1",
		"[2001:db8::1]:53 ::ffff:10.0.0.1 10.0.0.1": "2001:db8::1, 10.0.0.1",
	} {
		list, err := ParseResolvers(text)
		if got := FormatResolvers(list); err != nil || got != want {
			t.Errorf("%q is read as %q, %v, want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"dns.example.org", "1.2.3", "1.1.1.1:99999", "[::1]"} {
		if list, err := ParseResolvers(text); err == nil {
			t.Errorf("%q is read as %v", text, list)
		}
	}
}

func TestServersToAskAreReadAsPeopleWriteThem(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "stun.example.org": "stun.example.org:3478", "Stun.Example.org.:19302, 81.2.68.10": "stun.example.org:19302, 81.2.68.10:3478",
		"a.example.org\na.example.org": "a.example.org:3478", "[2001:db8::1]:7": "[2001:db8::1]:7",
	} {
		list, err := ParseEcho(text)
		if got := FormatEcho(list); err != nil || got != want {
			t.Errorf("%q: %q, %v, want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"https://stun.example.org", "stun.example.org:0", "a\x00b", "-x.example.org"} {
		list, err := ParseEcho(text)
		var field *peers.FieldError
		if !errors.As(err, &field) || field.Field != "echo" {
			t.Errorf("%q: %v, %v", text, list, err)
		}
	}
}

// What is offered to who knows no server can be chosen as it is, two of them at a time.
func TestServersThatAreOfferedCanBeChosen(t *testing.T) {
	offers := EchoOffers()
	for i := range offers {
		list, err := ParseEcho(offers[i] + ", " + offers[(i+1)%len(offers)])
		if err != nil || len(list) != 2 || list[0].String() != offers[i] {
			t.Errorf("%s: %v, %v", offers[i], list, err)
		}
		if err := (Settings{Echo: list}).Check(); err != nil {
			t.Error(err)
		}
	}
}
