package web

import (
	"regexp"
	"strings"
	"testing"

	"homeward/peers"
)

// A phone that shows the page cannot scan its own screen: it is told how the file comes
// into the app, and the way to the app is one tap, which leaves the page where it is.
func TestAPhoneAloneIsLedToItsApp(t *testing.T) {
	w := newWorld(t)
	w.addPeer("phone")
	invite, err := w.peers.Invite(t.Context(), 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	makesKey := "/invite/" + invite.Token
	opened := w.post(w.stranger, makesKey, nil).header.Get("Location")
	apps := []string{"https://play.google.com/store/apps/details?id=com.wireguard.android", "https://apps.apple.com/app/wireguard/id1441195209", "https://www.wireguard.com/install/"}
	for accept, says := range map[string]string{"en": "then the share button, and <b>WireGuard</b>", "de": "dann die Teilen-Taste und <b>WireGuard</b>", "ru": "кнопку «Поделиться» и <b>WireGuard</b>", "es": "el botón de compartir y <b>WireGuard</b>"} {
		for _, path := range []string{makesKey, opened} {
			body := w.ask(path, accept).body
			if !strings.Contains(body, says) {
				t.Errorf("%s in %s does not say how the file comes into the app", path, accept)
			}
			for _, app := range apps {
				if link := `<a href="` + app + `" target="_blank" rel="noreferrer">`; strings.Count(body, link) != 1 {
					t.Errorf("%s in %s: want once %s", path, accept, link)
				}
			}
		}
	}
}

func TestALinkIsMadeOnThePageAndOpenedOnThePhone(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	w.addPeer("Anna's phone")
	made := w.post(c, "/peers/1/invite", nil)
	w.wantStatus("making", made, 200)
	link := regexp.MustCompile(`href="https://192\.168\.1\.5:8377(/invite/[A-Za-z0-9_-]{22})"`).FindStringSubmatch(made.body)
	if link == nil || !strings.Contains(made.body, "<svg") {
		t.Fatalf("no link: %s", around(made.body, "invite"))
	}
	path := link[1]
	for range 3 { // a messenger looks at it
		r := w.get(w.stranger, path)
		w.wantStatus("looking", r, 200)
		if !strings.Contains(r.body, `method="post" action="`+path+`"`) || strings.Contains(r.body, "Anna") || r.header.Get("Set-Cookie") != "" {
			t.Errorf("looking tells or remembers too much: %s", r.body)
		}
	}
	other := "/invite/AAAAAAAAAAAAAAAAAAAAAA"
	if a, b := w.get(w.stranger, path).body, w.get(w.stranger, other).body; strings.ReplaceAll(a, path, "") != strings.ReplaceAll(b, other, "") {
		t.Error("looking tells whether a link is good")
	}
	opened := w.post(w.stranger, path, nil)
	w.wantStatus("opening", opened, 303)
	at := opened.header.Get("Location")
	page := w.get(w.stranger, at)
	w.wantStatus("the code's page", page, 200)
	for _, want := range []string{at + "/config", at + "/code.svg", at + "/mobileconfig", "forgotten here at"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	w.wantStatus("reloading", w.get(w.stranger, at), 200)
	file := w.get(w.stranger, at+"/config")
	if !strings.Contains(file.body, "PrivateKey = ") || !strings.Contains(file.header.Get("Content-Disposition"), `filename="Annas-phone.conf"`) || file.header.Get("Cache-Control") != "no-store" {
		t.Errorf("the file: %d %v", file.status, file.header)
	}
	if p, _ := w.peers.Get(1); !p.Renewing() {
		t.Error("no new code was made")
	}
	if r := w.get(w.stranger, at+"/code.svg"); r.header.Get("Content-Type") != "image/svg+xml" {
		t.Errorf("the code: %d %v", r.status, r.header)
	}
	profile := w.get(w.stranger, at+"/mobileconfig?on_demand=true&home_wifi=Home")
	if profile.header.Get("Content-Type") != "application/x-apple-aspen-config" || !strings.Contains(profile.body, "<string>Home</string>") {
		t.Errorf("the profile: %d %v", profile.status, profile.header)
	}
	w.wantStatus("a bad Wi-Fi", w.get(w.stranger, at+"/mobileconfig?on_demand=true&home_wifi="+strings.Repeat("x", 33)), 400)
	w.wantStatus("no such part", w.get(w.stranger, at+"/secrets"), 404)
	w.wantStatus("no such ticket", w.get(w.stranger, "/handover/AAAAAAAAAAAAAAAAAAAAAA/config"), 410)
	w.wantStatus("opening again", w.post(w.stranger, path, nil), 410)
	if r := w.post(w.stranger, other, nil); r.status != 410 || strings.ReplaceAll(r.body, other, path) != w.post(w.stranger, path, nil).body {
		t.Error("a used link and none at all are told apart")
	}
	w.wantStatus("the admin's page with it", w.get(w.stranger, "/peers/1"), 303)
}

func TestGuessingLinksIsSlowedDown(t *testing.T) {
	w := newWorld(t)
	w.owner()
	var last reply
	for range openings + 1 {
		last = w.post(w.stranger, "/invite/AAAAAAAAAAAAAAAAAAAAAA", nil)
	}
	if last.status != 429 || last.header.Get("Retry-After") == "" {
		t.Errorf("status %d, Retry-After %q", last.status, last.header.Get("Retry-After"))
	}
}

func TestADeviceThatHadItsOwnKeyIsSentALink(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	key := w.addPeer("x").Client.ServerKey
	key[0] = 9
	if _, err := w.peers.Create(t.Context(), peers.NewPeer{Name: "router", PublicKey: &key}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(w.get(c, "/peers/2").body, "/peers/2/invite") {
		t.Error("it is offered none")
	}
	w.wantStatus("making", w.post(c, "/peers/2/invite", nil), 200)
}
