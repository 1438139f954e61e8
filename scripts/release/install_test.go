//go:build linux

package main

import (
	"bytes"
	"context"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"homeward/configs/release"
	"homeward/scripts/labnet"
)

// installer runs the release's install.sh by the system's POSIX shell.
func installer(m made, args ...string) (string, error) {
	cmd := exec.Command("sh", append([]string{filepath.Join(m.dir, "install.sh")}, args...)...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// system is a root folder with systemd in it.
func system(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for _, dir := range []string{"run/systemd/system", "etc", "var/lib"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// below lists the files below a folder.
func below(t *testing.T, root string) string {
	t.Helper()
	var list []string
	if err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			list = append(list, strings.TrimPrefix(path, root))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return strings.Join(list, " ")
}

func TestTheInstallerInstallsUpgradesAndLeavesNoTrace(t *testing.T) {
	m := newRelease(t)
	root := system(t)
	before := below(t, root)
	if out, err := installer(m, "--from", m.dir, "--root", root, "--dry-run"); err != nil || below(t, root) != before {
		t.Errorf("a dry run: %v, left %s: %s", err, below(t, root), out)
	}
	const installed = "/etc/systemd/system/homeward.service /usr/local/bin/homeward"
	for range 2 { // the second is an upgrade
		out, err := installer(m, "install", "--from", m.dir, "--root", root)
		if err != nil || below(t, root) != installed || !strings.Contains(out, "systemctl enable homeward") {
			t.Fatalf("%v, there is %s: %s", err, below(t, root), out)
		}
	}
	if out, err := installer(m, "--from", m.dir, "--root", root, "--plane", "tun"); err != nil || !strings.Contains(below(t, root), "/etc/sysctl.d/60-homeward.conf") {
		t.Errorf("with an interface: %v: %s", err, out)
	}
	if out, err := installer(m, "--from", m.dir, "--root", root, "--auto-update"); err == nil || !strings.Contains(out, "was not told where releases lie") || strings.Contains(out, "Synology") || strings.Contains(below(t, root), "homeward-update") {
		t.Errorf("with updates by itself from nowhere: %v: %s", err, out)
	}
	if out, err := installer(m, "--from", m.dir, "--folder", "/volume1/homeward", "--auto-update"); err == nil || !strings.Contains(out, "task planner") {
		t.Errorf("on a NAS: %v: %s", err, out)
	}
	state := filepath.Join(root, "var/lib/homeward")
	if err := os.Mkdir(state, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := installer(m, "uninstall", "--root", root); err != nil || !strings.Contains(out, "kept  /var/lib/homeward") {
		t.Errorf("%v: %s", err, out)
	}
	if out, err := installer(m, "--from", m.dir, "--root", root); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if out, err := installer(m, "uninstall", "--root", root, "--purge"); err != nil || below(t, root) != before {
		t.Errorf("%v, left %s: %s", err, below(t, root), out)
	}
	if _, err := os.Stat(state); err == nil {
		t.Error("the state is still there")
	}
}

func TestTheInstallerRefusesWhatIsNotSignedAndTouchesNothing(t *testing.T) {
	m := newRelease(t)
	for _, c := range []struct {
		name, says string
		args       []string
		spoil      func(dir string) error
	}{
		{"the program changed", "not what SHA256SUMS says", nil, appendTo("homeward-linux-amd64")},
		{"the sums changed", "not by a known key", nil, appendTo("SHA256SUMS")},
		{"another key", "not by a known key", []string{"--key", strings.Repeat("A", 43) + "="}, nil},
		{"no key", "knows no key", []string{"--key", ""}, nil},
		{"no signature", "has no SHA256SUMS.sig", nil, remove("SHA256SUMS.sig")},
		{"empty signature", "not by a known key", nil, truncate("SHA256SUMS.sig")},
		{"no program", "has no homeward-linux-amd64", nil, remove("homeward-linux-amd64")},
		{"no release", "has no SHA256SUMS", nil, remove("SHA256SUMS")},
		{"plain http", "must be a folder or begin with https://", []string{"--from", "http://example.org/"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, root := filepath.Join(t.TempDir(), "dist"), system(t)
			if err := os.CopyFS(dir, os.DirFS(m.dir)); err != nil {
				t.Fatal(err)
			}
			if c.spoil != nil {
				if err := c.spoil(dir); err != nil {
					t.Fatal(err)
				}
			}
			out, err := installer(m, append([]string{"--from", dir, "--root", root}, c.args...)...)
			if err == nil || !strings.Contains(out, c.says) {
				t.Errorf("%v: %s", err, out)
			}
			if left := below(t, root); left != "" {
				t.Errorf("it left %s", left)
			}
		})
	}
	root := system(t)
	theirs := filepath.Join(root, "usr/local/bin/homeward")
	if err := os.MkdirAll(filepath.Dir(theirs), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(theirs, []byte("#!/bin/sh\necho something else\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, action := range []string{"install", "uninstall"} {
		if out, err := installer(m, action, "--from", m.dir, "--root", root); err == nil || !strings.Contains(out, "no homeward") {
			t.Errorf("%s over another program: %v: %s", action, err, out)
		}
	}
	if below(t, root) != "/usr/local/bin/homeward" {
		t.Errorf("there is %s", below(t, root))
	}
}

func appendTo(name string) func(string) error {
	return func(dir string) error {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = f.WriteString("x")
		return err
	}
}

func remove(name string) func(string) error {
	return func(dir string) error { return os.Remove(filepath.Join(dir, name)) }
}

func truncate(name string) func(string) error {
	return func(dir string) error { return os.Truncate(filepath.Join(dir, name), 0) }
}

func TestTheInstallerReadsAReleaseSignedByTwoKeysFromAServer(t *testing.T) {
	m := newRelease(t)
	dir, root := filepath.Join(t.TempDir(), "dist"), system(t)
	if err := os.CopyFS(dir, os.DirFS(m.dir)); err != nil {
		t.Fatal(err)
	}
	sig := filepath.Join(dir, "SHA256SUMS.sig")
	known, err := os.ReadFile(sig)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(sig, append(bytes.Repeat([]byte{7}, 64), known...), 0o644); err != nil { // the next key's comes first
		t.Fatal(err)
	}
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer server.Close()
	keys := strings.Repeat("A", 43) + "= " + release.FormatKey(m.key)
	if out, err := installer(m, "--from", server.URL, "--root", root, "--key", keys); err != nil || !strings.Contains(below(t, root), "/usr/local/bin/homeward") {
		t.Errorf("%v: %s", err, out)
	}
}

func TestANASWithoutServicesRunsItFromAFolder(t *testing.T) {
	m := newRelease(t)
	b := labnet.Bare(t)
	nas := b.NewHost("nas")
	folder := filepath.Join(b.Dir, "homeward")
	if out, err := installer(m, "--from", m.dir, "--root", t.TempDir()); err == nil || !strings.Contains(out, "--folder") || !strings.Contains(out, "Synology") {
		t.Errorf("without a service manager: %v: %s", err, out)
	}
	if out, err := installer(m, "--from", m.dir, "--folder", folder, "--no-start"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	start := func(args ...string) {
		t.Helper()
		cmd := nas.Command(context.Background(), "sh", append([]string{filepath.Join(folder, "start.sh")}, args...)...)
		cmd.Env = append(os.Environ(), "HOMEWARD_ARGS=--plane netstack --map-port=false --bind 127.0.0.1 --endpoint home.example.org")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("start.sh %q: %v: %s", args, err, out)
		}
	}
	status := func() error {
		_, err := nas.Try(filepath.Join(folder, "homeward"), "status", "--state", filepath.Join(folder, "state"), "--config", os.DevNull)
		return err
	}
	start()
	t.Cleanup(func() {
		if _, err := os.Stat(filepath.Join(folder, "start.sh")); err == nil {
			start("stop")
		}
	})
	labnet.Eventually(t, 20*time.Second, "homeward answers", func() bool { return status() == nil })
	start() // again: nothing happens
	start("stop")
	if status() == nil {
		t.Error("it still runs")
	}
	out, err := nas.Try("sh", filepath.Join(m.dir, "install.sh"), "uninstall", "--folder", folder, "--purge")
	if err != nil {
		t.Errorf("uninstall: %v: %s", err, out)
	}
	if _, err := os.Stat(folder); err == nil {
		t.Errorf("left are %s", below(t, folder))
	}
}
