package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// Who keeps codes is told what that means, and finds them on the devices' pages.
func TestAKeptCodeIsShownAgainOnTheDevicesPage(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	page := w.get(c, "/settings").body
	if !strings.Contains(page, "Keep codes, sealed") || !strings.Contains(page, "The risk: ") || strings.Contains(page, `name="keep_codes" value="on" checked`) {
		t.Errorf("the settings don't say it, or it is on:\n%s", page)
	}
	forgotten := w.addPeer("before").Peer.ID
	w.wantStatus("on", w.post(c, "/settings", url.Values{"part": {"codes"}, "keep_codes": {"on"}}), http.StatusSeeOther)
	if !w.house.now.KeepCodes || !strings.Contains(w.get(c, "/settings").body, `name="keep_codes" value="on" checked`) {
		t.Error("it is not on")
	}
	w.keep.Store(true) // which the house does in the program
	phone := w.addPeer("phone")
	at := fmt.Sprintf("/peers/%d", phone.Peer.ID)
	if got := w.get(c, at).body; !strings.Contains(got, "It is kept sealed") || strings.Contains(got, "Show the code again") || strings.Contains(got, "it is forgotten here") {
		t.Errorf("in the first minutes:\n%s", got)
	}
	w.later.Store(int64(time.Hour))
	got := w.get(c, at).body
	if !strings.Contains(got, "Show the code again") || !strings.Contains(got, "It is kept sealed") || !strings.Contains(got, "qr.png") {
		t.Errorf("an hour later:\n%s", got)
	}
	want, err := phone.Client.Text()
	if err != nil {
		t.Fatal(err)
	}
	if r := w.get(c, "/api/v1"+at+"/config"); r.body != string(want) {
		t.Errorf("the config is another one: %d", r.status)
	}
	w.wantStatus("the picture", w.get(c, "/api/v1"+at+"/qr.png"), http.StatusOK)
	w.wantStatus("Apple's profile", w.get(c, "/api/v1"+at+"/mobileconfig"), http.StatusOK)
	w.wantStatus("a code of before", w.get(c, fmt.Sprintf("/api/v1/peers/%d/config", forgotten)), http.StatusGone)
	w.wantStatus("a stranger", w.get(w.browser(), "/api/v1"+at+"/config"), http.StatusUnauthorized)

	w.wantStatus("off", w.post(c, "/settings", url.Values{"part": {"codes"}}), http.StatusSeeOther)
	if w.house.now.KeepCodes {
		t.Error("it is still on")
	}
	w.keep.Store(false)
	if got := w.get(c, at); got.status != http.StatusOK || strings.Contains(got.body, "qr.png") {
		t.Errorf("switched off: %d\n%s", got.status, got.body)
	}
	w.wantStatus("switched off", w.get(c, "/api/v1"+at+"/config"), http.StatusGone)
}

// A key that was made in the browser is nowhere here, and the page says that instead of
// offering a code.
func TestThePageSaysThatADeviceKeepsItsKeyItself(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	w.keep.Store(true)
	path := w.invitePath("phone") // of the first device
	public, _ := aKey(t)
	w.wantStatus("a key", w.post(w.stranger, path, url.Values{"public_key": {public}}), http.StatusOK)
	const says, again = "keeps its private key to itself", "Show the code again"
	if got := w.get(c, "/peers/1").body; !strings.Contains(got, says) || strings.Contains(got, "It is kept sealed") {
		t.Errorf("in the first minutes:\n%s", got)
	}
	w.later.Store(int64(time.Hour))
	if got := w.get(c, "/peers/1").body; !strings.Contains(got, says) || strings.Contains(got, again) || strings.Contains(got, "qr.png") || strings.Contains(got, "Its code has been forgotten") {
		t.Errorf("an hour later:\n%s", got)
	}
	w.wantStatus("its config", w.get(c, "/api/v1/peers/1/config"), http.StatusGone)
	w.wantStatus("a code of ours", w.post(c, "/peers/1/code", nil), http.StatusSeeOther)
	w.later.Store(int64(2 * time.Hour))
	if got := w.get(c, "/peers/1").body; strings.Contains(got, says) || !strings.Contains(got, again) {
		t.Errorf("with a code of ours:\n%s", got)
	}
}
