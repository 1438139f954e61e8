package update

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"homeward/configs/release"
)

// program is a small Go program that calls itself homeward's.
var program = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "homeward-update-test-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := os.MkdirAll(filepath.Join(dir, "cmd/homeward"), 0o755); err != nil {
		return nil, err
	}
	for name, text := range map[string]string{"go.mod": "module small\n\ngo 1.26\n", "cmd/homeward/main.go": "package main\n\nfunc main() {}\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	build := exec.Command("go", "build", "-o", "out", "./cmd/homeward")
	build.Dir = dir
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, errors.New(string(out))
	}
	return os.ReadFile(filepath.Join(dir, "out"))
})

// published is a release, as files by name.
type published struct {
	files map[string][]byte
	m     release.Manifest
	key   ed25519.PrivateKey
}

func publish(t *testing.T) *published {
	t.Helper()
	data, err := program()
	if err != nil {
		t.Fatal(err)
	}
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	p := &published{files: map[string][]byte{"homeward-x": data}, key: key}
	p.m = release.Manifest{Version: "2.0.0", Expires: time.Now().Add(time.Hour), Files: []release.File{{Name: "homeward-x", Platform: release.Platform(), Size: int64(len(data)), SHA256: sum(data)}}}
	p.sign(t)
	return p
}

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}

func (p *published) sign(t *testing.T) {
	t.Helper()
	text, err := json.Marshal(p.m)
	if err != nil {
		t.Fatal(err)
	}
	p.files[release.ManifestName], p.files[release.SignatureName] = text, release.Sign(text, p.key)
}

// replace puts another program into a release that is signed again.
func (p *published) replace(t *testing.T, data []byte) {
	p.files["homeward-x"] = data
	p.m.Files[0].Size, p.m.Files[0].SHA256 = int64(len(data)), sum(data)
	p.sign(t)
}

func (p *published) Open(_ context.Context, name string) (io.ReadCloser, error) {
	data, ok := p.files[name]
	if !ok {
		return nil, os.ErrNotExist
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

// config is for an old program in a folder of its own.
func (p *published) config(t *testing.T) Config {
	t.Helper()
	target := filepath.Join(t.TempDir(), "homeward")
	if err := os.WriteFile(target, []byte("old"), 0o755); err != nil {
		t.Fatal(err)
	}
	return Config{Source: p, Keys: []ed25519.PublicKey{p.key.Public().(ed25519.PublicKey)}, Installed: "1.0.0", Platform: release.Platform(), Target: target}
}

// nobody is no running homeward.
type nobody struct{}

func (nobody) Health(context.Context) (Health, error) { return Health{}, errors.New("nobody runs") }
func (nobody) Restart(context.Context) error          { return errors.New("nobody runs") }
func (nobody) Rewind(context.Context, time.Time) error {
	return errors.New("nobody runs")
}

func install(t *testing.T, c Config, a Appliance) error {
	t.Helper()
	o, err := Check(t.Context(), c)
	if err != nil {
		return err
	}
	return o.Install(t.Context(), a)
}

// untouched says whether the old program alone is in its folder.
func untouched(t *testing.T, c Config) bool {
	t.Helper()
	list, err := os.ReadDir(filepath.Dir(c.Target))
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(c.Target)
	return err == nil && string(b) == "old" && len(list) == 1
}

func TestANewerReleaseIsInstalledFromAFolderAndFromAServer(t *testing.T) {
	p := publish(t)
	dir := t.TempDir()
	for name, data := range p.files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer server.Close()
	for _, from := range []string{dir, server.URL} {
		c := p.config(t)
		var err error
		if c.Source, err = NewSource(from); err != nil {
			t.Fatal(err)
		}
		if err := install(t, c, nobody{}); err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(c.Target); err != nil || !bytes.Equal(b, p.files["homeward-x"]) {
			t.Errorf("from %s: the program is not the new one: %v", from, err)
		}
		if info, err := os.Stat(c.Target); err != nil || info.Mode().Perm() != 0o755 {
			t.Errorf("from %s: %v, %v", from, info, err)
		}
		if b, err := os.ReadFile(Previous(c.Target)); err != nil || string(b) != "old" {
			t.Errorf("from %s: the old one is not kept: %q, %v", from, b, err)
		}
	}
}

func TestEveryWrongReleaseIsRefusedAndChangesNothing(t *testing.T) {
	_, stranger, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	wrong := map[string]struct {
		spoil func(*published, *Config)
		want  error
	}{
		"manifest changed":        {func(p *published, _ *Config) { p.files[release.ManifestName][15] ^= 1 }, release.ErrSignature},
		"signed by a stranger":    {func(p *published, _ *Config) { p.key = stranger; p.sign(t) }, release.ErrSignature},
		"signature missing":       {func(p *published, _ *Config) { delete(p.files, release.SignatureName) }, os.ErrNotExist},
		"signature empty":         {func(p *published, _ *Config) { p.files[release.SignatureName] = nil }, release.ErrSignature},
		"no key":                  {func(_ *published, c *Config) { c.Keys = nil }, release.ErrSignature},
		"expired":                 {func(p *published, _ *Config) { p.m.Expires = time.Now().Add(-time.Second); p.sign(t) }, release.ErrExpired},
		"older":                   {func(p *published, _ *Config) { p.m.Version = "0.9.0"; p.sign(t) }, ErrNotNewer},
		"the same":                {func(p *published, _ *Config) { p.m.Version = "1.0.0"; p.sign(t) }, ErrNotNewer},
		"for other machines":      {func(p *published, _ *Config) { p.m.Files[0].Platform = "plan9-mips"; p.sign(t) }, ErrPlatform},
		"program missing":         {func(p *published, _ *Config) { delete(p.files, "homeward-x") }, os.ErrNotExist},
		"program changed":         {func(p *published, _ *Config) { p.files["homeward-x"] = flip(p.files["homeward-x"]) }, ErrTampered},
		"program cut off":         {func(p *published, _ *Config) { p.files["homeward-x"] = p.files["homeward-x"][:1000] }, ErrTampered},
		"program too long":        {func(p *published, _ *Config) { p.files["homeward-x"] = append(bytes.Clone(p.files["homeward-x"]), 0) }, ErrTampered},
		"not a program":           {func(p *published, _ *Config) { p.replace(t, []byte("#!/bin/sh\nreboot\n")) }, ErrPlatform},
		"program of another kind": {func(_ *published, c *Config) { c.Platform = "linux-riscv64" }, ErrPlatform},
		"program of another kind under our name": {func(p *published, c *Config) {
			c.Platform = "linux-riscv64"
			p.m.Files[0].Platform = "linux-riscv64"
			p.sign(t)
		}, ErrPlatform},
		"manifest too large": {func(p *published, _ *Config) {
			p.files[release.ManifestName] = bytes.Repeat([]byte(" "), release.MaxManifest+1)
		}, nil},
	}
	for name, w := range wrong {
		t.Run(name, func(t *testing.T) {
			p := publish(t)
			c := p.config(t)
			w.spoil(p, &c)
			err := install(t, c, nobody{})
			if err == nil || w.want != nil && !errors.Is(err, w.want) {
				t.Errorf("%v, want %v", err, w.want)
			}
			if !untouched(t, c) {
				t.Error("the installed program or its folder changed")
			}
		})
	}
}

func flip(data []byte) []byte {
	data = bytes.Clone(data)
	data[len(data)/2] ^= 1
	return data
}

func TestAServerThatNeverEndsIsLeft(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				return
			}
		}
	}))
	defer server.Close()
	p := publish(t)
	c := p.config(t)
	var err error
	if c.Source, err = NewSource(server.URL); err != nil {
		t.Fatal(err)
	}
	if err := install(t, c, nobody{}); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Error(err)
	}
}

