package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/configs/secret"
	"homeward/configs/state"
	"homeward/peers"
	"homeward/peers/history"
	"homeward/peers/peerstest"
	"homeward/web/account"
	"homeward/web/account/tokens"
	"homeward/web/api/apitest"

	"net/netip"
)

// world is the interface over a real manager and database.
type world struct {
	client *Client
	device *peerstest.Device
	url    string // the same over TCP, for requests that the client cannot make
	events *history.Stream
	diary  *history.Recorder
	// document is what all answers are held to.
	document *apitest.Document
}

func newWorld(t *testing.T, endpoint *peers.Endpoint) world {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	st, err := state.Open(t.Context(), t.TempDir(), quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	dev := peerstest.NewDevice()
	m, err := peers.New(t.Context(), peers.Config{DB: st.DB(), Device: dev, Logger: quiet, Facts: func() peers.Facts {
		return peers.Facts{PublicKey: wgtypes.Key{1}, Endpoint: endpoint, MTU: 1412,
			Tunnel: []netip.Prefix{netip.MustParsePrefix("10.6.0.1/24"), netip.MustParsePrefix("fd00:6::1/64")}}
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 2)
	go func() { done <- m.Run(ctx) }()
	events := &history.Stream{}
	diary, err := history.New(t.Context(), history.Config{DB: st.DB(), Peers: m.List, Stream: events, Version: "v", Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	go func() { done <- diary.Run(ctx) }()
	box := admin{t: t, set: map[string]bool{}}
	h := LocalHandler(Config{
		Accounts:   box,
		Restorer:   box,
		Tokens:     oneToken{},
		Peers:      m,
		History:    diary,
		Status:     func() Status { return Status{Version: "v", Joints: []Joint{{Key: "device", State: JointWorking}}} },
		Router:     &router{},
		Forwards:   &noForwards{},
		DNS:        &nameKeeper{},
		House:      &oneHouse{},
		Renumberer: &tunnelNet{now: "10.6.0.0/24"},
		Tests:      &fakeTests{},
		Knocks:     &oneKnock{},
		Backups:    &noBackups{},
		Importer:   &importer{},
		PageURL:    func() string { return "https://192.168.1.5:8377" },
		Logger:     quiet,
		Support:    func(context.Context, time.Time) ([]byte, error) { return []byte("PK"), nil },
	}, box)
	document := apitest.Served(t, h, documentPath)
	h = document.Check(h)
	srv := httptest.NewServer(h)
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	local := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	go local.Serve(l)
	t.Cleanup(func() {
		local.Close()
		srv.Close()
		cancel()
		<-done
		<-done
	})
	return world{NewClient(socket), dev, srv.URL, events, diary, document}
}

// router has two ports open, of which one may be closed.
type router struct {
	closed []string
	byHand string
}

func (r *router) ForwardByHand(_ context.Context, brand string) error {
	if brand == "a b" {
		return &Failure{Status: http.StatusBadRequest, Field: "router", Err: errors.New("there is no guide")}
	}
	r.byHand = "on " + brand
	return nil
}

func (r *router) AskRouterAgain(context.Context) error {
	r.byHand = ""
	return nil
}

func (r *router) Ports(context.Context) (PortTable, error) {
	return PortTable{Router: "Box", Complete: true, Ports: []Port{{Protocol: "TCP", External: 3389, Internal: "192.168.1.23:3389", Risk: "danger"}}}, nil
}

func (r *router) ClosePort(_ context.Context, protocol string, port uint16) error {
	if port != 3389 {
		return &Failure{Status: http.StatusConflict, Err: errors.New("the router refused")}
	}
	r.closed = append(r.closed, protocol)
	return nil
}

func (r *router) Guide(brand string) (Guide, error) {
	if brand == "a b" {
		return Guide{}, &Failure{Status: http.StatusNotFound, Err: errors.New("there is no guide")}
	}
	g := Guide{Router: brand, Steps: []string{"one"}}
	if r.byHand != "" {
		g.Name, g.ByHand = r.byHand, time.Unix(5, 0).UTC()
	}
	return g, nil
}

func TestTheGuideIsServedForARouter(t *testing.T) {
	w := newWorld(t, home(t))
	if g, err := w.client.Guide(t.Context(), "asus"); err != nil || g.Router != "asus" || len(g.Steps) != 1 {
		t.Errorf("%+v, %v", g, err)
	}
	var p *Problem
	if _, err := w.client.Guide(t.Context(), "a b"); !errors.As(err, &p) || p.Status != 404 || p.Detail != "there is no guide" {
		t.Errorf("%v", err)
	}
}

func TestTheOwnerSaysThatHeForwardsThePortByHandAndTakesItBack(t *testing.T) {
	w := newWorld(t, home(t))
	if err := w.client.ForwardByHand(t.Context(), "asus"); err != nil {
		t.Fatal(err)
	}
	if g, err := w.client.Guide(t.Context(), ""); err != nil || g.Name != "on asus" || !g.ByHand.Equal(time.Unix(5, 0)) {
		t.Errorf("%+v, %v", g, err)
	}
	var p *Problem
	if err := w.client.ForwardByHand(t.Context(), "a b"); !errors.As(err, &p) || p.Status != 400 || p.Field != "router" {
		t.Errorf("an unknown router: %v", err)
	}
	if err := w.client.AskRouterAgain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if g, err := w.client.Guide(t.Context(), ""); err != nil || !g.ByHand.IsZero() {
		t.Errorf("taken back: %+v, %v", g, err)
	}
}

func TestTheRoutersPortsAreListedAndClosed(t *testing.T) {
	w := newWorld(t, home(t))
	table, err := w.client.Ports(t.Context())
	if err != nil || len(table.Ports) != 1 || table.Ports[0].Risk != "danger" || !table.Complete {
		t.Errorf("%+v, %v", table, err)
	}
	if err := w.client.ClosePort(t.Context(), "tcp", 3389); err != nil {
		t.Error(err)
	}
	var p *Problem
	if err := w.client.ClosePort(t.Context(), "UDP", 51820); !errors.As(err, &p) || p.Status != 409 || p.Detail != "the router refused" {
		t.Errorf("a refusal: %v", err)
	}
	if err := w.client.ClosePort(t.Context(), "../peers", 1); !errors.As(err, &p) || p.Status != 404 {
		t.Errorf("nonsense: %v", err)
	}
}

// admin takes any password of more than three characters.
type admin struct {
	Accounts // not asked, but for what follows

	t   *testing.T
	set map[string]bool
}

func (a admin) SetPassword(_ context.Context, p string) error {
	if len(p) <= 3 {
		return &account.PasswordError{Problem: "is too short"}
	}
	a.set[p] = true
	return nil
}

// Users are two, of whom anna has a second step.
func (a admin) Users(context.Context) ([]account.User, error) {
	role := account.RoleViewer
	if a.set["anna is an admin"] {
		role = account.RoleAdmin
	}
	return []account.User{{ID: 1, Name: "admin", Role: account.RoleAdmin}, {ID: 2, Name: "anna", Role: role, SecondStep: true}}, nil
}

func (a admin) AddUser(context.Context, account.NewUser) error { return nil }
func (a admin) ChangeUser(_ context.Context, _ string, c account.UserChange) error {
	a.set["anna is an admin"] = *c.Role == account.RoleAdmin
	return nil
}
func (a admin) RemoveUser(context.Context, string) error            { return nil }
func (a admin) ResetPassword(context.Context, string, string) error { return nil }

func (a admin) RemoveSecondStep(_ context.Context, name string) error {
	switch name {
	case "anna":
		return nil
	case "admin":
		return account.ErrNoSecondStep
	}
	return account.ErrNoUser
}

func (a admin) SetupLink(context.Context) (SetupLink, error) {
	if len(a.set) > 0 {
		return SetupLink{}, account.ErrClaimed
	}
	return SetupLink{URL: "https://192.0.2.1/setup?token=x", Fingerprint: "AA:BB"}, nil
}

// importer is one that reads one line.
type importer struct {
	busy atomic.Int32 // how many imports find the port in use
}

func (*importer) Interfaces(context.Context) RunningInterfaces { return RunningInterfaces{} }

func (*importer) ReadInterface(_ context.Context, name string) (map[string][]byte, error) {
	return map[string][]byte{"wg0.conf": []byte("of " + name)}, nil
}

// Import says what it was given.
func (i *importer) Import(_ context.Context, files map[string][]byte, look bool) (Imported, error) {
	if len(files) == 0 {
		return Imported{}, &Failure{Status: http.StatusUnprocessableEntity, Field: "files", Err: errors.New("none")}
	}
	if !look && i.busy.Add(-1) >= 0 {
		return Imported{}, &Failure{Status: http.StatusConflict, Field: "port", Err: errors.New("in use")}
	}
	return Imported{Kind: string(files["wg0.conf"]), Port: map[bool]uint16{true: 1, false: 2}[look]}, nil
}

// oneToken is there, and another one is made.
type oneToken struct{ Tokens }

func (oneToken) All(context.Context) ([]tokens.Token, error) {
	return []tokens.Token{{ID: 1, Owner: "admin", Name: "script", Scopes: account.Scopes{account.ScopeRead}, Created: time.Unix(5, 0), Used: time.Unix(3600, 0)}}, nil
}

func (oneToken) Create(_ context.Context, owner account.User, _ account.Scopes, n tokens.New) (tokens.Token, secret.Text, error) {
	return tokens.Token{ID: 2, Owner: owner.Name, Name: n.Name, Scopes: n.Scopes, Created: time.Unix(5, 0), Expires: time.Unix(5, 0).Add(n.Lasts)}, secret.NewText("homeward_x"), nil
}

func (oneToken) Revoke(_ context.Context, id int64) (tokens.Token, error) {
	if id != 1 {
		return tokens.Token{}, tokens.ErrNoToken
	}
	return tokens.Token{}, nil
}

// noBackups go nowhere.
type noBackups struct{ folder string }

func (b *noBackups) Backup() BackupState {
	return BackupState{Nightly: &NightlyBackup{Folder: b.folder, Keep: 7}}
}
func (*noBackups) MakeBackup(BackupWanted) (SealedBackup, error) {
	return SealedBackup{"b", func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, "sealed")
		return err
	}}, nil
}
func (*noBackups) NewRecoveryCode(context.Context, bool) (RecoveryCode, error) {
	return RecoveryCode{"code"}, nil
}
func (b *noBackups) SetNightlyBackup(_ context.Context, n NightlyWanted) error {
	b.folder = n.Folder
	return nil
}
func (*noBackups) StopNightlyBackup(context.Context) error { return nil }

// Restore says how much it was given, and changes nothing.
func (a admin) Restore(_ context.Context, key string, sealed io.Reader, look bool) (Restored, error) {
	b, err := io.ReadAll(sealed)
	return Restored{Homeward: key, Devices: len(b), Aside: map[bool]string{false: "aside"}[look]}, err
}

func TestOnlyTheBoxItselfSetsPasswords(t *testing.T) {
	w := newWorld(t, home(t))
	if link, err := w.client.SetupLink(t.Context()); err != nil || !strings.HasSuffix(link.URL, "token=x") || link.Fingerprint == "" {
		t.Errorf("link = %+v, %v", link, err)
	}
	var p *Problem
	if err := w.client.SetPassword(t.Context(), "abc"); !errors.As(err, &p) || p.Status != 400 || p.Field != "password" {
		t.Errorf("a bad password: %v", err)
	}
	if err := w.client.SetPassword(t.Context(), "correct horse"); err != nil {
		t.Error(err)
	}
	if _, err := w.client.SetupLink(t.Context()); !errors.As(err, &p) || p.Status != 409 {
		t.Errorf("a link for a claimed page: %v", err)
	}
	for _, r := range Routes(Config{}) {
		if strings.HasSuffix(r.Pattern, "/admin/password") || strings.HasSuffix(r.Pattern, "/setup-link") || strings.HasSuffix(r.Pattern, "/second-step") {
			t.Errorf("%s is on the page too", r.Pattern)
		}
	}
}

func TestALostPhoneIsForgottenOnTheBoxOnly(t *testing.T) {
	w := newWorld(t, home(t))
	list, err := w.client.Users(t.Context())
	if err != nil || len(list) != 2 || list[0].SecondStep || !list[1].SecondStep {
		t.Errorf("%+v, %v", list, err)
	}
	var p *Problem
	for name, status := range map[string]int{"anna": 0, "admin": 409, "nobody": 404} {
		err := w.client.RemoveSecondStep(t.Context(), name)
		if status == 0 && err != nil || status != 0 && (!errors.As(err, &p) || p.Status != status) {
			t.Errorf("%s: %v, want %d", name, err, status)
		}
	}
}

func home(t *testing.T) *peers.Endpoint {
	t.Helper()
	e, err := peers.ParseEndpoint("home.example.org", 51820)
	if err != nil {
		t.Fatal(err)
	}
	return &e
}

// send makes one request and returns the status and the problem, if any.
func (w world) send(t *testing.T, method, path, contentType, body string) (int, Problem) {
	t.Helper()
	req, err := http.NewRequest(method, w.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var p Problem
	if resp.StatusCode >= 400 {
		if ct := resp.Header.Get("Content-Type"); ct == "application/problem+json" {
			if err := json.Unmarshal(b, &p); err != nil {
				t.Errorf("problem %q: %v", b, err)
			}
		}
	}
	return resp.StatusCode, p
}

func TestAPeersLifeOverTheSocket(t *testing.T) {
	w := newWorld(t, home(t))
	ctx := t.Context()
	issued, err := w.client.AddPeer(ctx, NewPeer{Name: "Anna's phone"})
	if err != nil {
		t.Fatal(err)
	}
	text, err := w.client.Config(ctx, issued.Peer.ID, "config", nil)
	if err != nil || !strings.Contains(string(text), "Endpoint = home.example.org:51820") {
		t.Errorf("config = %q, %v", text, err)
	}
	for form, start := range map[string]string{"qr.png": "\x89PNG", "qr.svg": "<svg", "qr.txt": "\x1b["} {
		if b, err := w.client.Config(ctx, issued.Peer.ID, form, nil); err != nil || !strings.HasPrefix(string(b), start) {
			t.Errorf("%s = %.20q, %v", form, b, err)
		}
	}
	key, err := wgtypes.ParseKey(issued.Peer.PublicKey)
	if err != nil || !w.device.Has(key) {
		t.Errorf("the device does not have the peer (%v)", err)
	}
	off := false
	if p, err := w.client.EditPeer(ctx, issued.Peer.ID, PeerChange{Enabled: &off}); err != nil || p.Enabled || w.device.Has(key) {
		t.Errorf("disabled: %+v, %v", p, err)
	}
	if list, err := w.client.Peers(ctx); err != nil || len(list) != 1 || list[0].Name != "Anna's phone" {
		t.Errorf("list = %v, %v", list, err)
	}
	if err := w.client.RemovePeer(ctx, issued.Peer.ID); err != nil {
		t.Error(err)
	}
	if list, err := w.client.Peers(ctx); err != nil || len(list) != 0 {
		t.Errorf("list after removal = %v, %v", list, err)
	}
}

func TestAnswersNeverHoldKeysButTheConfig(t *testing.T) {
	w := newWorld(t, home(t))
	issued, err := w.client.AddPeer(t.Context(), NewPeer{Name: "anna"})
	if err != nil {
		t.Fatal(err)
	}
	text, err := w.client.Config(t.Context(), issued.Peer.ID, "config", nil)
	if err != nil {
		t.Fatal(err)
	}
	var secrets []string
	for line := range strings.Lines(string(text)) {
		if k, v, _ := strings.Cut(strings.TrimSpace(line), " = "); k == "PrivateKey" || k == "PresharedKey" {
			secrets = append(secrets, v)
		}
	}
	if len(secrets) != 2 {
		t.Fatalf("found %d secrets in the config: the check looks at nothing", len(secrets))
	}
	for _, path := range []string{"/api/v1/peers", "/api/v1/peers/1", "/api/v1/status"} {
		resp, err := http.Get(w.url + path)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		for _, s := range secrets {
			if strings.Contains(string(b), s) {
				t.Errorf("%s shows a secret", path)
			}
		}
	}
}

func TestBadRequestsNameWhatIsWrong(t *testing.T) {
	w := newWorld(t, home(t))
	if code, _ := w.send(t, "POST", "/api/v1/peers", "application/json", `{"name":"anna"}`); code != 201 {
		t.Fatalf("a good request: %d", code)
	}
	key := wgtypes.Key{5}.String()
	for _, c := range []struct {
		name, method, path, contentType, body string
		status                                int
		field                                 string
	}{
		{"empty name", "POST", "/api/v1/peers", "application/json", `{"name":""}`, 400, "name"},
		{"long name", "POST", "/api/v1/peers", "application/json", `{"name":"` + strings.Repeat("x", 200) + `"}`, 400, "name"},
		{"control character", "POST", "/api/v1/peers", "application/json", `{"name":"a\nb"}`, 400, "name"},
		{"name taken", "POST", "/api/v1/peers", "application/json", `{"name":"ANNA"}`, 409, "name"},
		{"odd profile", "POST", "/api/v1/peers", "application/json", `{"name":"b","profile":"all"}`, 400, "profile"},
		{"odd key", "POST", "/api/v1/peers", "application/json", `{"name":"b","public_key":"abc"}`, 400, "public_key"},
		{"unknown member", "POST", "/api/v1/peers", "application/json", `{"name":"b","hook":"x"}`, 400, ""},
		{"two values", "POST", "/api/v1/peers", "application/json", `{"name":"b"}{}`, 400, ""},
		{"text as JSON", "POST", "/api/v1/peers", "text/plain", `{"name":"b"}`, 415, ""},
		{"too large", "POST", "/api/v1/peers", "application/json", `{"name":"` + strings.Repeat("x", 70<<10) + `"}`, 413, ""},
		{"nothing to change", "PATCH", "/api/v1/peers/1", "application/json", `{}`, 400, ""},
		{"odd kind", "POST", "/api/v1/peers", "application/json", `{"name":"b","kind":"toaster"}`, 400, "kind"},
		{"odd access", "POST", "/api/v1/peers", "application/json", `{"name":"b","access":"all"}`, 400, "access"},
		{"odd end", "POST", "/api/v1/peers", "application/json", `{"name":"b","expires":"tomorrow"}`, 400, "expires"},
		{"past end", "PATCH", "/api/v1/peers/1", "application/json", `{"expires":"2001-01-01T00:00:00Z"}`, 400, "expires"},
		{"odd keepalive", "PATCH", "/api/v1/peers/1", "application/json", `{"keepalive_seconds":65536}`, 400, "keepalive"},
		{"huge keepalive", "PATCH", "/api/v1/peers/1", "application/json", `{"keepalive_seconds":9223372036854775807}`, 400, "keepalive"},
		{"odd idle days", "PATCH", "/api/v1/peers/1", "application/json", `{"idle_days":-1}`, 400, "idle_days"},
		{"odd note", "PATCH", "/api/v1/peers/1", "application/json", `{"note":"a\u001bb"}`, 400, "note"},
		{"wrong type", "PATCH", "/api/v1/peers/1", "application/json", `{"dns":"yes"}`, 400, "dns"},
		{"no such peer", "DELETE", "/api/v1/peers/77", "", "", 404, ""},
		{"odd number", "GET", "/api/v1/peers/x", "", "", 404, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, p := w.send(t, c.method, c.path, c.contentType, c.body)
			if code != c.status || p.Field != c.field || p.Detail == "" || p.Status != code {
				t.Errorf("%d %+v, want %d and field %q", code, p, c.status, c.field)
			}
		})
	}
	body := `{"name":"own %","public_key":"` + key + `"}`
	if code, _ := w.send(t, "POST", "/api/v1/peers", "application/json", strings.Replace(body, "%", "1", 1)); code != 201 {
		t.Fatalf("own key: %d", code)
	}
	if code, p := w.send(t, "POST", "/api/v1/peers", "application/json", strings.Replace(body, "%", "2", 1)); code != 409 || p.Field != "public_key" {
		t.Errorf("duplicate key: %d %+v", code, p)
	}
}

func TestWithoutAnAddressOfHomeNoCodeIsMade(t *testing.T) {
	w := newWorld(t, nil)
	_, err := w.client.AddPeer(t.Context(), NewPeer{Name: "anna"})
	var p *Problem
	if !errors.As(err, &p) || p.Status != http.StatusConflict || !strings.Contains(p.Detail, "say in the settings where home is") {
		t.Errorf("error = %v", err)
	}
	if list, err := w.client.Peers(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("half done: %v, %v", list, err)
	}
}

func TestNobodyBehindTheSocketIsSaid(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none")
	if _, err := NewClient(path).Status(t.Context()); !errors.Is(err, ErrNotRunning) || !strings.Contains(err.Error(), path) {
		t.Errorf("error = %v", err)
	}
}
