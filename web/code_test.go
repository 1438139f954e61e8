package web

import (
	"net/url"
	"strings"
	"testing"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/peers"
)

func TestASecondCodeOfTheSameDeviceIsOffered(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	w.addPeer("phone")
	page := w.get(c, "/peers/1").body
	for _, want := range []string{`src="/api/v1/peers/1/qr.png?profile=everything"`, `download="phone-all.conf"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	home, all := w.get(c, "/api/v1/peers/1/config").body, w.get(c, "/api/v1/peers/1/config?profile=everything")
	if strings.Contains(home, "0.0.0.0/0") || !strings.Contains(all.body, "AllowedIPs = 0.0.0.0/0, ::/0") || !strings.Contains(all.header.Get("Content-Disposition"), "phone-all.conf") {
		t.Errorf("%v\n%s", all.header, all.body)
	}
	w.wantStatus("an unknown one", w.get(c, "/api/v1/peers/1/qr.svg?profile=x"), 400)
}

func TestADeviceIsAddedByItsOwnKeyOnThePage(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	r := w.post(c, "/peers", url.Values{"name": {"router"}, "profile": {"home"}, "public_key": {"abc"}})
	w.wantStatus("no key", r, 400)
	if !strings.Contains(r.body, `value="abc" autocomplete="off" spellcheck="false" aria-invalid="true"`) || !strings.Contains(r.body, `value="router"`) {
		t.Error("the form is lost, or nothing is said beside it")
	}
	const key = "CAUBdg4wTrPYvsXmCvvNvH0WUxHMkGDLbQx5lRYOd3o="
	w.wantStatus("a key", w.post(c, "/peers", url.Values{"name": {"router"}, "profile": {"home"}, "public_key": {" " + key}}), 303)
	if p, err := w.peers.Get(1); err != nil || p.PublicKey.String() != key || !p.OwnKey {
		t.Errorf("%+v, %v", p, err)
	}
	w.wantStatus("the same again", w.post(c, "/peers", url.Values{"name": {"other"}, "profile": {"home"}, "public_key": {key}}), 400)
}

func TestANewCodeIsMadeOnThePage(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	old := w.addPeer("phone")
	before := w.get(c, "/api/v1/peers/1/config").body
	w.wantStatus("making", w.post(c, "/peers/1/code", nil), 303)
	page := w.get(c, "/peers/1").body
	if !strings.Contains(page, "A new code waits to be used") || !strings.Contains(page, "qr.png") {
		t.Error("the page does not show it")
	}
	if after := w.get(c, "/api/v1/peers/1/config").body; after == before || !strings.Contains(after, "PrivateKey") {
		t.Error("it is the old code")
	}
	if p, _ := w.peers.Get(1); p.PublicKey != old.Peer.PublicKey || !p.Renewing() {
		t.Errorf("%+v", p)
	}
}

func TestACodeIsForgottenAndThePageSaysSo(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	k := wgtypes.Key{9}
	if _, err := w.peers.Create(t.Context(), peers.NewPeer{Name: "own key", PublicKey: &k}); err != nil {
		t.Fatal(err)
	}
	page := w.get(c, "/peers/1")
	if strings.Contains(page.body, "qr.png") || !strings.Contains(page.body, "Take this file") {
		t.Error("a device with its own key is shown a code")
	}
}
