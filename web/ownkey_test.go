package web

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// aKey is what the browser makes, as it is pasted.
func aKey(t *testing.T) (public, private string) {
	t.Helper()
	k, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(k.PublicKey().Bytes()), base64.StdEncoding.EncodeToString(k.Bytes())
}

// invitePath makes a device and its invite.
func (w *world) invitePath(name string) string {
	w.t.Helper()
	invite, err := w.peers.Invite(w.t.Context(), w.addPeer(name).Peer.ID, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return "/invite/" + invite.Token
}

func TestADeviceOpensALinkWithAKeyOfItsOwn(t *testing.T) {
	w := newWorld(t)
	w.owner()
	path := w.invitePath("Anna's phone")
	other := w.addPeer("other").Peer
	page := w.get(w.stranger, path).body
	for _, want := range []string{`/ownkey.js"></script>`, `class="stack" data-once hidden>`, `<p class="hint" data-off>That needs a browser`, `<div tabindex="-1" data-made hidden>`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	server := w.addPeer("third").Client.ServerKey.String()
	for what, key := range map[string]string{"empty": "", "no key": "abc", "too long": strings.Repeat("A", 5000), "another's": other.PublicKey.String(), "the server's": server, "of low order": base64.StdEncoding.EncodeToString(make([]byte, 32))} {
		r := w.post(w.stranger, path, url.Values{"public_key": {key}})
		w.wantStatus(what, r, 400)
		var said scriptProblem
		if err := json.Unmarshal([]byte(r.body), &said); err != nil || said.Problem == "" {
			t.Errorf("%s: %q, %v", what, r.body, err)
		}
	}
	public, _ := aKey(t)
	opened := w.post(w.stranger, path, url.Values{"public_key": {public}})
	w.wantStatus("a key", opened, 200)
	var got configWithoutKey
	if err := json.Unmarshal([]byte(opened.body), &got); err != nil {
		t.Fatal(err)
	}
	if got.File != "Annas-phone.conf" || !strings.HasPrefix(got.Config, "[Interface]\nAddress = ") || !strings.Contains(got.Config, "PresharedKey = ") || strings.Contains(opened.body, "PrivateKey") {
		t.Errorf("%+v", got)
	}
	if opened.header.Get("Cache-Control") != "no-store" || opened.header.Get("Content-Type") != "application/json" {
		t.Errorf("%v", opened.header)
	}
	if p, err := w.peers.Get(1); err != nil || p.Next.PublicKey.String() != public {
		t.Errorf("%+v, %v", p, err)
	}
	if i, err := w.peers.Issued(1); err != nil || !i.Client.PrivateKey.IsZero() {
		t.Errorf("homeward has a private key of it: %v", err)
	}
	again, _ := aKey(t)
	for what, form := range map[string]url.Values{"the same again": {"public_key": {public}}, "another key": {"public_key": {again}}, "no key": nil} {
		w.wantStatus(what, w.post(w.stranger, path, form), 410)
	}
	if p, _ := w.peers.Get(1); p.Next.PublicKey.String() != public {
		t.Error("a second opening changed the key")
	}
	if log := w.log.String(); strings.Contains(log, strings.TrimPrefix(path, "/invite/")) {
		t.Error("the log has the invite")
	}
}

func TestOneOfManyWhoBringAKeyOpensTheLink(t *testing.T) {
	w := newWorld(t)
	w.owner()
	path := w.invitePath("phone")
	keys, got := make([]string, openings), make([]reply, openings)
	var all sync.WaitGroup
	for i := range got {
		keys[i], _ = aKey(t)
		all.Go(func() { got[i] = w.post(w.stranger, path, url.Values{"public_key": {keys[i]}}) })
	}
	all.Wait()
	won := 0
	for i, r := range got {
		switch r.status {
		case 200:
			won++
			if p, err := w.peers.Get(1); err != nil || p.Next.PublicKey.String() != keys[i] {
				t.Errorf("another key than the winner's is kept, %v", err)
			}
		case 410:
		default:
			t.Errorf("status %d: %s", r.status, r.body)
		}
	}
	if won != 1 {
		t.Errorf("%d got a config, want 1", won)
	}
}
