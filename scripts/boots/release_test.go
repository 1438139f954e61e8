//go:build linux && amd64

package boots

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// The versions of the releases. The newer one mends a hole of the older one.
const (
	older = "1.2.3"
	newer = "1.2.4"
	// mirror is where the machines look for releases: at themselves.
	mirror = "127.0.0.1:8088"
)

// released is a folder that has a release in a folder for each version.
type released struct {
	dir string
	err error
}

var releasesDir string // once it was begun

// releases are made once, of what is committed.
var releases = sync.OnceValue(func() released {
	dir, err := os.MkdirTemp("", "boots-releases-")
	if err != nil {
		return released{err: err}
	}
	releasesDir = dir
	key := filepath.Join(dir, "key.pem")
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return released{err: err}
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return released{err: err}
	}
	if err := os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		return released{err: err}
	}
	return released{dir, errors.Join(makeRelease(dir, key, older), makeRelease(dir, key, newer, "--programs-only", "--unsafe-before", newer))}
})

// makeRelease makes one as a person does.
func makeRelease(dir, key, version string, more ...string) error {
	cmd := exec.Command("go", append([]string{"run", "./scripts/release", "--out", filepath.Join(dir, version), "--targets", "linux-amd64",
		"--key", key, "--version", version, "--from", "http://" + mirror}, more...)...)
	cmd.Dir = "../.."
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("making the release %s: %w: %s", version, err, out)
	}
	return nil
}

func TestMain(m *testing.M) {
	code := m.Run()
	if releasesDir != "" {
		os.RemoveAll(releasesDir)
	}
	os.Exit(code)
}

// ofRelease are files of a release, for a machine, in a folder of their own.
func ofRelease(t *testing.T, version, folder string, names ...string) []File {
	t.Helper()
	if os.Getenv("HOMEWARD_TEST_UNIT") != "" {
		t.Skip("building a release takes a minute, which 'scripts/test unit' leaves out")
	}
	r := releases()
	if r.err != nil {
		t.Fatal(r.err)
	}
	var list []File
	for _, name := range names {
		data, err := os.ReadFile(filepath.Join(r.dir, version, name))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, File{Path: filepath.Join(folder, name), Mode: 0o644, Content: data})
	}
	return list
}
