package dnsname

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"homeward/configs/secret"
	"homeward/upnp/ddns"
)

// memory is a vault that forgets with the test.
type memory struct {
	mu     sync.Mutex
	values map[string][]byte
	fails  error
	writes int
}

func (m *memory) Keep(_ context.Context, name string, value []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fails != nil {
		return m.fails
	}
	if m.values == nil {
		m.values = map[string][]byte{}
	}
	m.values[name] = bytes.Clone(value)
	m.writes++
	return nil
}

func (m *memory) Kept(_ context.Context, name string) ([]byte, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.values[name]
	return v, ok, m.fails
}

func (m *memory) Forget(_ context.Context, name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.values, name)
	return m.fails
}

// fake is an updater that is told what it has found.
type fake struct {
	config  ddns.Config
	changed chan struct{}
	mu      sync.Mutex // guards what follows
	status  ddns.Status
	v4      netip.Addr
	runs    int
}

func (f *fake) Set(v4, _ netip.Addr, _ bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.v4 = v4
}

func (f *fake) Status() ddns.Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.status
}

func (f *fake) Changed() <-chan struct{} { return f.changed }

func (f *fake) Run(ctx context.Context) error {
	f.count(1)
	<-ctx.Done()
	f.count(-1)
	return nil
}

func (f *fake) count(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.runs += n
}

func (f *fake) show(s ddns.State, tried time.Time) {
	f.mu.Lock()
	f.status.State, f.status.LastTry = s, tried
	f.mu.Unlock()
	f.changed <- struct{}{}
}

func (f *fake) seen() (address netip.Addr, runs int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.v4, f.runs
}

// house is a keeper with fake updaters, the last one made first.
type house struct {
	*Keeper
	t     *testing.T
	vault *memory
	made  []*fake
}

func newHouse(t *testing.T, vault *memory) *house {
	t.Helper()
	h := &house{t: t, vault: vault}
	var err error
	h.Keeper, err = New(t.Context(), Config{Vault: vault, Logger: slog.New(slog.DiscardHandler), NewUpdater: func(c ddns.Config) (Updater, error) {
		real, err := ddns.New(c) // for its checks; it asks nobody
		if err != nil {
			return nil, err
		}
		f := &fake{config: c, status: real.Status(), changed: make(chan struct{}, 1)}
		h.made = append(h.made, f)
		return f, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) last() *fake { return h.made[len(h.made)-1] }

// run runs the keeper; the function that it returns ends it.
func (h *house) run() (stop func()) {
	ctx, cancel := context.WithCancel(h.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	synctest.Wait()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			h.t.Error(err)
		}
	}
}

func duck(name, token string) Settings {
	return Settings{Provider: ddns.DuckDNS, Name: name, Secret: secret.NewText(token)}
}

var homeNow = netip.MustParseAddr("81.2.69.2")

func TestANameIsKeptOverARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vault := &memory{}
		h := newHouse(t, vault)
		h.SetAddresses(homeNow, netip.Addr{}, false)
		stop := h.run()
		if s := h.Status(); s.Chosen {
			t.Fatalf("a name from nowhere: %+v", s)
		}
		if err := h.Set(t.Context(), duck("Home.DuckDNS.org", "secret-token")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if a, runs := h.last().seen(); a != homeNow || runs != 1 {
			t.Errorf("address %v, %d runs", a, runs)
		}
		if s := h.Status(); !s.Chosen || s.Ready || s.Settings.Name != "home.duckdns.org" {
			t.Errorf("%+v", s)
		}
		tried := time.Now()
		h.last().show(ddns.Verified, tried)
		synctest.Wait()
		stop()
		if _, runs := h.last().seen(); runs != 0 {
			t.Error("the updater still runs")
		}

		again := newHouse(t, vault)
		if s := again.Status(); !s.Ready || s.Settings.Name != "home.duckdns.org" {
			t.Errorf("after a restart: %+v", s)
		}
		if c := again.last().config; !c.LastTry.Equal(tried) {
			t.Errorf("the last try was forgotten: %v", c.LastTry)
		}
		if err := again.Remove(t.Context()); err != nil || again.Status().Chosen || len(vault.values) != 0 {
			t.Errorf("removed: %v, %+v, %v", err, again.Status(), vault.values)
		}
	})
}

func TestOnlyWhatARestartMustKnowIsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, &memory{})
		stop := h.run()
		defer stop()
		if err := h.Set(t.Context(), duck("home.duckdns.org", "token")); err != nil {
			t.Fatal(err)
		}
		tried := time.Now()
		for _, s := range []ddns.State{ddns.Pending, ddns.Published, ddns.Verified, ddns.Published, ddns.Verified} {
			h.last().show(s, tried)
			synctest.Wait()
		}
		if h.vault.writes != 3 { // the settings, the try, the proof
			t.Errorf("written %d times, want 3", h.vault.writes)
		}
	})
}

func TestAnotherNameTakesThePlaceOfTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, &memory{})
		stop := h.run()
		defer stop()
		if err := h.Set(t.Context(), duck("home.duckdns.org", "token")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		first := h.last()
		tried := time.Now()
		first.show(ddns.Verified, tried)
		synctest.Wait()
		if err := h.Set(t.Context(), duck("house.duckdns.org", "")); err != nil { // the token of before
			t.Fatal(err)
		}
		synctest.Wait()
		_, firstRuns := first.seen()
		_, runs := h.last().seen()
		if firstRuns != 0 || runs != 1 {
			t.Errorf("%d runs of the first, %d of the second", firstRuns, runs)
		}
		if s := h.Status(); s.Ready {
			t.Error("the proof of one name was taken for another's")
		}
		if !h.last().config.LastTry.Equal(tried) {
			t.Error("the provider may be asked too often")
		}
	})
}

func TestASecretIsNotSentToAnotherAccount(t *testing.T) {
	h := newHouse(t, &memory{})
	first := Settings{Provider: ddns.DynDNS2, Name: "home.example.org", User: "anna", Server: "dyn.example.net", Secret: secret.NewText("token")}
	if err := h.Set(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Settings){
		"provider": func(s *Settings) { s.Provider = ddns.NoIP },
		"server":   func(s *Settings) { s.Server = "dyn.example.com" },
		"user":     func(s *Settings) { s.User = "bert" },
	} {
		next := first
		next.Secret = secret.Text{}
		change(&next)
		if err := h.Set(t.Context(), next); !errors.Is(err, ErrNoSecret) {
			t.Errorf("another %s: %v", name, err)
		}
	}
	if len(h.made) != 1 {
		t.Errorf("%d updaters", len(h.made))
	}
}

func TestWrongSettingsChangeNothing(t *testing.T) {
	h := newHouse(t, &memory{})
	if err := h.Set(t.Context(), duck("home.duckdns.org", "token")); err != nil {
		t.Fatal(err)
	}
	var field *ddns.FieldError
	if err := h.Set(t.Context(), duck("home.example.org", "token")); !errors.As(err, &field) || field.Field != "name" {
		t.Errorf("a wrong name: %v", err)
	}
	h.vault.fails = errors.New("disk full")
	if err := h.Set(t.Context(), duck("other.duckdns.org", "token")); !errors.Is(err, h.vault.fails) {
		t.Errorf("a full disk: %v", err)
	}
	if err := h.Remove(t.Context()); !errors.Is(err, h.vault.fails) {
		t.Errorf("a full disk: %v", err)
	}
	if s := h.Status(); s.Settings.Name != "home.duckdns.org" {
		t.Errorf("changed to %q", s.Settings.Name)
	}
}

func TestSettingsThatCannotBeReadAreSaid(t *testing.T) {
	h := newHouse(t, &memory{values: map[string][]byte{vaultName: []byte("{")}})
	if s := h.Status(); s.Chosen || s.Problem == "" {
		t.Errorf("%+v", s)
	}
	if err := h.Set(t.Context(), duck("home.duckdns.org", "token")); err != nil || h.Status().Problem != "" {
		t.Errorf("entered again: %v, %+v", err, h.Status())
	}
}

func TestStatusShowsNoSecret(t *testing.T) {
	h := newHouse(t, &memory{})
	if err := h.Set(t.Context(), duck("home.duckdns.org", "the-secret-token")); err != nil {
		t.Fatal(err)
	}
	if shown := fmt.Sprintf("%+v %#v", h.Status(), h.Status()); bytes.Contains([]byte(shown), []byte("the-secret")) {
		t.Error(shown)
	}
}
