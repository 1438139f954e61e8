package web

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
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
