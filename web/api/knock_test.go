package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"homeward/configs/secret"
)

// oneKnock is begun or not, and was heard once.
type oneKnock struct {
	begun, nowhere bool
}

func (k *oneKnock) BeginKnock(context.Context) (Knock, error) {
	if k.nowhere {
		return Knock{}, ErrNoAddress
	}
	k.begun = true
	got, _ := k.Knock()
	return got, nil
}

func (k *oneKnock) Knock() (Knock, bool) {
	return Knock{User: "theuser", Password: secret.NewText("the-password-of-this-time"), Until: time.Unix(2_000_000_000, 0), Calls: []netip.AddrPort{netip.MustParseAddrPort("81.2.69.2:51820")}}, k.begun
}

func (*oneKnock) HeardKnocks() []HeardKnock {
	return []HeardKnock{{At: time.Unix(1_800_000_000, 0).UTC(), Family: "IPv4", From: "198.51.100.7", Port: 51820}}
}

// The secret is told to who begins to knock, and to nobody else.
func TestKnocksAreBegunAndToldOfByPrograms(t *testing.T) {
	k := &oneKnock{}
	h := handler{Config: Config{Knocks: k, PageURL: func() string { return "https://192.168.1.5:8377" }}}
	call := func(handle http.HandlerFunc) (int, string) {
		t.Helper()
		w := httptest.NewRecorder()
		r, err := http.NewRequestWithContext(t.Context(), "POST", "/api/v1/knock", nil)
		if err != nil {
			t.Fatal(err)
		}
		handle(w, r)
		return w.Code, w.Body.String()
	}
	status, body := call(h.knock)
	var s KnockState
	if err := json.Unmarshal([]byte(body), &s); err != nil || status != http.StatusOK || s.Going || len(s.Calls) != 0 || len(s.Heard) != 1 || s.Heard[0] != k.HeardKnocks()[0] || s.Page != "https://192.168.1.5:8377/knock" {
		t.Errorf("before: %d %s, %v", status, body, err)
	}
	status, body = call(h.beginKnock)
	var b BegunKnock
	if err := json.Unmarshal([]byte(body), &b); err != nil || status != http.StatusOK || b.User != "theuser" || b.Password != "the-password-of-this-time" || len(b.Calls) != 1 || b.Until.Unix() != 2_000_000_000 {
		t.Errorf("beginning: %d %s, %v", status, body, err)
	}
	if status, body = call(h.knock); status != http.StatusOK || !strings.Contains(body, `"going":true`) || strings.Contains(body, "the-password") || strings.Contains(body, "theuser") {
		t.Errorf("afterwards: %d %s", status, body)
	}
	k.nowhere = true
	if status, body = call(h.beginKnock); status != http.StatusConflict || !strings.Contains(body, "not known yet") {
		t.Errorf("where nobody could call: %d %s", status, body)
	}
}
