package web

import (
	"encoding/base64"
	"html"
	"net/url"
	"strings"
	"testing"
	"time"

	"homeward/web/account"
)

// hands are the answers that are there to hand a device's config out.
func hands(pattern string) bool {
	for _, p := range []string{"/config", "/mobileconfig", "/qr.", "/handover/"} {
		if strings.Contains(pattern, p) {
			return true
		}
	}
	return false
}

// Secrets that everybody can recognise go in by every door. No answer to a reader and
// no line of the log has one of them, but for the answers that hand a config out.
func TestACanaryRunFindsNoSecretInAnswersAndLogs(t *testing.T) {
	t.Run("codes are forgotten", func(t *testing.T) { runCanaries(t, false) })
	t.Run("codes are kept", func(t *testing.T) { runCanaries(t, true) })
}

func runCanaries(t *testing.T, keep bool) {
	w := newWorld(t)
	w.keep.Store(keep)
	c := w.owner()
	token, ended := w.account.NewLink(t.Context())
	if ended == nil {
		t.Fatalf("a claimed box has a setup link: %s", token)
	}
	issued := w.addPeer("phone")
	private := issued.Client.PrivateKey.Reveal()
	shared := issued.Peer.PresharedKey.Reveal()
	_, recovery := w.secondStep(c, password)
	invite, err := w.peers.Invite(t.Context(), issued.Peer.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, program := w.token("admin", "script", 0, account.ScopeAdmin)
	w.wantStatus("a program", w.program(program, "GET", "/api/v1/peers", ""), 200)
	const wrongToken = "homeward_canarycanarycanarycanarycanarycanarycanarycanaryca22"
	w.wantStatus("a wrong token", w.program(wrongToken, "GET", "/api/v1/peers", ""), 401)
	const wrong, another, of, dns = "canary-wrong-password", "canary-password-of-ben", "canary-passphrase-of-a-backup", "canary-secret-of-the-dns-name"
	w.post(w.browser(), "/login", url.Values{"password": {wrong}})
	w.post(c, "/users", url.Values{"username": {"ben"}, "password": {another}, "role": {"viewer"}})
	w.post(c, "/backup/download", url.Values{"passphrase": {of}, "again": {of + "x"}})
	w.post(c, "/dns", url.Values{"provider": {"desec"}, "name": {""}, "secret": {dns}})
	half := w.password1("", password)
	w.post(half, "/login/code", url.Values{"code": {"canary-code"}})
	w.wantStatus("a recovery code", w.post(half, "/login/code", url.Values{"code": {recovery[0]}}), 303)

	secrets := map[string]string{
		"the password": password, "a wrong password": wrong, "another user's password": another, "a backup's passphrase": of, "the name's secret": dns, "a wrong code": "canary-code",
		"the session": w.session(c), "the private key": base64.StdEncoding.EncodeToString(private[:]), "the preshared key": base64.StdEncoding.EncodeToString(shared[:]), "the invite": invite.Token, "a token": program, "a wrong token": wrongToken,
	}
	for _, code := range recovery {
		secrets["recovery code "+code[:4]] = code
	}
	find := func(text string) (found []string) {
		text = html.UnescapeString(text)
		for what, s := range secrets {
			if len(s) < 8 {
				t.Fatalf("%s is %q, which is no canary", what, s)
			}
			if strings.Contains(text, s) {
				found = append(found, what)
			}
		}
		return found
	}
	if keep { // then what is kept is handed out, and not what is remembered
		w.later.Store(int64(time.Hour))
	}
	looked, handed := 0, 0
	for _, r := range w.page.routes() {
		if r.Method != "GET" || r.Pattern == "/live" {
			continue
		}
		looked++
		got := w.get(c, pathOf(r.Pattern))
		found := find(got.body)
		if hands(r.Pattern) {
			handed += len(found)
		} else if len(found) > 0 {
			t.Errorf("GET %s tells %v", r.Pattern, found)
		}
		for k, v := range got.header {
			if found := find(strings.Join(v, "\n")); len(found) > 0 && k != "Set-Cookie" {
				t.Errorf("GET %s tells %v in %s", r.Pattern, found, k)
			}
		}
	}
	log := w.log.String()
	if found := find(log); len(found) > 0 {
		t.Errorf("the log tells %v", found)
	}
	// The negative control: the run did what it says, and would find what is there.
	if looked < 20 || handed == 0 || !strings.Contains(log, "wrong password for the admin page") || !strings.Contains(log, "wrong code for the admin page") || !strings.Contains(log, "wrong token of a program") || len(find("x "+recovery[3]+" y")) != 1 {
		t.Errorf("%d answers, %d secrets handed out, log:\n%s", looked, handed, log)
	}
}
