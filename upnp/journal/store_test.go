package journal

import (
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"homeward/configs/state"
	"homeward/upnp"
)

func TestNotesOutliveTheProcess(t *testing.T) {
	dir := t.TempDir()
	open := func() (*Store, func()) {
		t.Helper()
		st, err := state.Open(t.Context(), dir, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		return New(st.DB()), func() { st.Close() }
	}
	four := upnp.Note{Gateway: netip.MustParseAddr("192.168.1.1"), Router: "uuid:1", Via: "PCP", Client: netip.MustParseAddr("192.168.1.10"),
		Port: 41234, Description: "homeward-0123abcd", Nonce: upnp.Nonce{1, 2, 3}, Until: time.Unix(1800000000, 0)}
	six := upnp.Note{Gateway: netip.MustParseAddr("fe80::1%eth0"), Via: "UPnP WANIPv6FirewallControl:1", Client: netip.MustParseAddr("2a01::10"),
		Port: 41234, Description: "homeward-0123abcd"}
	s, end := open()
	for _, n := range []upnp.Note{four, six, four} { // writing one again makes no second
		if err := s.Keep(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	end()
	s, end = open()
	defer end()
	if got, err := s.Notes(t.Context()); err != nil || !slices.Equal(got, []upnp.Note{four, six}) {
		t.Fatalf("%+v, %v", got, err)
	}
	four.Until, four.Router = time.Time{}, "uuid:2"
	if err := s.Keep(t.Context(), four); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Strike(t.Context(), six); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := s.Notes(t.Context()); err != nil || !slices.Equal(got, []upnp.Note{four}) {
		t.Fatalf("%+v, %v", got, err)
	}
	if text := fmt.Sprintf("%v %+v %s", four.Nonce, four, four.Nonce); strings.Contains(text, "1 2 3") || strings.Contains(text, "\x01") {
		t.Errorf("the nonce is printed: %s", text)
	}
}

func TestOneBadNoteHidesNoOthers(t *testing.T) {
	st, err := state.Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	s := New(st.DB())
	good := upnp.Note{Gateway: netip.MustParseAddr("192.168.1.1"), Client: netip.MustParseAddr("192.168.1.10"), Port: 1, Via: "PCP"}
	if err := s.Keep(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	bad := good
	bad.Gateway = netip.Addr{}
	if err := s.Keep(t.Context(), bad); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Notes(t.Context()); err == nil || !slices.Equal(got, []upnp.Note{good}) {
		t.Errorf("%+v, %v", got, err)
	}
}
