package ddns

import (
	"bytes"
	"context"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
)

// The whole way with real sockets: from Set to the primary by a signed update, and
// back from the zone's servers.
func TestNameIsPublishedByRFC2136AndSeenAtTheZone(t *testing.T) {
	l := rfc2136Lab(t)
	l.dns.set("home.example.org", "AAAA", old6)
	var log bytes.Buffer
	config := rfc2136Config()
	config.Logger = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	u := l.updater(config)
	u.Set(addr(home4), netip.Addr{}, false)
	runUntil(t, u, func(s Status) bool { return s.State == Published && s.Published == only4(home4) })
	if got := l.dns.get("home.example.org", "A"); got != home4 {
		t.Errorf("A = %q", got)
	}
	// A second life finds it there and leaves it.
	u = l.updater(config)
	u.Set(addr(home4), netip.Addr{}, false)
	runUntil(t, u, func(s Status) bool { return s.State == Verified })
	l.dns.change(func() {
		if l.dns.updates != 1 {
			t.Errorf("%d updates, want one", l.dns.updates)
		}
	})
	if s := log.String(); strings.Contains(s, testKey) || !strings.Contains(s, "published") {
		t.Errorf("log = %s", s)
	}
}

// runUntil runs an updater until its status is as wanted.
func runUntil(t *testing.T, u *Updater, done func(Status) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	var running sync.WaitGroup
	running.Go(func() { _ = u.Run(ctx) })
	for !done(u.Status()) {
		select {
		case <-ctx.Done():
			t.Errorf("status stays %+v", u.Status())
			cancel()
		case <-u.Changed():
			continue
		}
		break
	}
	cancel()
	running.Wait()
}
