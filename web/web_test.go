package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/configs/state"
	"homeward/peers"
	"homeward/peers/history"
	"homeward/peers/peerstest"
	"homeward/web/account"
	"homeward/web/account/passkeys"
	"homeward/web/account/tokens"
	"homeward/web/api"
)

const (
	password = "correct horse battery"
	foreign  = "https://evil.example"
)

// world is a page with real peers behind it, over TLS.
type world struct {
	t        *testing.T
	page     *Server
	account  *account.Account
	tokens   *tokens.Book
	passkeys *passkeys.Book
	now      *clock // by which codes are judged
	did      []string
	refused  []string  // by what, and as whom
	log      logBuffer // of all parts
	peers    *peers.Manager
	dev      *peerstest.Device
	backups  fakeBackups
	restorer fakeRestorer
	importer fakeImporter
	house    fakeHouse
	keep     atomic.Bool  // codes
	later    atomic.Int64 // how long after now it is for the devices, in nanoseconds
	tunnel   fakeTunnel
	url      string
	stranger *http.Client // has no cookie, and follows no redirect
	tls      *httptest.Server
	tests    fakeTests
	knocks   fakeKnocks
	events   *history.Stream
	history  *history.Recorder // runs from the start
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldWith(t, &peers.Endpoint{Host: "home.example.org", Port: 51820, Source: peers.EndpointOperator})
}

