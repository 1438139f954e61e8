package web

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-webauthn/webauthn/protocol/webauthncbor"

	"homeward/web/account"
)

// authenticator keeps one passkey, as a phone does.
type authenticator struct {
	t       *testing.T
	key     *ecdsa.PrivateKey
	id      []byte
	user    string // base64url
	count   uint32
	blind   bool   // does not look at who holds it
	origin  string // where the browser is
	foreign bool   // signs for another site
}

func newAuthenticator(t *testing.T) *authenticator {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &authenticator{t: t, key: key, id: []byte(rand.Text()), origin: "https://localhost"}
}

// question is what the page asks of a browser.
type passkeyQuestion struct {
	PublicKey struct {
		Challenge        string
		RPID             string                       `json:"rpId"`
		RP               struct{ ID string }          `json:"rp"`
		User             struct{ ID, Name string }    `json:"user"`
		Exclude          []struct{ ID string }        `json:"excludeCredentials"`
		UserVerification string                       `json:"userVerification"`
		Selection        struct{ ResidentKey string } `json:"authenticatorSelection"`
	} `json:"publicKey"`
}

func (a *authenticator) data(site string, more []byte, flags byte) []byte {
	if a.foreign {
		site = "evil.example"
	}
	if !a.blind {
		flags |= 4 // the user was verified
	}
	a.count++
	sum := sha256.Sum256([]byte(site))
	return append(binary.BigEndian.AppendUint32(append(sum[:], flags|1), a.count), more...)
}

func (a *authenticator) client(kind, challenge string) []byte {
	b, err := json.Marshal(map[string]any{"type": "webauthn." + kind, "challenge": challenge, "origin": a.origin, "crossOrigin": false})
	if err != nil {
		a.t.Fatal(err)
	}
	return b
}

