package arrows

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "homeward"

// rooms says which other rooms a room may know. configs/secret is a leaf that
// everyone may import, so that a key is unprintable everywhere.
var rooms = map[string][]string{
	"tunnel":  {},                                            // packets: must not know peers' names, HTTP or the router
	"peers":   {},                                            // who may come in: declares the device that it needs, tests in seconds without root
	"upnp":    {},                                            // being reachable: must not know WireGuard or people
	"configs": {},                                            // what is known between two starts: serves all, knows none
	"web":     {"peers"},                                     // how people see it: gets the rest as functions
	"cmd":     {"tunnel", "peers", "upnp", "configs", "web"}, // wires the parts
	"scripts": {"web", "peers", "configs"},                   // for people and CI
}

// homes says below which folders alone a dependency may be imported, outside
// of tests.
var homes = []struct {
	dependency, why string
	folders         []string
}{
	{"gvisor.dev/gvisor", "its types change every week; one package follows them", []string{"tunnel/internal/netstack"}},
	{"github.com/google/nftables", "one table of our own, written in one place", []string{"tunnel/internal/kernel"}},
	{"modernc.org/sqlite", "the driver is a detail of the state directory", []string{"configs/state"}},
	{"github.com/pion/stun", "one place answers strangers, and only those with a secret; another one asks whom the owner names", []string{"tunnel/internal/knock", "tunnel/internal/echo"}},
	{"github.com/huin/goupnp", "only the router speaks UPnP", []string{"upnp"}},
	{"filippo.io/age", "one place seals backups and judges those that come back", []string{"configs/backup"}},
	{"github.com/go-webauthn/webauthn", "one place speaks with browsers about passkeys", []string{"web/account/passkeys"}},
	{"github.com/skip2/go-qrcode", "one place decides what a phone can scan", []string{"peers/qr"}},
	{"github.com/spf13/cobra", "the command line is cmd's", []string{"cmd"}},
	{"github.com/getkin/kin-openapi", "only tests judge what the interface says of itself", []string{"web/api/apitest"}},
	{"github.com/google/jsonschema-go", "one place describes types to programs", []string{"web/api"}},
	{"github.com/prometheus", "only tests read metrics back: it would be a tenth of the program", nil},
	{"net/http", "packets and peers don't speak HTTP", []string{"web", "upnp", "cmd", "scripts"}},
	{"os/exec", "the daemon never starts a program: nothing a user typed can reach a shell", []string{"scripts", "tunnel/internal/planetest"}}, // planetest is only for tests
	{"unsafe", "only system calls that are not told to the scheduler need it", []string{"tunnel/internal/rawcall"}},
}

type pkg struct {
	ImportPath string
	Dir        string
	Imports    []string
	GoFiles    []string
}

// packages lists the module's own packages as the compiler sees them.
func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,Imports,GoFiles", module+"/...")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func room(path string) string {
	return strings.SplitN(strings.TrimPrefix(path, module+"/"), "/", 2)[0]
}

func within(path, prefix string) bool { return path == prefix || strings.HasPrefix(path, prefix+"/") }

func TestRoomsKnowOnlyWhatTheyMay(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range packages(t) {
		from := room(p.ImportPath)
		seen[from] = true
		allowed, known := rooms[from]
		if !known {
			t.Errorf("%s is in no room of the house", p.ImportPath)
		}
		for _, i := range p.Imports {
			if !within(i, module) || i == module+"/configs/secret" {
				continue
			}
			if to := room(i); to != from && !slices.Contains(allowed, to) {
				t.Errorf("%s imports %s: %s must not know %s", p.ImportPath, i, from, to)
			}
		}
	}
	for r := range rooms {
		if !seen[r] {
			t.Errorf("the room %s has no package: the test looks at the wrong place", r)
		}
	}
}

func TestLargeDependenciesHaveOneHome(t *testing.T) {
	for _, p := range packages(t) {
		for _, h := range homes {
			at := slices.ContainsFunc(h.folders, func(f string) bool { return within(p.ImportPath, module+"/"+f) })
			if !at && slices.ContainsFunc(p.Imports, func(i string) bool { return within(i, h.dependency) }) {
				t.Errorf("%s imports %s, which may only be known below %v: %s", p.ImportPath, h.dependency, h.folders, h.why)
			}
		}
	}
}

func TestSQLStaysInStateAndStoreFiles(t *testing.T) {
	for _, p := range packages(t) {
		if within(p.ImportPath, module+"/configs/state") {
			continue
		}
		for _, f := range p.GoFiles {
			src, err := os.ReadFile(filepath.Join(p.Dir, f))
			if err != nil {
				t.Fatal(err)
			}
			if f != "store.go" && !strings.HasPrefix(f, "store_") && containsSQL(src) {
				t.Errorf("%s/%s speaks SQL: it belongs into store.go, or a file named store_….go", p.ImportPath, f)
			}
		}
	}
}

func containsSQL(src []byte) bool {
	return slices.ContainsFunc([]string{"SELECT ", "INSERT INTO ", "DELETE FROM "}, func(w string) bool { return bytes.Contains(src, []byte(w)) })
}

// The database's library has C's system(), which SQLite never calls; nothing else
// in the program could start another one. The seccomp filter of cmd/homeward
// holds it even there.
func TestNothingInTheProgramStartsPrograms(t *testing.T) {
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Imports", module+"/cmd/homeward")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var users []string
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if slices.Contains(p.Imports, "os/exec") {
			users = append(users, p.ImportPath)
		}
	}
	if !slices.Equal(users, []string{"modernc.org/libc"}) {
		t.Errorf("os/exec is imported by %v", users)
	}
}
