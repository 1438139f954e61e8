package main

import (
	"bytes"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"homeward/configs/state"
	"homeward/web/account"
)

// Who asks for a setup link right after the start has it before the start announces one.
func TestTheAnnouncementLeavesALinkThatWasAskedFor(t *testing.T) {
	quiet := slog.New(slog.DiscardHandler)
	st, err := state.Open(t.Context(), t.TempDir(), quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	newPage := func() *adminPage {
		a, err := account.New(account.Config{DB: st.DB(), Box: st.Box, Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		return &adminPage{account: a, pageSockets: &pageSockets{base: "https://192.168.1.2:8377"}}
	}
	announced := func(p *adminPage) string {
		var out bytes.Buffer
		if err := p.announce(t.Context(), terminal{out: &out}); err != nil || !strings.Contains(out.String(), p.base) {
			t.Fatalf("announced %q, %v", &out, err)
		}
		return out.String()
	}

	p := newPage()
	link, err := p.SetupLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	asked, err := url.Parse(link.URL)
	if err != nil {
		t.Fatal(err)
	}
	if says := announced(p); strings.Contains(says, "token=") || !strings.Contains(says, "homeward admin setup-link") {
		t.Errorf("after one was asked for, the start says %q", says)
	}
	if !p.account.LinkValid(asked.Query().Get("token")) {
		t.Error("the link that was asked for has ended")
	}
	if says := announced(newPage()); !strings.Contains(says, "/setup?token=") {
		t.Errorf("nobody asked for one, and the start says %q", says)
	}
}
