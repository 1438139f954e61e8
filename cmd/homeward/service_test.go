package main

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTheServiceManagerIsToldThatItRunsAndThatItStops(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", "300000")
	stop, _ := start(t, newDir(t, ""))
	var heard []string
	hear := func() string {
		c.SetReadDeadline(time.Now().Add(testPatience))
		b := make([]byte, 200)
		n, err := c.Read(b)
		if err != nil {
			t.Fatalf("after %q: %v", heard, err)
		}
		heard = append(heard, string(b[:n]))
		return heard[len(heard)-1]
	}
	hear()
	hear()
	stop()
	for hear() != "STOPPING=1" {
	}
	if heard[0] != "READY=1\nWATCHDOG=1" || !slices.Contains(heard, "WATCHDOG=1") {
		t.Errorf("heard %q", heard)
	}
}

func TestAServiceIsInstalledAndRemovedByCommands(t *testing.T) {
	root, dir := t.TempDir(), newDir(t, "")
	if err := os.MkdirAll(filepath.Join(root, "run/systemd/system"), 0o755); err != nil {
		t.Fatal(err)
	}
	do := func(wantCode int, says string, args ...string) {
		t.Helper()
		code, out, errs := homeward(t.Context(), dir, append([]string{"service"}, append(args, "--root", root)...)...)
		if code != wantCode || !strings.Contains(out+errs, says) {
			t.Errorf("%q: exit code %d, want %d; said %q %q, want %q in it", args, code, wantCode, out, errs, says)
		}
	}
	unit := filepath.Join(root, "etc/systemd/system/homeward.service")
	install := []string{"install", "--binary", "/usr/local/bin/homeward"}
	do(exitOK, "not installed by homeward", "status")
	do(exitOK, "systemctl enable homeward", append(install, "--dry-run")...)
	if _, err := os.Stat(unit); err == nil {
		t.Error("a dry run wrote the unit")
	}
	do(exitUsage, "/etc/homeward/homeward.toml", append(install, "--endpoint", "home.example.org")...)
	do(exitOK, "60-homeward.conf", append(install, "--plane", "tun")...)
	do(exitOK, "removed  /etc/sysctl.d/60-homeward.conf", install...)
	b, err := os.ReadFile(unit)
	if err != nil || !strings.Contains(string(b), "ExecStart=/usr/local/bin/homeward serve --plane netstack\n") {
		t.Errorf("the unit is %s, %v", b, err)
	}
	do(exitOK, "installed: /etc/systemd/system/homeward.service", "status")
	do(exitFailed, "was not told where releases lie", append(install, "--auto-update")...)
	updateFrom = "https://example.org/homeward" // as a release sets it
	defer func() { updateFrom = "" }()
	do(exitOK, "systemctl enable --now homeward-update.timer", append(install, "--auto-update")...)
	do(exitOK, "written  /etc/systemd/system/homeward-update.timer", install...) // an upgrade keeps it
	do(exitOK, "removed  /etc/systemd/system/homeward-update.timer", append(install, "--auto-update=false")...)
	do(exitOK, "systemctl daemon-reload", "uninstall")
	do(exitUsage, "upstart", "install", "--manager", "upstart")
}

func TestARunningServiceIsNotUninstalled(t *testing.T) {
	root := t.TempDir()
	dir := newDir(t, "")
	state := filepath.Join(root, "var/lib/homeward")
	start(t, dir)
	if err := os.MkdirAll(filepath.Dir(state), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, "state"), state); err != nil {
		t.Fatal(err)
	}
	code, _, errs := homeward(t.Context(), dir, "service", "uninstall", "--root", root, "--manager", "openrc")
	if code != exitFailed || !strings.Contains(errs, "rc-service homeward stop") {
		t.Errorf("exit code %d, said %q", code, errs)
	}
}
