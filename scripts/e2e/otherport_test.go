//go:build linux

package e2e

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"homeward/scripts/labnet"
)

// T20 with everything: another machine has taken the port on the router while homeward
// was not running. It goes to another one, by which the phone comes in, over a restart
// and a crash.
func TestAPhoneComesInByAnotherPortWhereTheFirstIsTaken(t *testing.T) {
	labnet.NeedPrograms(t, "wireguard-go:wireguard-go", "wg:wireguard-tools")
	bin := build(t, t.TempDir())
	for name, rootless := range map[string]bool{"tun": false, "netstack": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lab := labnet.New(t)
			lab.Share.ServeHTTP(":80", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, fileOfTheHouse) }))
			h := startHomeward(t, lab, bin, rootless)
			first := openPort(t, h)
			h.stop()
			lab.Share.Run("upnpc", "-m", "eth0", "-e", "games", "-a", labnet.Share4, first, first, "UDP", "3600")

			h = startHomeward(t, lab, bin, rootless)
			begun := time.Now()
			other := openPort(t, h)
			t.Logf("UDP %s instead of %s after %v", other, first, time.Since(begun).Round(time.Millisecond))
			if other == first {
				t.Fatalf("the router's table: %q", lab.Mappings())
			}
			if out, err := h.do("status"); err != nil || !strings.Contains(out, "does not give UDP "+first) {
				t.Errorf("status: %v\n%s", err, out)
			}
			if out, err := h.do("peers", "add", "phone"); err != nil {
				t.Fatal(out)
			}
			config, err := h.do("peers", "config", "phone")
			if err != nil || !strings.Contains(config, "Endpoint = "+labnet.RouterWAN+":"+other+"\n") {
				t.Fatalf("the code does not call %s: %v\n%s", other, err, config)
			}
			down := lab.PhoneUp([]byte(config))
			defer down()
			labnet.Eventually(t, 20*time.Second, "the phone fetches the file", func() bool { return fetch(lab) == nil })

			h.stop()
			if fetch(lab) == nil {
				t.Fatal("it is reached although homeward does not run: the test proves nothing")
			}
			h = startHomeward(t, lab, bin, rootless)
			labnet.Eventually(t, 40*time.Second, "the phone is back after a restart", func() bool { return fetch(lab) == nil })
			h.Signal(syscall.SIGKILL)
			h.Wait()
			h = startHomeward(t, lab, bin, rootless)
			labnet.Eventually(t, 40*time.Second, "the phone is back after a crash", func() bool { return fetch(lab) == nil })
			if again := openPort(t, h); again != other {
				t.Errorf("another port again: %s", again)
			}
			h.stop()
			if left := lab.Mappings(); len(left) != 1 || !strings.Contains(left[0], labnet.Share4) {
				t.Errorf("left on the router: %q", left)
			}
		})
	}
}

// openPort waits until the router sends a port here, the same on both sides, and
// returns it.
func openPort(t *testing.T, h *homeward) (port string) {
	t.Helper()
	ours := regexp.MustCompile(`(\d+)->` + regexp.QuoteMeta(labnet.NAS4) + `:(\d+)`)
	labnet.Eventually(t, 15*time.Second, "the router sends a port here", func() bool {
		for _, m := range h.lab.Mappings() {
			if p := ours.FindStringSubmatch(m); p != nil && p[1] == p[2] {
				port = p[1]
			}
		}
		return port != ""
	})
	return port
}