func base64URL(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (a *authenticator) answer(response map[string]any) string {
	b, err := json.Marshal(map[string]any{"id": base64URL(a.id), "rawId": base64URL(a.id), "type": "public-key", "clientExtensionResults": map[string]any{}, "response": response})
	if err != nil {
		a.t.Fatal(err)
	}
	return string(b)
}

// create answers to the question for a new passkey.
func (a *authenticator) create(question string) string {
	a.t.Helper()
	var q passkeyQuestion
	if err := json.Unmarshal([]byte(question), &q); err != nil {
		a.t.Fatal(err)
	}
	if q.PublicKey.Selection.ResidentKey != "required" {
		a.t.Errorf("a passkey is asked for that need not be one: %s", question)
	}
	a.user = q.PublicKey.User.ID
	point, err := a.key.PublicKey.Bytes() // 4, and the two coordinates
	if err != nil {
		a.t.Fatal(err)
	}
	key, err := webauthncbor.Marshal(map[int]any{1: 2, 3: -7, -1: 1, -2: point[1:33], -3: point[33:]})
	if err != nil {
		a.t.Fatal(err)
	}
	more := append(make([]byte, 16), binary.BigEndian.AppendUint16(nil, uint16(len(a.id)))...)
	data := a.data(q.PublicKey.RP.ID, append(append(more, a.id...), key...), 0x40)
	object, err := webauthncbor.Marshal(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": data})
	if err != nil {
		a.t.Fatal(err)
	}
	return a.answer(map[string]any{"clientDataJSON": base64URL(a.client("create", q.PublicKey.Challenge)), "attestationObject": base64URL(object), "transports": []string{"internal"}})
}

// get answers to the question of a login.
func (a *authenticator) get(question string) string {
	a.t.Helper()
	var q passkeyQuestion
	if err := json.Unmarshal([]byte(question), &q); err != nil {
		a.t.Fatal(err)
	}
	client := a.client("get", q.PublicKey.Challenge)
	data := a.data(q.PublicKey.RPID, nil, 0)
	sum := sha256.Sum256(client)
	sum = sha256.Sum256(append(data, sum[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, a.key, sum[:])
	if err != nil {
		a.t.Fatal(err)
	}
	return a.answer(map[string]any{"clientDataJSON": base64URL(client), "authenticatorData": base64URL(data), "signature": base64URL(signature), "userHandle": a.user})
}

// named sends a request to the page by its name. The browser takes its cookies along,
// both ways: it is one page under two names here.
func (w *world) named(c *http.Client, path, contentType, body string) reply {
	w.t.Helper()
	if c.Jar != nil {
		by, name := &url.URL{Scheme: "https", Host: strings.TrimPrefix(w.url, "https://")}, &url.URL{Scheme: "https", Host: "localhost"}
		c.Jar.SetCookies(name, secured(c.Jar.Cookies(by)))
		defer func() { c.Jar.SetCookies(by, secured(c.Jar.Cookies(name))) }()
	}
	return w.send(c, "POST", path, contentType, body, func(r *http.Request) {
		r.Host = "localhost"
		r.Header.Set("Origin", "https://localhost")
	})
}

// secured are cookies as the page sets them.
func secured(cookies []*http.Cookie) []*http.Cookie {
	for _, c := range cookies {
		c.Path, c.Secure = "/", true
	}
	return cookies
}

// passkey adds one of who is logged in in c, whose password is p.
func (w *world) passkey(c *http.Client, p string) *authenticator {
	w.t.Helper()
	a := newAuthenticator(w.t)
	q := w.named(c, "/account/passkeys/begin", "application/x-www-form-urlencoded", url.Values{"name": {"my phone"}, "old": {p}}.Encode())
	w.wantStatus("asking for a passkey", q, 200)
	w.wantStatus("adding it", w.named(c, "/account/passkeys", "application/json", a.create(q.body)), 200)
	return a
}

// comesIn logs in by a passkey, in another browser, and returns it with the answer.
func (w *world) comesIn(a *authenticator) (*http.Client, reply) {
	w.t.Helper()
	c := w.browser()
	q := w.named(c, "/login/passkey/begin", "application/json", "")
	w.wantStatus("being asked for a passkey", q, 200)
	return c, w.named(c, "/login/passkey?next=%2Fpeers%2F7", "application/json", a.get(q.body))
}

func TestAPasskeyIsAWholeLogin(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	if page := w.send(w.stranger, "GET", "/login", "", "", func(r *http.Request) { r.Host = "localhost" }); strings.Contains(page.body, "passkey") {
		t.Error("a passkey is asked for that nobody has")
	}
	a := w.passkey(c, password)
	if page := w.send(w.stranger, "GET", "/login", "", "", func(r *http.Request) { r.Host = "localhost" }); !strings.Contains(page.body, "Log in with a passkey") {
		t.Error("nobody is offered to log in by one")
	}
	w.secondStep(c, password) // a passkey is both steps
	phone, r := w.comesIn(a)
	w.wantStatus("logging in", r, 200)
	if r.body != `{"next":"/peers/7"}` {
		t.Errorf("it leads to %s", r.body)
	}
	page := w.get(phone, "/account")
	w.wantStatus("the account", page, 200)
	if !strings.Contains(page.body, "my phone") || !strings.Contains(page.body, "last used") {
		t.Error("it is not listed with its use")
	}
	if got := strings.Join(w.did, ", "); !strings.Contains(got, "admin passkey-added") || !strings.HasSuffix(got, "admin logged-in") {
		t.Errorf("written down is %s", got)
	}
	id := regexp.MustCompile(`/account/passkeys/(\d+)/remove`).FindStringSubmatch(page.body)
	if id == nil {
		t.Fatal("it cannot be removed")
	}
	anna := w.userAs("anna", account.RoleViewer)
	w.wantStatus("somebody else removes it", w.post(anna, id[0], nil), 404)
	w.wantStatus("removing it", w.post(phone, id[0], nil), 303)
	_, r = w.comesIn(a)
	w.wantStatus("logging in by it afterwards", r, 403)
}

func TestAPasskeyIsRefusedThatIsNotWholeOrNotOurs(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	a := w.passkey(c, password)
	for name, tt := range map[string]struct {
		before func(*authenticator)
		after  func(answer string) string
	}{
		"nobody was looked at":    {func(a *authenticator) { a.blind = true }, nil},
		"for another site":        {func(a *authenticator) { a.foreign = true }, nil},
		"from another page":       {func(a *authenticator) { a.origin = foreign }, nil},
		"by another key":          {func(a *authenticator) { a.key = newAuthenticator(t).key }, nil},
		"of another user":         {func(a *authenticator) { a.user = base64URL([]byte("homeward-99")) }, nil},
		"one that is not known":   {func(a *authenticator) { a.id = []byte("another") }, nil},
		"with an old counter":     {func(a *authenticator) { a.count = 0 }, nil},
		"something else entirely": {nil, func(string) string { return `{"id":"x"}` }},
	} {
		other := *a
		if tt.before != nil {
			tt.before(&other)
		}
		b := w.browser()
		q := w.named(b, "/login/passkey/begin", "application/json", "")
		answer := other.get(q.body)
		if tt.after != nil {
			answer = tt.after(answer)
		}
		w.wantStatus(name, w.named(b, "/login/passkey", "application/json", answer), 403)
		w.wantStatus(name+": the page", w.get(b, "/account"), 303)
	}
	b := w.browser()
	q := w.named(b, "/login/passkey/begin", "application/json", "")
	answer := a.get(q.body)
	w.wantStatus("the right one", w.named(b, "/login/passkey", "application/json", answer), 200)
	w.wantStatus("the same answer again", w.named(w.browser(), "/login/passkey", "application/json", answer), 400)
	q = w.named(b, "/login/passkey/begin", "application/json", "")
	w.now.pass(6 * time.Minute)
	w.wantStatus("too late", w.named(b, "/login/passkey", "application/json", a.get(q.body)), 400)
	if strings.Count(strings.Join(w.refused, ","), "passkey") < 6 {
		t.Errorf("written down is %v", w.refused)
	}
}

func TestAPasskeyIsMadeByWhoSaysAllThatALoginTakes(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	begin := func(form url.Values) reply {
		return w.named(c, "/account/passkeys/begin", "application/x-www-form-urlencoded", form.Encode())
	}
	w.wantStatus("without the password", begin(url.Values{"name": {"x"}}), 403)
	w.wantStatus("without a name", begin(url.Values{"old": {password}}), 400)
	q := begin(url.Values{"name": {"x"}, "old": {password}})
	w.wantStatus("with both", q, 200)
	anna := w.userAs("anna", account.RoleViewer)
	a := newAuthenticator(t)
	w.wantStatus("somebody else's answer", w.named(anna, "/account/passkeys", "application/json", a.create(q.body)), 400)
	w.wantStatus("the answer to a question that is used up", w.named(c, "/account/passkeys", "application/json", a.create(q.body)), 400)
	a.blind = true
	q = begin(url.Values{"name": {"x"}, "old": {password}})
	w.wantStatus("a device that looks at nobody", w.named(c, "/account/passkeys", "application/json", a.create(q.body)), 403)
	code, _ := w.secondStep(c, password)
	w.wantStatus("without the second step's code", begin(url.Values{"name": {"x"}, "old": {password}}), 403)
	w.wantStatus("with it", begin(url.Values{"name": {"x"}, "old": {password}, "code": {code()}}), 200)
}

func TestPasskeysEndWithAResetPasswordAndWithTheUser(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	anna := w.userAs("anna", account.RoleViewer)
	a := w.passkey(anna, password+"anna")
	_, r := w.comesIn(a)
	w.wantStatus("before", r, 200)
	w.wantStatus("her own new password", w.post(anna, "/account/password", url.Values{"old": {password + "anna"}, "password": {"another password"}, "again": {"another password"}}), 303)
	phone, r := w.comesIn(a)
	w.wantStatus("after it", r, 200)
	w.wantStatus("a reset password", w.post(c, "/users/anna/password", url.Values{"password": {"set by the owner"}}), 303)
	w.wantStatus("the session of the passkey", w.get(phone, "/account"), 303)
	_, r = w.comesIn(a)
	w.wantStatus("after it", r, 403)
	anna = w.logsIn("anna", "set by the owner", "")
	a = w.passkey(anna, "set by the owner")
	w.wantStatus("removing her", w.post(c, "/users/anna/remove", nil), 303)
	_, r = w.comesIn(a)
	w.wantStatus("afterwards", r, 403)
}

func TestThePageSaysWhyItHasNoPasskeys(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	page := w.get(c, "/account").body
	if !strings.Contains(page, "only for pages with a name") || strings.Contains(page, `data-finish`) {
		t.Errorf("by an address it says\n%s", around(page, "passkeys"))
	}
	r := w.post(c, "/account/passkeys/begin", url.Values{"name": {"x"}, "old": {password}})
	w.wantStatus("asking all the same", r, 409)
	if !strings.Contains(r.body, "only for pages with a name") {
		t.Error(r.body)
	}
	w.wantStatus("logging in all the same", w.post(w.browser(), "/login/passkey/begin", nil), 409)
}

func TestWhoAsksForPasskeysTooOftenIsSlowedDown(t *testing.T) {
	w := newWorld(t)
	w.owner()
	var r reply
	for range 31 {
		r = w.named(w.stranger, "/login/passkey/begin", "application/json", "")
	}
	w.wantStatus("the thirty-first", r, 429)
	if r.header.Get("Retry-After") == "" || r.header.Get("Set-Cookie") != "" {
		t.Error(r.header)
	}
	w.wantStatus("a password from there", w.post(w.browser(), "/login", url.Values{"password": {password}}), 303)
}
