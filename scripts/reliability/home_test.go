//go:build linux

package reliability

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"homeward/scripts/labnet"
)

// large is what the share serves at /large: more than a few packets.
var large = bytes.Repeat([]byte("a file of the house\n"), 20_000)

// home is a lab whose NAS runs homeward, and a phone outside that has a code.
type home struct {
	*testing.T
	*labnet.Lab
	bin      string
	rootless bool
	homeward *labnet.Process
	share    string // the share's IPv4 address
	port     string // the UDP port that the phone calls
	keys     string // the phone's config as `wg setconf` takes it, without the port
}

// buildHomeward builds the program that is tested.
func buildHomeward(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "homeward")
	cmd := exec.Command("go", "build", "-o", bin, "homeward/cmd/homeward")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building homeward: %v\n%s", err, out)
	}
	if err := os.Chmod(filepath.Dir(bin), 0o755); err != nil { // it is run as nobody, too
		t.Fatal(err)
	}
	return bin
}

// newHome builds a home and waits until the phone outside reaches the share.
func newHome(t *testing.T, bin string, rootless bool, options labnet.Options) *home {
	t.Helper()
	h := &home{T: t, Lab: labnet.New(t, options), bin: bin, rootless: rootless, share: labnet.Share4}
	h.Share.ServeHTTP(":80", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Write(large)
	}))
	h.Share.Serve(":7", func(c net.Conn) { io.Copy(c, c) })
	h.start()
	var config string
	labnet.Eventually(t, 20*time.Second, "the phone's code has the way home", func() bool {
		if _, err := h.do("peers", "show", "1"); err != nil {
			h.do("peers", "add", "phone", "--profile", "everything")
		}
		var err error
		config, err = h.do("peers", "config", "1")
		return err == nil && strings.Contains(config, "Endpoint = "+labnet.RouterWAN)
	})
	h.PhoneUp([]byte(config))
	h.port = regexp.MustCompile(`Endpoint = \S+:(\d+)`).FindStringSubmatch(config)[1]
	h.keys = regexp.MustCompile(`(?m)^ListenPort.*\n`).ReplaceAllString(h.Phone.Run("wg", "showconf", h.ID), "")
	labnet.Eventually(t, 20*time.Second, "the phone reaches the share at first", func() bool { _, served := h.comesIn(); return served })
	return h
}

func (h *home) state() string { return filepath.Join(h.Dir, "home", "state") }

// start starts homeward on the NAS.
func (h *home) start() {
	h.Helper()
	h.homeward = h.NAS.Start(h.NAS.CommandAs(context.Background(), h.rootless, filepath.Join(h.Dir, "home"), h.bin,
		"serve", "--state", h.state(), "--config", os.DevNull))
}

// do runs a command of homeward's on the NAS.
func (h *home) do(args ...string) (string, error) {
	return h.NAS.Try(h.bin, append(args, "--state", h.state(), "--config", os.DevNull)...)
}

// comesIn lets the phone begin anew, from a port that no router has seen: one that
// has been used stays open for a while whatever happens. It says how far it came.
func (h *home) comesIn() (handshake, served bool) {
	h.Helper()
	file := filepath.Join(h.Dir, "anew.conf")
	text := strings.Replace(h.keys, "[Interface]", fmt.Sprintf("[Interface]\nListenPort = %d", 20000+rand.IntN(40000)), 1)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		h.Fatal(err)
	}
	h.Phone.Run("wg", "setconf", h.ID, file)
	_, err := h.Phone.Try("ping", "-c1", "-W1", h.share)
	seen := strings.Fields(h.Phone.Run("wg", "show", h.ID, "latest-handshakes"))
	return len(seen) == 2 && seen[1] != "0", err == nil
}

// recovers waits until the phone comes in again, and says how long both took since
// the hardship was over. It fails the test when one took longer than it may.
func (h *home) recovers(since time.Time, handshake, served time.Duration) {
	h.Helper()
	var shook time.Duration
	for end := since.Add(max(handshake, served) + 20*time.Second); ; {
		hand, home := h.comesIn()
		took := time.Since(since)
		if hand && shook == 0 {
			shook = took
		}
		if home {
			h.Logf("handshake after %.1f s (may take %.0f), LAN after %.1f s (may take %.0f)", shook.Seconds(), handshake.Seconds(), took.Seconds(), served.Seconds())
			if shook > handshake || took > served {
				h.Errorf("that is too long")
			}
			return
		}
		if time.Now().After(end) {
			h.Fatalf("after %v: a handshake: %v; the LAN: never", took.Round(time.Second), shook)
		}
	}
}

// cutOff is the negative control: the hardship must do harm, or nothing is measured.
func (h *home) cutOff() {
	h.Helper()
	if _, served := h.comesIn(); served {
		h.Fatal("the phone comes in all the same: this measures nothing")
	}
}

// long reports whether hardships last as long as they do in life.
func long() bool { return os.Getenv("HOMEWARD_TEST_LONG") != "" }

// lasting is how long a hardship lasts: in the normal run less than in life.
func lasting(life, short time.Duration) time.Duration {
	if long() {
		return life
	}
	return short
}
