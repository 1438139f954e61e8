package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"homeward/configs"
	"homeward/configs/state"
	"homeward/web/api"
)

// withAnna is a state directory in which a homeward ran well that had one device.
func withAnna(t *testing.T) (dir string) {
	t.Helper()
	dir = newDir(t, "")
	stop, _ := start(t, dir)
	mustDo(t, dir, "peers", "add", "anna")
	stop()
	return dir
}

func mustDo(t *testing.T, dir string, args ...string) string {
	t.Helper()
	code, out, errs := homeward(t.Context(), dir, args...)
	if code != exitOK {
		t.Fatalf("%q: exit code %d: %s", args, code, errs)
	}
	return out
}

func TestAHomewardThatIsKilledAgainAndAgainStartsInSafeMode(t *testing.T) {
	dir := withAnna(t)
	for range failuresAllowed {
		p := spawn(t, dir, nil, loopback(t, dir)...)
		if j := joint(p.answers(t, dir), "memory"); j.State == api.JointFailed {
			t.Fatalf("in safe mode too early: %+v", j)
		}
		p.kill()
	}
	port := freePort(t)
	stop, _ := start(t, dir, "--admin-port", port)
	s, err := api.NewClient(filepath.Join(dir, "state", socketFile)).Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tunnelIsUp(t, s)
	j := joint(s, "memory")
	for _, want := range []string{"Safe mode", "(1 of them)", "ended 3 times in a row", "crashed or was killed", "10 minutes", "homeward admin start-normally"} {
		if !strings.Contains(j.Summary+j.Advice, want) {
			t.Errorf("status lacks %q: %+v", want, j)
		}
	}
	if code, _, errs := homeward(t.Context(), dir, "peers", "add", "bert"); code != exitFailed || !strings.Contains(errs, "is in safe mode") {
		t.Errorf("adding: exit code %d, %q", code, errs)
	}
	if report := mustDo(t, dir, "doctor"); !strings.Contains(report, "Safe mode") {
		t.Errorf("doctor: %s", report)
	}
	if page := pageOn(t, port, "en"); !strings.Contains(page, "is in safe mode") || !strings.Contains(page, "start-normally") || strings.Contains(page, "anna") {
		t.Errorf("the page: %s", page)
	}
	if page := pageOn(t, port, "de-AT,de;q=0.9"); !strings.Contains(page, "im abgesicherten Modus") {
		t.Errorf("the page for somebody who reads German: %s", page)
	}
	if said := mustDo(t, dir, "admin", "start-normally"); !strings.Contains(said, "starts normally now") {
		t.Error(said)
	}
	awaitPeer(t, dir, "anna", &output{})
	mustDo(t, dir, "peers", "add", "bert")
	if said := mustDo(t, dir, "admin", "start-normally"); !strings.Contains(said, "normally already") {
		t.Error(said)
	}
	if code, errs := stop(); code != exitOK {
		t.Errorf("serve ended with %d: %s", code, errs)
	}
	if got := state.ReadStarts(filepath.Join(dir, "state")); got != (state.Starts{}) {
		t.Errorf("after a clean end: %+v", got)
	}
}

