package main

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"homeward/configs/release"
)

// By night only what mends a hole is installed.
func TestAnUpdateForSecurityAloneIsForThoseWhoHaveTheHole(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	for unsafe, says := range map[string]string{"": "no hole is known of " + version, version: "no hole is known of " + version, "99.0.0": "99.0.0 can be installed; this is " + version} {
		dir, from := newDir(t, ""), t.TempDir()
		text, err := json.Marshal(release.Manifest{Version: "99.0.0", Expires: time.Now().Add(time.Hour), UnsafeBefore: unsafe,
			Files: []release.File{{Name: "homeward-x", Platform: release.Platform(), Size: 5, SHA256: strings.Repeat("ab", 32)}}})
		if err != nil {
			t.Fatal(err)
		}
		for name, data := range map[string][]byte{release.ManifestName: text, release.SignatureName: release.Sign(text, private)} {
			if err := os.WriteFile(filepath.Join(from, name), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		args := []string{"update", "--security", "--check", "--from", from, "--key", release.FormatKey(public), "--restart", "no"}
		if code, out, errs := homeward(t.Context(), dir, args...); code != exitOK || !strings.Contains(out, says) {
			t.Errorf("unsafe before %q: %d %q %q, want %q", unsafe, code, out, errs, says)
		}
		wantJSON := fmt.Sprintf(`"offered": "99.0.0",%s"urgent": %v`, "\n  ", unsafe == "99.0.0")
		if code, out, _ := homeward(t.Context(), dir, append(args, "--json")...); code != exitOK || !strings.Contains(out, wantJSON) || !strings.Contains(out, `"installed": false`) {
			t.Errorf("unsafe before %q, for a program: %d %q, want %q", unsafe, code, out, wantJSON)
		}
		if unsafe == "99.0.0" {
			continue // it would be installed
		}
		if code, out, errs := homeward(t.Context(), dir, append(args[:2:2], args[3:]...)...); code != exitOK || !strings.Contains(out, says) {
			t.Errorf("unsafe before %q, to be installed: %d %q %q, want %q", unsafe, code, out, errs, says)
		}
	}
}

func TestAnUpdateWithoutAKeyOrASourceIsRefused(t *testing.T) {
	dir := newDir(t, "")
	for says, args := range map[string][]string{
		"--from":                   {},
		"neither a folder":         {"--from", dir + "/none"},
		"must begin with https://": {"--from", "http://example.org/"},
		"--key":                    {"--from", dir},
		"32 bytes in base64":       {"--from", dir, "--key", "abc"},
		"yes, no, auto":            {"--from", dir, "--restart", "maybe"},
		"putting the old program":  {"--back", "--restart", "no"},
	} {
		code, _, errs := homeward(t.Context(), dir, append([]string{"update"}, args...)...)
		if code == exitOK || !strings.Contains(errs, says) {
			t.Errorf("%q: exit code %d, said %q, want %q in it", args, code, errs, says)
		}
	}
}