func newWorldWith(t *testing.T, endpoint *peers.Endpoint) *world {
	t.Helper()
	w := &world{t: t, now: &clock{}, dev: peerstest.NewDevice()}
	quiet := slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	st, err := state.Open(t.Context(), t.TempDir(), quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	w.peers, err = peers.New(t.Context(), peers.Config{DB: st.DB(), Device: w.dev, Logger: quiet, Facts: func() peers.Facts {
		return peers.Facts{PublicKey: wgtypes.Key{1}, Endpoint: endpoint, MTU: 1412, Tunnel: []netip.Prefix{netip.MustParsePrefix("10.6.0.1/24"), netip.MustParsePrefix("fd00:6::1/64")}}
	}, KeepCodes: w.keep.Load, Box: st.Box, Now: func() time.Time { return time.Now().Add(time.Duration(w.later.Load())) }})
	if err != nil {
		t.Fatal(err)
	}
	if w.account, err = account.New(account.Config{DB: st.DB(), Box: st.Box, Now: w.now.read, Logger: quiet, Refused: func(how string, from netip.Addr, user string) {
		w.refused = append(w.refused, how+" "+user)
	}}); err != nil {
		t.Fatal(err)
	}
	if w.tokens, err = tokens.NewBook(tokens.Config{DB: st.DB(), Now: w.now.read, Logger: quiet}); err != nil {
		t.Fatal(err)
	}
	if w.passkeys, err = passkeys.NewBook(passkeys.Config{DB: st.DB(), Now: w.now.read, Logger: quiet, Refused: func(netip.Addr) { w.refused = append(w.refused, "passkey") }}); err != nil {
		t.Fatal(err)
	}
	w.events = &history.Stream{}
	w.history, err = history.New(t.Context(), history.Config{DB: st.DB(), Peers: w.peers.List, Stream: w.events, Version: "v", Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	w.page, err = New(Config{Account: w.account, Bearers: w.tokens, Passkeys: w.passkeys, MaxBackup: 1 << 20, BackupHolder: &w.restorer, Secure: true, Certificate: func() (string, string) { return "AA:BB", "six words to read aloud here" }, Did: func(ctx context.Context, cause string, about ...string) {
		w.did = append(w.did, strings.Join(append([]string{CallerName(ctx), cause}, about...), " "))
	}, Config: api.Config{
		Accounts:   w.account,
		Tokens:     w.tokens,
		Restorer:   &w.restorer,
		Peers:      w.peers,
		History:    w.history,
		Router:     noRouter{},
		Forwards:   &fakeForwards{},
		DNS:        &fakeName{},
		House:      &w.house,
		Renumberer: &w.tunnel,
		Backups:    &w.backups,
		Importer:   &w.importer,
		Tests:      &w.tests,
		Knocks:     &w.knocks,
		PageURL:    func() string { return "https://192.168.1.5:8377" },
		Logger:     quiet,
		Status: func() api.Status {
			return api.Status{Version: "v", Reachability: api.Reachability{Verdict: "codes-stale"}, Hairpin: api.HairpinMissing, Joints: []api.Joint{{Key: "router", Title: "Router", State: api.JointFailed, Summary: "<i>No</i> router.", Advice: "Plug it in."}}}
		},
		Support: func(context.Context, time.Time) ([]byte, error) { return []byte("PK"), nil },
	}})
	if err != nil {
		t.Fatal(err)
	}
	w.tls = httptest.NewTLSServer(w.page.Handler())
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 2)
	go func() { done <- w.peers.Run(ctx) }()
	go func() { done <- w.history.Run(ctx) }()
	t.Cleanup(func() {
		w.page.Close()
		w.tls.Close()
		cancel()
		<-done
		<-done
	})
	w.url = w.tls.URL
	w.stranger = w.browser()
	w.stranger.Jar = nil
	return w
}

// logBuffer is a log that may be read while it is written.
type logBuffer struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// noRouter has one port open.
type noRouter struct{}

func (noRouter) Ports(context.Context) (api.PortTable, error) {
	return api.PortTable{Router: "phone router", Complete: true, Ports: []api.Port{{Protocol: "TCP", External: 3389, Risk: "danger"}}}, nil
}
func (noRouter) ClosePort(context.Context, string, uint16) error { return nil }
func (noRouter) ForwardByHand(context.Context, string) error     { return nil }
func (noRouter) AskRouterAgain(context.Context) error            { return nil }
func (noRouter) Guide(string) (api.Guide, error)                 { return api.Guide{Name: "a phone's router"}, nil }

// fakeName takes any name but one.
type fakeName struct{ now api.NewDNSName }

func (f *fakeName) DNSName() api.DNSName {
	n := f.now
	return api.DNSName{Provider: n.Provider, Name: n.Name, User: n.User, Server: n.Server, Path: n.Path, Zone: n.Zone, Algorithm: n.Algorithm, Providers: []api.DNSProvider{}}
}
func (f *fakeName) SetDNSName(_ context.Context, n api.NewDNSName) error {
	if n.Name == "" {
		return &api.Failure{Status: http.StatusBadRequest, Field: "name", Err: errors.New("the name is missing")}
	}
	f.now = n
	return nil
}
func (f *fakeName) RemoveDNSName(context.Context) error { f.now = api.NewDNSName{}; return nil }

// fakeHouse takes anything but a bad endpoint.
type fakeHouse struct{ now api.Settings }

func (f *fakeHouse) Settings() api.Settings { return f.now }
func (f *fakeHouse) ChangeSettings(_ context.Context, c api.SettingsChange) error {
	for to, text := range map[*string]*string{&f.now.House: c.House, &f.now.Endpoint: c.Endpoint, &f.now.Resolvers: c.Resolvers, &f.now.Echo: c.Echo, &f.now.Profile: c.Profile, &f.now.Access: c.Access} {
		if text == nil {
			continue
		}
		if to == &f.now.Endpoint && *text != "" {
			if _, err := peers.ParseEndpoint(*text, 51820); err != nil {
				return err
			}
		}
		if to == &f.now.Echo && strings.Contains(*text, "://") {
			return peers.NewFieldError("echo", "more than two servers to ask are too many: leave the others out")
		}
		*to = *text
	}
	if c.DNS != nil {
		f.now.DNS = *c.DNS
	}
	if c.KeepCodes != nil {
		f.now.KeepCodes = *c.KeepCodes
	}
	f.now.EchoAnswered = f.now.EchoAnswered || c.Echo != nil
	for to, n := range map[*int]*int{&f.now.MTU: c.MTU, &f.now.Keepalive: c.Keepalive} {
		if n != nil {
			*to = *n
		}
	}
	return nil
}

// browser has cookies and follows no redirect.
func (w *world) browser() *http.Client {
	jar, _ := cookiejar.New(nil) // never fails
	c := *w.tls.Client()
	c.Jar = jar
	c.Timeout = time.Minute
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}

// owner claims the page and returns the browser in which that happened.
func (w *world) owner() *http.Client {
	w.t.Helper()
	token, err := w.account.NewLink(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	c := w.browser()
	r := w.post(c, "/setup", url.Values{"token": {token}, "password": {password}, "again": {password}})
	if r.status != http.StatusSeeOther || r.header.Get("Location") != "/welcome" {
		w.t.Fatalf("claiming: %d to %q\n%s", r.status, r.header.Get("Location"), r.body)
	}
	return c
}

type reply struct {
	status int
	header http.Header
	body   string
}

// send makes a request; change edits it first.
func (w *world) send(c *http.Client, method, path, contentType, body string, change func(*http.Request)) reply {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if method != "GET" && method != "HEAD" {
		req.Header.Set("Origin", w.url)
	}
	if change != nil {
		change(req)
	}
	resp, err := c.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.Header.Get("Content-Type") == "text/event-stream" {
		return reply{resp.StatusCode, resp.Header, ""}
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, string(b)}
}

func (w *world) get(c *http.Client, path string) reply {
	w.t.Helper()
	return w.send(c, "GET", path, "", "", nil)
}

func (w *world) post(c *http.Client, path string, form url.Values) reply {
	w.t.Helper()
	return w.send(c, "POST", path, "application/x-www-form-urlencoded", form.Encode(), nil)
}

func (w *world) addPeer(name string) peers.Issued {
	w.t.Helper()
	i, err := w.peers.Create(w.t.Context(), peers.NewPeer{Name: name})
	if err != nil {
		w.t.Fatal(err)
	}
	return i
}

func (w *world) wantStatus(what string, r reply, status int) {
	w.t.Helper()
	if r.status != status {
		w.t.Errorf("%s: status %d, want %d\n%.600s", what, r.status, status, r.body)
	}
}

func TestFromNothingToACode(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	first := w.get(c, "/")
	w.wantStatus("the first page", first, 200)
	for _, want := range []string{"No device may come in yet", "&lt;i&gt;No&lt;/i&gt; router.", "Plug it in.", "does not work"} {
		if !strings.Contains(first.body, want) {
			t.Errorf("the first page lacks %q", want)
		}
	}
	made := w.post(c, "/peers", url.Values{"name": {"Anna's phone"}, "profile": {"home"}})
	w.wantStatus("adding", made, 303)
	page := w.get(c, made.header.Get("Location"))
	w.wantStatus("its page", page, 200)
	for _, want := range []string{"Anna&#39;s phone", `src="/api/v1/peers/1/qr.png"`, "Has not been here yet", "forgotten here at", "At home, switch the tunnel off"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the device's page lacks %q", want)
		}
	}
	code := w.get(c, "/api/v1/peers/1/qr.png")
	if code.header.Get("Content-Type") != "image/png" || !strings.HasPrefix(code.body, "\x89PNG") || code.header.Get("Cache-Control") != "no-store" {
		t.Errorf("the code: %d %v", code.status, code.header)
	}
	if file := w.get(c, "/api/v1/peers/1/config"); !strings.Contains(file.body, "PrivateKey") || !strings.Contains(file.header.Get("Content-Disposition"), `filename="`) {
		t.Errorf("the file: %d %v", file.status, file.header)
	}
}

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

func TestAccessIsChosenOnThePage(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	w.addPeer("guest")
	if !regexp.MustCompile(`value="everything" checked`).MatchString(w.get(c, "/peers/1").body) {
		t.Error("the page does not show the present access")
	}
	w.wantStatus("choosing", w.post(c, "/peers/1/access", url.Values{"access": {"internet"}}), 303)
	if p, _ := w.peers.Get(1); p.Access != peers.AccessInternet || w.dev.Peers()[0].Access != peers.AccessInternet {
		t.Errorf("%+v", p)
	}
	w.wantStatus("nonsense", w.post(c, "/peers/1/access", url.Values{"access": {"all"}}), 400)
	if p, _ := w.peers.Get(1); p.Access != peers.AccessInternet {
		t.Errorf("nonsense became %q", p.Access)
	}
}

func TestThingsAreChosenOnThePage(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	w.addPeer("guest")
	w.wantStatus("choosing", w.post(c, "/peers/1/access", url.Values{"access": {"nothing"}, "admin": {"yes"}, "things": {"192.168.1.20  TCP/445\r\nbox tcp/631\r\n"}}), 303)
	const want = peers.Access("admin; box tcp/631; 192.168.1.20 tcp/445")
	if p, _ := w.peers.Get(1); p.Access != want || w.dev.Peers()[0].Access != want {
		t.Errorf("%+v", p)
	}
	page := w.get(c, "/peers/1").body
	for _, part := range []string{`value="nothing" checked`, `name="admin" value="yes" checked`, `name="peers" value="yes">`, "box tcp/631\n192.168.1.20 tcp/445</textarea>", "<details open>"} {
		if !strings.Contains(page, part) {
			t.Errorf("the page misses %q", part)
		}
	}
	wrong := w.post(c, "/peers/1/access", url.Values{"access": {"home"}, "peers": {"yes"}, "things": {"192.168.1.21\n<nas> tcp/80"}})
	w.wantStatus("a mistake", wrong, 400)
	for _, part := range []string{"&lt;nas&gt;&#34; is no grant", "192.168.1.21\n&lt;nas&gt; tcp/80</textarea>", `value="home" checked`, `name="peers" value="yes" checked`} {
		if !strings.Contains(wrong.body, part) {
			t.Errorf("after a mistake the page misses %q", part)
		}
	}
	if p, _ := w.peers.Get(1); p.Access != want {
		t.Errorf("a mistake became %q", p.Access)
	}
	w.wantStatus("a simple kind again", w.post(c, "/peers/1/access", url.Values{"access": {"home"}, "things": {""}}), 303)
	if page := w.get(c, "/peers/1").body; strings.Contains(page, "<details open>") {
		t.Error("a simple kind is shown as more")
	}
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

func TestNothingTypedIsLostOnAFailedSubmit(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	w.addPeer("tablet")
	for name, tt := range map[string]struct {
		typed, says string
		status      int
	}{
		"empty":     {"", "name", 400},
		"too long":  {strings.Repeat("x", 200), "64", 400},
		"a newline": {"a\nb", "control", 400},
		"taken":     {"TABLET", "name", 400},
	} {
		r := w.post(c, "/peers", url.Values{"name": {tt.typed}, "profile": {"everything"}})
		w.wantStatus(name, r, tt.status)
		if !strings.Contains(r.body, `id="name-problem"`) || !strings.Contains(r.body, tt.says) || !strings.Contains(r.body, `aria-invalid="true"`) {
			t.Errorf("%s: no word beside the field:\n%s", name, around(r.body, "name-problem"))
		}
		if !regexp.MustCompile(`value="everything" checked`).MatchString(r.body) {
			t.Errorf("%s: the choice is lost", name)
		}
		if tt.typed == "TABLET" && !strings.Contains(r.body, `value="TABLET"`) {
			t.Errorf("%s: the name is lost", name)
		}
	}
	if n := len(w.peers.List()); n != 1 {
		t.Errorf("%d devices, want 1", n)
	}
}

func around(s, part string) string {
	i := strings.Index(s, part)
	if i < 0 {
		return "(not there)"
	}
	return s[max(0, i-200):min(len(s), i+300)]
}

func TestWithoutAnAddressOfHomeThePageSaysWhatToDo(t *testing.T) {
	w := newWorldWith(t, nil)
	c := w.owner()
	r := w.post(c, "/peers", url.Values{"name": {"phone"}, "profile": {"home"}})
	w.wantStatus("adding", r, 409)
	if !strings.Contains(r.body, `role="alert"`) || !strings.Contains(r.body, "say in the settings where home is") || !strings.Contains(r.body, `value="phone"`) {
		t.Errorf("it says: %s", around(r.body, `role="alert"`))
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

func TestAPageIsDrawnOnlyFromItsOwnOrigin(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	w.addPeer("phone")
	refs := regexp.MustCompile(`(?:src|href|action)="([^"]*)"`)
	inline := regexp.MustCompile(`(?i)<style|style="|<script>|\son[a-z]+="|javascript:`)
	for _, path := range []string{"/", "/peers/1", "/peers/1/remove", "/login", "/setup", "/nowhere"} {
		body := w.get(c, path).body
		for _, m := range refs.FindAllStringSubmatch(body, -1) {
			if !strings.HasPrefix(m[1], "/") && !strings.HasPrefix(m[1], "#") || strings.HasPrefix(m[1], "//") {
				t.Errorf("%s refers to %q", path, m[1])
			}
		}
		if at := inline.FindString(body); at != "" {
			t.Errorf("%s has %q, which the policy forbids", path, at)
		}
	}
}

func TestFilesAreServedUnderTheirHash(t *testing.T) {
	w := newWorld(t)
	w.owner()
	page := w.get(w.stranger, "/login").body
	n := 0
	for _, path := range regexp.MustCompile(`/assets/[^"]+`).FindAllString(page, -1) {
		n++
		r := w.get(w.stranger, path)
		w.wantStatus(path, r, 200)
		if !strings.Contains(r.header.Get("Cache-Control"), "immutable") || r.header.Get("Set-Cookie") != "" || strings.HasPrefix(r.header.Get("Content-Type"), "text/plain") {
			t.Errorf("%s: %v", path, r.header)
		}
		w.wantStatus("another hash", w.get(w.stranger, strings.Replace(path, path[8:20], "000000000000", 1)), 404)
	}
	if n < 3 {
		t.Errorf("%d files", n)
	}
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
