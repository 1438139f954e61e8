package web

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"homeward/configs/secret"
	"homeward/web/api"
)

// fakeKnocks is a port at which browsers may knock.
type fakeKnocks struct {
	mu   sync.Mutex // guards what follows
	last api.Knock
	err  error
}

func (f *fakeKnocks) BeginKnock(context.Context) (api.Knock, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.last = api.Knock{User: "theuser", Password: secret.NewText("the-password-of-this-time"), Until: time.Now().Add(90 * time.Second),
			Calls: []netip.AddrPort{netip.MustParseAddrPort("81.2.69.2:51820"), netip.MustParseAddrPort("[2a01:5ead:77::10]:51820")}}
	}
	return f.last, f.err
}

func (f *fakeKnocks) Knock() (api.Knock, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.last, time.Now().Before(f.last.Until)
}

func (f *fakeKnocks) HeardKnocks() []api.HeardKnock { return nil }

func TestThePageTellsTheBrowserHowToKnockOnceItWasBegun(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	before := w.get(c, "/knock")
	w.wantStatus("before", before, 200)
	if strings.Contains(before.body, "data-knock") || strings.Contains(before.body, "knock.js") {
		t.Errorf("a browser knocks before anybody asked for it:\n%s", before.body)
	}
	if got := w.post(c, "/knock", nil); got.status != http.StatusSeeOther || got.header.Get("Location") != "/knock" {
		t.Errorf("beginning: %d to %q", got.status, got.header.Get("Location"))
	}
	got := w.get(c, "/knock")
	for _, part := range []string{
		`data-user="theuser"`, `data-word="the-password-of-this-time"`, `data-calls="81.2.69.2:51820 [2a01:5ead:77::10]:51820"`,
		`data-seconds="8`, "knock.js", "<noscript>", "needs JavaScript", "has no WebRTC", `data-shown="works" hidden`,
	} {
		if !strings.Contains(got.body, part) {
			t.Errorf("%q is not on the page:\n%s", part, got.body)
		}
	}
	if h := got.header.Get("Cache-Control"); !strings.Contains(h, "no-store") {
		t.Errorf("the secret may be kept: Cache-Control %q", h)
	}
	if h := got.header.Get("Content-Security-Policy"); strings.Contains(h, "unsafe") || strings.Contains(h, "webrtc 'block'") {
		t.Errorf("the policy %q lets too much or too little", h)
	}
}

func TestWithoutAnAddressThereIsNothingToKnockAt(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	w.knocks.err = api.ErrNoAddress
	if got := w.post(c, "/knock", nil); got.status != http.StatusConflict || !strings.Contains(got.body, "public address is not known yet") {
		t.Errorf("%d\n%s", got.status, got.body)
	}
}
