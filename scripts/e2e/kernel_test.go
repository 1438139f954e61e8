//go:build linux && amd64

package e2e

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"homeward/scripts/kernelpeer"
	"homeward/scripts/kernelpeer/task"
	"homeward/scripts/labnet"
)

// kernelDir is where scripts/test unpacks Debian's kernel.
const kernelDir = "/var/cache/homeward-test/kernel"

func TestTheKernelsWireGuardComesIn(t *testing.T) {
	for name, rootless := range map[string]bool{"tun": false, "netstack": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lab := labnet.New(t)
			labnet.NeedPrograms(t, "qemu-system-x86_64:qemu-system-x86")
			if _, err := os.Stat(kernelDir); err != nil {
				t.Skipf("needs Debian's kernel in %s: run scripts/test as root", kernelDir)
			}
			lab.Share.ServeHTTP(":80", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, fileOfTheHouse) }))
			h := startHomeward(t, lab, build(t, lab.Dir), rootless)
			// An entry, and a pinhole that the router doesn't list.
			labnet.Eventually(t, 20*time.Second, "the router lets both families in", func() bool {
				out, err := h.do("status")
				return err == nil && strings.Contains(out, "The router sends UDP") && strings.Contains(out, "The router lets UDP")
			})
			if out, err := h.do("peers", "add", "reference"); err != nil {
				t.Fatal(out)
			}
			config, err := h.do("peers", "config", "reference")
			if err != nil {
				t.Fatal(config)
			}
			machine, err := kernelpeer.New(t.Context(), lab.Phone, lab.Dir, kernelDir)
			if err != nil {
				t.Fatal(err)
			}
			what := taskOf(t, config)
			by4 := what.Endpoints[0]
			what.Endpoints = append(what.Endpoints, netip.AddrPortFrom(netip.MustParseAddr(labnet.NASPublic6), by4.Port()))
			comesIn(t, h, machine, what)
			if !rootless {
				staysOut(t, machine, what)
			}
		})
	}
}

// taskOf reads a code's text and says what is to be done with it.
func taskOf(t *testing.T, config string) task.Task {
	t.Helper()
	w := task.Task{
		Fetch: []string{"http://" + labnet.Share4 + "/", "http://[" + labnet.Share6 + "]/"},
		Ping:  []netip.Addr{netip.MustParseAddr(labnet.Share4), netip.MustParseAddr(labnet.Share6)},
	}
	prefixes := func(list string) (all []netip.Prefix) {
		for p := range strings.SplitSeq(list, ", ") {
			all = append(all, netip.MustParsePrefix(p))
		}
		return all
	}
	for line := range strings.Lines(config) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " = ")
		switch key {
		case "PrivateKey":
			w.PrivateKey = value
		case "Address":
			w.Inner = prefixes(value)
		case "MTU":
			if err := json.Unmarshal([]byte(value), &w.MTU); err != nil {
				t.Fatal(err)
			}
		case "PublicKey":
			w.PublicKey = value
		case "PresharedKey":
			w.PresharedKey = value
		case "AllowedIPs":
			w.AllowedIPs = prefixes(value)
		case "Endpoint":
			w.Endpoints = []netip.AddrPort{netip.MustParseAddrPort(value)}
		}
	}
	return w
}

// comesIn has the kernel fetch and ping through the tunnel, by IPv4 and then, in the
// same session, by IPv6.
func comesIn(t *testing.T, h *homeward, m *kernelpeer.Machine, w task.Task) {
	t.Helper()
	begun := time.Now()
	r, err := boot(t, m, w)
	if err != nil {
		t.Error(err)
		return
	}
	t.Logf("Linux %s: %d bytes received, %v in all", r.Kernel, r.Received, time.Since(begun).Round(time.Second))
	if !r.Handshake || len(r.Answers) != 2*(len(w.Fetch)+len(w.Ping)) {
		t.Errorf("%+v", r)
	}
	for _, a := range r.Answers {
		if a.Problem != "" || strings.HasPrefix(a.Of, "http") && a.Body != fileOfTheHouse {
			t.Errorf("by %v: %s gives %q %s", a.By, a.Of, a.Body, a.Problem)
		}
	}
	if out, err := h.do("peers", "list", "--json"); err != nil || !strings.Contains(out, `"endpoint": "[`+labnet.Phone6+"]:") {
		t.Errorf("homeward did not see it move to %s: %v\n%s", labnet.Phone6, err, out)
	}
}

// staysOut is the negative control: some other server's key.
func staysOut(t *testing.T, m *kernelpeer.Machine, w task.Task) {
	t.Helper()
	w.PublicKey, w.Endpoints, w.Fetch, w.Ping = w.PresharedKey, w.Endpoints[:1], nil, w.Ping[:1]
	r, err := boot(t, m, w)
	if err != nil || r.Handshake || len(r.Answers) != 1 || r.Answers[0].Problem == "" {
		t.Errorf("with a wrong key: %+v, %v", r, err)
	}
}

func boot(t *testing.T, m *kernelpeer.Machine, w task.Task) (task.Result, error) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	return m.Run(ctx, w)
}
