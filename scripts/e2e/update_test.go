//go:build linux

package e2e

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"homeward/configs/release"
	"homeward/scripts/labnet"
)

// buildVersion builds homeward as a release does.
func buildVersion(t *testing.T, to, version string, key ed25519.PublicKey) []byte {
	t.Helper()
	cmd := exec.Command("go", "build", "-ldflags", "-X main.version="+version+" -X main.updateKeys="+release.FormatKey(key), "-o", to, "homeward/cmd/homeward")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building homeward: %v\n%s", err, out)
	}
	data, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// publish writes a signed release of one program into a folder.
func publish(t *testing.T, dir, version string, program []byte, key ed25519.PrivateKey) string {
	t.Helper()
	sum := sha256.Sum256(program)
	text, err := json.Marshal(release.Manifest{Version: version, Expires: time.Now().Add(time.Hour), Files: []release.File{
		{Name: "homeward-here", Platform: release.Platform(), Size: int64(len(program)), SHA256: hex.EncodeToString(sum[:])},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"homeward-here": program, release.ManifestName: text, release.SignatureName: release.Sign(text, key)} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// broken is a program that looks whole and crashes at its first instruction.
func broken(t *testing.T, path string, program []byte) []byte {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text := f.Section(".text")
	at := f.Entry - text.Addr + text.Offset
	return append(append(append([]byte{}, program[:at]...), make([]byte, 64)...), program[at+64:]...)
}

// again is a service manager: it starts the program anew whenever it ends.
const again = `trap 'kill $!; wait; exit' TERM
while :; do "$@" & wait $!; sleep 0.3; done`

func TestAnUpdateReplacesTheRunningOneAndABrokenOneGoesBack(t *testing.T) {
	b := labnet.Bare(t)
	box := b.NewHost("box")
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(b.Dir, "homeward")
	buildVersion(t, bin, "1.0.0", public)
	second := buildVersion(t, filepath.Join(b.Dir, "second"), "2.0.0", public)
	good := publish(t, filepath.Join(b.Dir, "good"), "2.0.0", second, private)
	bad := publish(t, filepath.Join(b.Dir, "bad"), "3.0.0", broken(t, filepath.Join(b.Dir, "second"), second), private)

	state := []string{"--state", filepath.Join(b.Dir, "state"), "--config", os.DevNull}
	serve := append([]string{"-c", again, "sh", bin, "serve", "--plane", "netstack", "--map-port=false", "--bind", "127.0.0.1", "--endpoint", "home.example.org"}, state...)
	box.Start(box.Command(context.Background(), "sh", serve...))
	do := func(args ...string) (string, error) { return box.Try(bin, append(args, state...)...) }
	runs := func(version string) func() bool {
		return func() bool {
			out, err := do("status")
			return err == nil && strings.Contains(out, "homeward "+version+"\n")
		}
	}
	labnet.Eventually(t, 20*time.Second, "the first version runs", runs("1.0.0"))
	if out, err := do("peers", "add", "phone"); err != nil {
		t.Fatal(out)
	}
	if out, err := do("update", "--from", good, "--restart", "yes"); err != nil || !strings.Contains(out, "2.0.0 is installed and runs") || !runs("2.0.0")() {
		t.Fatalf("the update: %v: %s", err, out)
	}
	if out, err := do("update", "--from", good, "--restart", "yes"); err == nil {
		t.Errorf("the same again: %s", out)
	}
	began := time.Now()
	out, err := do("update", "--from", bad, "--restart", "yes", "--patience", "6s")
	if err == nil || !strings.Contains(out, "which is back") {
		t.Errorf("the broken one: %v: %s", err, out)
	}
	t.Logf("it took %v until the old one was back", time.Since(began).Round(time.Second))
	labnet.Eventually(t, 5*time.Second, "the second version is back", runs("2.0.0"))
	if out, err := do("peers", "list"); err != nil || !strings.Contains(out, "phone") {
		t.Errorf("the devices: %v: %s", err, out)
	}
	if out, err := do("update", "--back", "--restart", "yes"); err == nil {
		t.Errorf("there is nothing to go back to: %s", out)
	}
}