func TestOnlyHTTPSOrHomeIsASource(t *testing.T) {
	for from, ok := range map[string]bool{
		"https://example.org/latest": true, "http://192.168.1.2/": true, t.TempDir(): true,
		"http://example.org/": false, "file:///etc": false, "ftp://example.org": false, "https://": false, "/nowhere": false, "": false,
	} {
		if _, err := NewSource(from); (err == nil) != ok {
			t.Errorf("%q: %v", from, err)
		}
	}
}

// box is a homeward under a service manager, that runs what is installed.
type box struct {
	target   string
	health   map[string]Health // by what the program is
	running  string
	rewound  bool
	restarts int
}

func (b *box) Health(context.Context) (Health, error) {
	h, ok := b.health[b.running]
	if !ok {
		return Health{}, errors.New("it crashes")
	}
	return h, nil
}

func (b *box) Restart(context.Context) error {
	b.restarts++
	data, err := os.ReadFile(b.target)
	b.running = "new"
	if string(data) == "old" {
		b.running = "old"
	}
	return err
}

func (b *box) Rewind(context.Context, time.Time) error {
	b.rewound = true
	return nil
}

func TestANewVersionThatIsNotAsWellGoesBack(t *testing.T) {
	well := func(version string) Health {
		return Health{Version: version, Peers: 3, Works: map[string]bool{"device": true, "port": true, "outside": true}}
	}
	with := func(change func(*Health)) map[string]Health {
		h := well("2.0.0")
		h.Works = maps.Clone(h.Works)
		change(&h)
		return map[string]Health{"old": well("1.0.0"), "new": h}
	}
	for name, c := range map[string]struct {
		health map[string]Health
		stays  bool
	}{
		"well":                      {with(func(*Health) {}), true},
		"nobody came from outside":  {with(func(h *Health) { delete(h.Works, "outside") }), true},
		"crashes":                   {map[string]Health{"old": well("1.0.0")}, false},
		"lost a device":             {with(func(h *Health) { h.Peers = 2 }), false},
		"lost the port":             {with(func(h *Health) { h.Works["port"] = false }), false},
		"is not what it was called": {with(func(h *Health) { h.Version = "1.5.0" }), false},
	} {
		t.Run(name, func(t *testing.T) {
			p := publish(t)
			cfg := p.config(t)
			synctest.Test(t, func(t *testing.T) {
				cfg.Now = func() time.Time { return p.m.Expires.Add(-time.Minute) }
				b := &box{target: cfg.Target, health: c.health, running: "old"}
				err := install(t, cfg, b)
				data, _ := os.ReadFile(cfg.Target)
				if c.stays {
					if err != nil || b.running != "new" || string(data) == "old" || b.rewound {
						t.Errorf("%v, running is the %s one", err, b.running)
					}
					return
				}
				if !errors.Is(err, ErrUnhealthy) || b.running != "old" || string(data) != "old" || !b.rewound {
					t.Errorf("%v, running is the %s one", err, b.running)
				}
			})
		})
	}
}
