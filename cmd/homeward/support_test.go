package main

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"homeward/peers/history"
	"homeward/web/api"
)

// unzip returns what a ZIP file has, by name.
func unzip(t *testing.T, b []byte) map[string]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[strings.TrimPrefix(f.Name, "homeward-support/")] = string(text)
	}
	return files
}

func TestASupportBundleTellsWhatHelpsAndNotWhoLivesThere(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	b, err := packSupport(
		api.Status{Version: "v", Names: []string{"home.example.org"}, Joints: []api.Joint{{Title: "Address", Summary: "Devices call home.example.org, which is 81.2.69.2."}}},
		[]api.Peer{{ID: 1, Name: "Anna's phone", Note: "the red one", PublicKey: "KEYOFANNA", Profile: "home", Access: "81.2.69.9 tcp/80", Endpoint: "81.2.70.5:4000"}},
		api.Settings{House: "Villa Anna", Endpoint: "home.example.org", Resolvers: "9.9.9.9", File: []api.FileSetting{{Key: "admin_hosts", Value: "nas.example.org"}, {Key: "port", Value: "41234"}}},
		[]history.Event{ // the latest first
			{At: now, Kind: history.AdminAction, Peer: 1, Name: "Anna's phone", Actor: "anna", Cause: "peer-added"},
			{At: now.Add(-time.Hour), Kind: history.DeviceFirst, Peer: 2, Name: "Bert's old one", Place: "81.2.70.0/24"},
			{At: now.Add(-2 * time.Hour), Kind: history.AdminAction, Actor: "anna", Cause: "user-added", Detail: "anna"},
		}, now)
	if err != nil {
		t.Fatal(err)
	}
	files := unzip(t, b)
	for name, text := range files {
		for _, secret := range []string{"example.org", "81.2.", "Anna", "anna", "Bert", "red one", "KEYOFANNA", "Villa", "9.9.9.9"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s tells %q:\n%s", name, secret, text)
			}
		}
	}
	for name, words := range map[string][]string{
		"README.txt":    {"Look through it"},
		"report.txt":    {"homeward v", "Devices call (name 1), which is (public IPv4 1)."},
		"status.json":   {`"version": "v"`, "(public IPv4 1)"},
		"devices.json":  {"(device 1)", `"profile": "home"`, ") tcp/80"},
		"settings.json": {"(name 1)", `"41234"`},
		"log.txt":       {"2026-11-29 12:00:00  (device 1)", "(device 2)", "(person 1)"},
		"build.txt":     {"homeward ", "2026-11-29T12:00:00Z"},
	} {
		for _, w := range words {
			if !strings.Contains(files[name], w) {
				t.Errorf("%s lacks %q:\n%s", name, w, files[name])
			}
		}
	}
	if len(files) != 7 {
		t.Errorf("there are %d files: say here what must not be in the new one", len(files))
	}
	if first, last := strings.Index(files["log.txt"], "(device 2)"), strings.Index(files["log.txt"], "(device 1)"); first > last {
		t.Errorf("the log does not begin with the oldest:\n%s", files["log.txt"])
	}
}

func TestTheDoctorWritesABundleOnceAndForItsOwnerOnly(t *testing.T) {
	dir := newDir(t, "")
	start(t, dir)
	if code, _, errs := homeward(t.Context(), dir, "peers", "add", "Anna's phone"); code != exitOK {
		t.Fatal(errs)
	}
	_, config, _ := homeward(t.Context(), dir, "peers", "config", "1")
	file := filepath.Join(dir, "support.zip")
	if code, out, errs := homeward(t.Context(), dir, "doctor", "--bundle", file); code != exitOK || !strings.Contains(out, "Look through it") && !strings.Contains(out, "look through it") {
		t.Fatalf("%d\n%s%s", code, out, errs)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range unzip(t, b) {
		for _, secret := range append(keysOf(t, config), "Anna", "home.example.org") {
			if strings.Contains(text, secret) {
				t.Errorf("%s tells %q", name, secret)
			}
		}
	}
	if code, _, errs := homeward(t.Context(), dir, "doctor", "--bundle", file); code == exitOK || !strings.Contains(errs, "choose another name") {
		t.Errorf("a file is overwritten: %d %s", code, errs)
	}
	if again, err := os.ReadFile(file); err != nil || !bytes.Equal(again, b) {
		t.Errorf("the file is another one now: %v", err)
	}
}

// keysOf are the keys in a config.
func keysOf(t *testing.T, config string) []string {
	t.Helper()
	var keys []string
	for line := range strings.Lines(config) {
		if k, v, _ := strings.Cut(line, " = "); strings.HasSuffix(k, "Key") {
			keys = append(keys, strings.TrimSpace(v))
		}
	}
	if len(keys) != 3 {
		t.Fatalf("%d keys in the config: this proves nothing", len(keys))
	}
	return keys
}
