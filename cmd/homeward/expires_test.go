package main

import (
	"strings"
	"testing"
	"time"
)

func TestTheEndOfAccessIsTypedAsPeopleDo(t *testing.T) {
	now := time.Date(2026, 11, 23, 18, 30, 5, 0, time.FixedZone("", 3600))
	for typed, want := range map[string]string{
		"7d": "2026-11-30T18:30:05+01:00", "2w": "2026-12-07T18:30:05+01:00", "12h": "2026-11-24T06:30:05+01:00", "90m": "2026-11-23T20:00:05+01:00",
		"2026-12-24": "2026-12-25T00:00:00+01:00", "2026-12-24T18:00:00Z": "2026-12-24T18:00:00Z", "never": "", "": "",
	} {
		if got, err := parseEnd(typed, now); err != nil || got != want {
			t.Errorf("%q: %q, %v, want %q", typed, got, err, want)
		}
	}
	for _, typed := range []string{"soon", "d", "-7d", "7", "0s", "-1h", "2026-13-01", "99999999d", "7dd"} {
		if got, err := parseEnd(typed, now); err == nil {
			t.Errorf("%q is %q", typed, got)
		}
	}
}

func TestADeviceIsEditedByCommand(t *testing.T) {
	dir := newDir(t, "")
	start(t, dir)
	do := func(wantCode int, says string, args ...string) {
		t.Helper()
		code, out, errs := homeward(t.Context(), dir, args...)
		if code != wantCode || !strings.Contains(out+errs, says) {
			t.Errorf("%q: exit code %d, want %d; said %q %q, want %q in it", args, code, wantCode, out, errs, says)
		}
	}
	do(exitOK, "may come in now", "peers", "add", "guest", "--kind", "laptop", "--expires", "7d", "--idle-days", "5", "--keepalive", "0")
	do(exitOK, "5 days without a sign", "peers", "show", "guest")
	do(exitOK, "It reaches nothing", "peers", "edit", "guest", "--name", "Anna's", "--note", "line", "--access", "internet")
	do(exitOK, "→", "peers", "show", "Anna's")
	do(exitOK, `"idle_days": 0`, "peers", "edit", "1", "--idle-days", "0", "--expires", "never", "--json")
	do(exitOK, "needs a new code, since the keepalive is another: homeward peers rotate 1", "peers", "edit", "1", "--keepalive", "1m")
	do(exitOK, "needs a new code", "peers", "list")
	do(exitOK, "may come in now", "peers", "rotate", "1")
	do(exitOK, "it is made and waits to be used", "peers", "list")
	do(exitOK, "AllowedIPs = 0.0.0.0/0, ::/0", "peers", "config", "1", "--profile", "everything")
	do(exitFailed, "is not a profile", "peers", "qr", "1", "--profile", "all")
	do(exitFailed, "public_key", "peers", "rotate", "1", "--public-key", "x")
	do(exitOK, "/invite/", "peers", "invite", "1")
	do(exitOK, "Open it on the device new one until", "peers", "invite", "new one", "--lasts", "1h")
	do(exitUsage, "--lasts", "peers", "invite", "1", "--lasts", "1s")
	do(exitOK, "<string>Our Wi-Fi</string>", "peers", "config", "1", "--apple", "ios", "--home-wifi", "Our Wi-Fi")
	do(exitFailed, "platform", "peers", "config", "1", "--apple", "watch")
	do(exitUsage, "nothing to change", "peers", "edit", "1")
	do(exitUsage, "--expires", "peers", "edit", "1", "--expires", "soon")
	do(exitUsage, "whole seconds", "peers", "edit", "1", "--keepalive", "1500ms")
	do(exitFailed, "kind: ", "peers", "edit", "1", "--kind", "toaster")
}