// pageOn is what anybody is shown on the admin page's port.
func pageOn(t *testing.T, port, language string) string {
	t.Helper()
	req, err := http.NewRequest("GET", "https://127.0.0.1:"+port+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept-Language", language)
	resp, err := insecure(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("the page: %d, %v", resp.StatusCode, err)
	}
	return string(page)
}

func TestWhatEndsEachStartIsNamedInSafeModeWhichOpensTheTunnelAllTheSame(t *testing.T) {
	dir := withAnna(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	args := append(loopback(t, dir), "--admin-port", port)
	for range failuresAllowed {
		code, _, errs := homeward(t.Context(), dir, args...)
		if code != exitFailed || !strings.Contains(errs, "TCP port "+port) {
			t.Fatalf("exit code %d: %s", code, errs)
		}
	}
	stop, _ := start(t, dir, "--admin-port", port)
	s, err := api.NewClient(filepath.Join(dir, "state", socketFile)).Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tunnelIsUp(t, s)
	if j := joint(s, "memory"); !strings.Contains(j.Advice, "TCP port "+port) {
		t.Errorf("the reason is missing: %+v", j)
	}
	stop() // somebody does it: the next start is a normal one
	stop, _ = start(t, dir)
	mustDo(t, dir, "peers", "add", "bert")
	stop()
}

func TestCleanEndsAndOtherVersionsAreNoCrashLoop(t *testing.T) {
	st, b := openState(t), testBox(t)
	for range 2 * failuresAllowed {
		b.begin(st)(t.Context(), nil)
	}
	if got := st.Starts(); got != (state.Starts{}) {
		t.Errorf("after clean ends: %+v", got)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	b.begin(st)(ended, errors.New("a part did not stop in time"))
	if got := st.Starts(); got != (state.Starts{}) {
		t.Errorf("after an end by a signal: %+v", got)
	}
	for i := range failuresAllowed {
		b.begin(st)(t.Context(), errors.New("broken"))
		if got, want := st.Starts(), (state.Starts{Version: version, Failed: i + 1, Why: "broken"}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	if err := st.SetStarts(state.Starts{Version: "0.0.1", Failed: 9}); err != nil {
		t.Fatal(err)
	}
	b.begin(st)
	if got := st.Starts(); got.Failed != 1 || got.Version != version {
		t.Errorf("after an update: %+v", got)
	}
}

func TestAStartThatRanWellForgetsTheOnesBefore(t *testing.T) {
	st, b := openState(t), testBox(t)
	synctest.Test(t, func(t *testing.T) {
		end := b.begin(st)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go b.wellAfter(st, state.Starts{}).Run(ctx)
		time.Sleep(ranWell - time.Second)
		synctest.Wait()
		if got := st.Starts(); got.Failed != 1 {
			t.Errorf("too early: %+v", got)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := st.Starts(); got != (state.Starts{}) {
			t.Errorf("after %v: %+v", ranWell, got)
		}
		end(ctx, errors.New("much later"))
		if got := st.Starts(); got != (state.Starts{}) {
			t.Errorf("an end after that counts: %+v", got)
		}
	})
}

func TestAStayInSafeModeDoublesUpToSixHours(t *testing.T) {
	for failed, want := range map[int]time.Duration{3: 10 * time.Minute, 4: 20 * time.Minute, 5: 40 * time.Minute, 9: 6 * time.Hour, 1000: 6 * time.Hour} {
		if got := (crashLoop{state.Starts{Failed: failed}}).stay(); got != want {
			t.Errorf("after %d failures %v, want %v", failed, got, want)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		e, began := newExit(nil, 10*time.Minute), time.Now()
		if err := e.Run(t.Context()); !errors.Is(err, errTryAgain) || time.Since(began) != 10*time.Minute || !e.left() {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

func TestASheltersWayOutIsTriedMoreAndMoreRarelyAndAtOnceWhenAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bad, tries := errors.New("the disk is bad"), 0
		e := newExit(func(context.Context) error { tries++; return bad }, firstLook)
		done := make(chan error, 1)
		go func() { done <- e.Run(t.Context()) }()
		time.Sleep(time.Hour)
		synctest.Wait()
		if tries < 15 || tries > 20 {
			t.Errorf("%d tries in an hour", tries)
		}
		if err := e.Leave(t.Context()); !errors.Is(err, bad) || e.left() {
			t.Errorf("asked for: %v", err)
		}
		bad = nil
		if err := e.Leave(t.Context()); err != nil {
			t.Error(err)
		}
		if err := <-done; !errors.Is(err, errTryAgain) {
			t.Error(err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		e := newExit(func(context.Context) error { return nil }, 0)
		ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
		defer cancel()
		if err := e.Run(ctx); err != nil || e.left() {
			t.Errorf("left by itself: %v", err)
		}
	})
}

func TestAShelterIsNotLeftWhileABackupIsRestored(t *testing.T) {
	r := newRestorer(openState(t), slog.New(slog.DiscardHandler))
	tried := false
	e := newExit(func(context.Context) error { tried = true; return nil }, 0)
	e.alone = r.alone
	r.one.Lock() // as a restore does
	if err := e.Leave(t.Context()); !errors.Is(err, errRestoring) || tried || e.left() {
		t.Errorf("%v; tried: %v", err, tried)
	}
	r.one.Unlock()
	if err := e.Leave(t.Context()); err != nil || !tried || !e.left() {
		t.Errorf("afterwards: %v; tried: %v", err, tried)
	}
}

func openState(t *testing.T) *state.State {
	t.Helper()
	st, err := state.Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

func testBox(t *testing.T) *box {
	t.Helper()
	return &box{settings: configs.Settings{}, log: slog.New(slog.DiscardHandler)}
}
