package main

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"homeward/configs/release"
)

// made is a release for the tests, made once and used by several: its own
// folder, and the key that signed it.
type made struct {
	dir     string
	key     ed25519.PublicKey
	keyFile string
	err     error
}

var work string // its folder, once it was begun

var once = sync.OnceValue(func() made {
	var m made
	if work, m.err = os.MkdirTemp("", "homeward-release-test-"); m.err != nil {
		return m
	}
	m.dir, m.keyFile = filepath.Join(work, "dist"), filepath.Join(work, "key.pem")
	public, private, err := ed25519.GenerateKey(nil)
	if err == nil {
		m.key = public
		var der []byte
		if der, err = x509.MarshalPKCS8PrivateKey(private); err == nil {
			err = os.WriteFile(m.keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
		}
	}
	if m.err = err; err == nil {
		m.err = runIn("../..", m)
	}
	return m
})

// runIn makes the release in a checkout, as a person does. It is a program of
// its own: the race detector makes compressing ten times slower.
func runIn(checkout string, m made) error {
	_, err := output(context.Background(), checkout, nil, "go", "run", "./scripts/release", "--out", m.dir, "--targets", chosen(), "--key", m.keyFile, "--version", "1.2.3")
	return err
}

// chosen are the platforms of the tests: one, or all in the long run.
func chosen() string {
	if os.Getenv("HOMEWARD_TEST_LONG") != "" {
		return ""
	}
	return "linux-amd64"
}

func TestMain(m *testing.M) {
	code := m.Run()
	if work != "" {
		os.RemoveAll(work)
	}
	os.Exit(code)
}

func newRelease(t *testing.T) made {
	t.Helper()
	if os.Getenv("HOMEWARD_TEST_UNIT") != "" {
		t.Skip("building a release takes a minute, which 'scripts/test unit' leaves out")
	}
	m := once()
	if m.err != nil {
		t.Fatal(m.err)
	}
	return m
}

// files reads a folder.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, f := range list {
		b, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[f.Name()] = string(b)
	}
	return all
}

