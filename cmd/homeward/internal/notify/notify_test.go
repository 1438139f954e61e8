package notify

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// manager is a service manager's socket.
func manager(t *testing.T) (env func(string) (string, bool), next func(time.Duration) string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	env = func(k string) (string, bool) {
		v, ok := map[string]string{"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "90000"}[k]
		return v, ok
	}
	next = func(within time.Duration) string {
		c.SetReadDeadline(time.Now().Add(within))
		b := make([]byte, 200)
		n, err := c.Read(b)
		if err != nil {
			return ""
		}
		return string(b[:n])
	}
	return env, next
}

func TestTheWatchdogIsFedOnlyWhileTheCheckSucceeds(t *testing.T) {
	env, next := manager(t)
	var sick atomic.Bool
	sick.Store(true)
	n := New(Config{Env: env, Logger: slog.New(slog.DiscardHandler), Check: func(context.Context) error {
		if sick.Load() {
			return errors.New("the tunnel is down")
		}
		return nil
	}})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	if got := next(400 * time.Millisecond); got != "" {
		t.Errorf("a sick program said %q", got)
	}
	sick.Store(false)
	if got := next(time.Minute); got != "READY=1\nWATCHDOG=1" {
		t.Errorf("said %q, want that it is ready", got)
	}
	if got := next(time.Minute); got != "WATCHDOG=1" {
		t.Errorf("said %q, want that it is alive", got)
	}
	sick.Store(true)
	for next(300*time.Millisecond) != "" { // what was under way
	}
	if got := next(300 * time.Millisecond); got != "" {
		t.Errorf("a sick program said %q", got)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got := next(time.Minute); got != "STOPPING=1" {
		t.Errorf("at the end it said %q", got)
	}
}

func TestAProgramThatBeginsAnewDoesNotStop(t *testing.T) {
	env, next := manager(t)
	for again, want := range map[bool]string{true: "", false: "STOPPING=1"} {
		n := New(Config{Env: env, Logger: slog.New(slog.DiscardHandler), Check: func(context.Context) error { return errors.New("not yet") }, Again: func() bool { return again }})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := n.Run(ctx); err != nil {
			t.Error(err)
		}
		if got := next(200 * time.Millisecond); got != want {
			t.Errorf("again = %t: said %q", again, got)
		}
	}
}

func TestAHangingCheckFeedsNobody(t *testing.T) {
	env, next := manager(t)
	n := New(Config{Env: env, Logger: slog.New(slog.DiscardHandler), Check: func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	if got := next(300 * time.Millisecond); got != "" {
		t.Errorf("said %q", got)
	}
	cancel()
	<-done
}

func TestWithoutAManagerNothingIsChecked(t *testing.T) {
	n := New(Config{Env: func(string) (string, bool) { return "", false }, Check: func(context.Context) error {
		t.Error("checked")
		return nil
	}})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := n.Run(ctx); err != nil {
		t.Error(err)
	}
}
