//go:build linux

package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"homeward/scripts/labnet"
)

// emulated builds homeward for a small box and returns a program that runs it
// here. The flags are those of the cross builds of scripts/test.
func emulated(t *testing.T, dir, arch, arm, qemu string) string {
	t.Helper()
	bin := filepath.Join(dir, "homeward-"+arch)
	cmd := exec.Command("go", "build", "-trimpath", "-o", bin, "homeward/cmd/homeward")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH="+arch, "GOARM="+arm)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building homeward: %v\n%s", err, out)
	}
	runner := filepath.Join(dir, "homeward")
	if err := os.WriteFile(runner, fmt.Appendf(nil, "#!/bin/sh\nexec %s %s \"$@\"\n", qemu, bin), 0o755); err != nil {
		t.Fatal(err)
	}
	return runner
}

func TestAPhoneOutsideReachesHomeThroughASmallBox(t *testing.T) {
	for _, c := range []struct{ name, arch, arm, qemu string }{
		{"arm64", "arm64", "", "qemu-aarch64 -cpu cortex-a53"},
		{"armv7", "arm", "7", "qemu-arm -cpu cortex-a7"},
		{"armv6", "arm", "6", "qemu-arm -cpu arm1176"},
	} {
		t.Run(c.name, func(t *testing.T) {
			lab := labnet.New(t)
			labnet.NeedPrograms(t, "qemu-arm:qemu-user")
			lab.Share.ServeHTTP(":80", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, fileOfTheHouse) }))
			h := startHomeward(t, lab, emulated(t, lab.Dir, c.arch, c.arm, c.qemu), true)
			labnet.Eventually(t, 60*time.Second, "the router's port is open", func() bool { return len(lab.Mappings()) == 1 })
			labnet.Eventually(t, 60*time.Second, "a device is added and its code drawn", func() bool {
				out, err := h.do("peers", "add", "phone")
				return err == nil && strings.Contains(out, "▀")
			})
			config, err := h.do("peers", "config", "phone")
			if err != nil {
				t.Fatal(err)
			}
			if fetch(lab) == nil { // the negative control
				t.Fatal("the share can be reached without the tunnel: the test would prove nothing")
			}
			defer lab.PhoneUp([]byte(config))()
			labnet.Eventually(t, 30*time.Second, "the phone fetches the file", func() bool { return fetch(lab) == nil })
		})
	}
}