func TestTwoRunsInTwoFoldersGiveTheSameBytes(t *testing.T) {
	first := newRelease(t)
	clone := filepath.Join(t.TempDir(), "another folder", "checkout")
	if out, err := exec.Command("git", "clone", "--quiet", "--shared", "../..", clone).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.WriteFile(filepath.Join(clone, "cmd/homeward/uncommitted.go"), []byte("package main\n\nfunc init() { println() }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TZ", "Asia/Kathmandu")
	t.Setenv("USER", "somebody")
	t.Setenv("TMPDIR", t.TempDir())
	if os.Getenv("HOMEWARD_TEST_LONG") != "" {
		t.Setenv("GOCACHE", t.TempDir()) // nothing of the first run is used again
	}
	dir := filepath.Join(t.TempDir(), "dist")
	if err := runIn(clone, made{dir: dir, keyFile: first.keyFile}); err != nil {
		t.Fatal(err)
	}
	one, two := files(t, first.dir), files(t, dir)
	for _, name := range slices.Sorted(maps.Keys(one)) {
		if one[name] != two[name] {
			t.Errorf("%s differs", name)
		}
	}
	if len(one) != len(two) || len(one) < 10 {
		t.Errorf("the first run made %d files, the second %d", len(one), len(two))
	}
}

func TestTheManifestAndTheSumsAreSignedAndTrue(t *testing.T) {
	m := newRelease(t)
	all := files(t, m.dir)
	for _, name := range []string{release.ManifestName, "SHA256SUMS"} {
		if err := release.Verify([]byte(all[name]), []byte(all[name+".sig"]), []ed25519.PublicKey{m.key}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	list, err := release.Parse([]byte(all[release.ManifestName]))
	if err != nil {
		t.Fatal(err)
	}
	f, ok := list.For("linux-amd64")
	if !ok || sumOf([]byte(all[f.Name])) != f.SHA256 || f.Size != int64(len(all[f.Name])) || list.Version != "1.2.3" {
		t.Errorf("the manifest has %+v", f)
	}
	for name, content := range all {
		if !strings.HasPrefix(name, "SHA256SUMS") && !strings.Contains(all["SHA256SUMS"], sumOf([]byte(content))+"  "+name+"\n") {
			t.Errorf("SHA256SUMS lacks %s", name)
		}
	}
}

func TestTheProgramIsStaticAndKnowsItsVersionAndItsComponents(t *testing.T) {
	m := newRelease(t)
	bin := filepath.Join(m.dir, "homeward-linux-amd64")
	if out, err := exec.Command(bin, "version").Output(); err != nil || string(out) != "homeward 1.2.3\n" {
		t.Errorf("version: %q, %v", out, err)
	}
	if out, _ := exec.Command("ldd", bin).CombinedOutput(); !strings.Contains(string(out), "not a dynamic executable") {
		t.Errorf("ldd says %s", out)
	}
	var list bom
	if err := json.Unmarshal([]byte(files(t, m.dir)["homeward.cdx.json"]), &list); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"gvisor.dev/gvisor", "modernc.org/sqlite", "golang.zx2c4.com/wireguard", "golang.org/x/crypto/x509roots/fallback", "stdlib"} {
		if !slices.ContainsFunc(list.Components, func(c component) bool { return c.Name == want && c.Version != "" }) {
			t.Errorf("the list of components lacks %s", want)
		}
	}
	if slices.ContainsFunc(list.Components, func(c component) bool { return strings.Contains(c.Name, "opencontainers") }) {
		t.Error("what makes the image is in the program")
	}
}

func TestTheInstallerKnowsItsKeysAndItsAddress(t *testing.T) {
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	j := job{src: "../..", out: t.TempDir(), trusted: []ed25519.PublicKey{public}, from: "https://example.org/latest"}
	if err := j.writeInstaller(); err != nil {
		t.Fatal(err)
	}
	if text := files(t, j.out)["install.sh"]; !strings.Contains(text, "\nKEYS='"+release.FormatKey(public)+"'\nFROM='https://example.org/latest'\n") {
		t.Errorf("it begins with %.700s", text)
	}
}

func TestThePackagesHaveWhatASystemNeeds(t *testing.T) {
	m := newRelease(t)
	out, err := exec.Command("dpkg-deb", "--contents", filepath.Join(m.dir, "homeward_1.2.3_amd64.deb")).Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"-rwxr-xr-x root/root", " ./usr/bin/homeward\n", " ./usr/lib/systemd/system/homeward.service\n", " ./usr/lib/systemd/system/homeward-tun.service\n",
		" ./usr/share/man/man1/homeward.1.gz\n", " ./usr/share/bash-completion/completions/homeward\n", " ./usr/share/homeward/60-homeward.conf\n",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the .deb lacks %q:\n%s", want, out)
		}
	}
	unpacked := t.TempDir()
	if out, err := exec.Command("dpkg-deb", "--raw-extract", filepath.Join(m.dir, "homeward_1.2.3_amd64.deb"), unpacked).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for file, want := range map[string]string{
		"usr/lib/systemd/system/homeward-tun.service": "\nExecStartPre=+/usr/lib/systemd/systemd-sysctl /usr/share/homeward/60-homeward.conf\n",
		"DEBIAN/control":  "Version: 1.2.3-1\n",
		"DEBIAN/postinst": "systemctl enable --now homeward.service",
		"DEBIAN/prerm":    "systemctl disable --now",
		"DEBIAN/postrm":   "/var/lib/private/homeward",
	} {
		if b, err := os.ReadFile(filepath.Join(unpacked, file)); err != nil || !strings.Contains(string(b), want) {
			t.Errorf("%s lacks %q: %s, %v", file, want, b, err)
		}
	}
	rpm := files(t, m.dir)["homeward_1.2.3_x86_64.rpm"]
	if !strings.HasPrefix(rpm, "\xed\xab\xee\xdb") || !strings.Contains(rpm[:1<<20], "homeward-tun.service") {
		t.Error("the .rpm is none")
	}
}

func TestMistakesAreNamedBeforeAnythingIsBuilt(t *testing.T) {
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "x"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for says, args := range map[string][]string{
		"there are linux-amd64": {"--targets", "linux-mips"},
		"not empty":             {"--out", full},
		"not PEM":               {"--key", "main.go", "--out", filepath.Join(full, "dist")},
		"32 bytes":              {"--trust", "abc"},
	} {
		if err := run(t.Context(), args, os.Stderr); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", args, err)
		}
	}
}
