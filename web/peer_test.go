package web

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"homeward/web/account"
)

func TestADeviceIsSwitchedOffAndOnAndRemoved(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	i := w.addPeer("tablet")
	enabled := func() bool {
		p, err := w.peers.Get(i.Peer.ID)
		if err != nil {
			t.Fatal(err)
		}
		return p.Enabled
	}
	w.wantStatus("switching off", w.post(c, "/peers/1/disable", nil), 303)
	if enabled() {
		t.Error("it is still on")
	}
	if page := w.get(c, "/peers/1"); !strings.Contains(page.body, "Switched off") || !strings.Contains(page.body, "Let in again") {
		t.Error("the page does not say so")
	}
	w.wantStatus("switching on", w.post(c, "/peers/1/enable", nil), 303)
	if !enabled() {
		t.Error("it is still off")
	}
	w.wantStatus("asking", w.get(c, "/peers/1/remove"), 200)
	if !enabled() {
		t.Error("asking was enough")
	}
	w.wantStatus("removing", w.post(c, "/peers/1/remove", nil), 303)
	w.wantStatus("its page afterwards", w.get(c, "/peers/1"), 404)
	w.wantStatus("removing again", w.post(c, "/peers/1/remove", nil), 404)
}

func TestARemovalCanBeUndoneOnThePageAndThatOfALostPhoneIsImmediate(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	lost, mistake := w.addPeer("lost").Peer, w.addPeer("mistake").Peer
	page := w.get(c, peerURL(lost.ID)+"/remove").body
	if !strings.Contains(page, `name="undo" value="yes"`) || !strings.Contains(page, "20 seconds") || !strings.Contains(page, `<button class="danger">Throw it out at once`) {
		t.Errorf("the page offers no two choices:\n%s", page)
	}
	w.wantStatus("removing with an undo", w.post(c, peerURL(mistake.ID)+"/remove", url.Values{"undo": {"yes"}}), 303)
	if !w.dev.Has(mistake.PublicKey) {
		t.Error("it is out before the undo is over")
	}
	undo := fmt.Sprintf(`action="/peers/%d/keep"`, mistake.ID)
	for _, path := range []string{"/", peerURL(mistake.ID)} {
		if page := w.get(c, path).body; strings.Count(page, undo) != 1 || !strings.Contains(page, "Is removed at ") {
			t.Errorf("%s does not offer to undo it", path)
		}
	}
	if page := w.get(w.userAs("vera", account.RoleViewer), "/").body; strings.Contains(page, undo) {
		t.Error("a viewer is offered to undo it")
	}
	w.wantStatus("undoing", w.post(c, peerURL(mistake.ID)+"/keep", nil), 303)
	if page := w.get(c, "/").body; strings.Contains(page, undo) {
		t.Error("it still leaves")
	}
	w.wantStatus("removing at once", w.post(c, peerURL(lost.ID)+"/remove", nil), 303)
	if w.dev.Has(lost.PublicKey) {
		t.Error("the lost phone is still in")
	}
	w.wantStatus("too late", w.post(c, peerURL(lost.ID)+"/keep", nil), 404)
}
