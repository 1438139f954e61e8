//go:build linux

package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"homeward/scripts/labnet"
)

// badDisks runs a command that sees a full and a read-only disk in a folder.
const badDisks = `set -e
mkdir "$1/full" "$1/readonly"
mount -t tmpfs -o size=40k none "$1/full"
mount -t tmpfs -o ro none "$1/readonly"
shift
exec "$@"`

func TestAFullOrReadOnlyDiskForBackupsIsToldAndDoesNoHarm(t *testing.T) {
	b := labnet.Bare(t)
	bin := build(t, b.Dir)
	box := b.NewHost("box")
	state := []string{"--state", filepath.Join(b.Dir, "state"), "--config", os.DevNull}
	serve := append([]string{"-m", "sh", "-c", badDisks, "sh", b.Dir, bin, "serve", "--plane", "netstack", "--map-port=false", "--endpoint", "home.example.org", "--bind", "127.0.0.1"}, state...)
	p := box.Start(box.Command(context.Background(), "unshare", serve...))
	do := func(args ...string) string {
		out, _ := box.Try(bin, append(args, state...)...) // what it says is looked at
		return out
	}
	labnet.Eventually(t, 20*time.Second, "homeward answers", func() bool { return strings.Contains(do("status"), "WireGuard listens") })
	do("backup", "recovery-code")
	if out := do("backup", "nightly", "--to", filepath.Join(b.Dir, "nowhere")); !strings.Contains(out, "is not there") {
		t.Errorf("a missing folder: %s", out)
	}
	if out := do("backup", "nightly", "--to", filepath.Join(b.Dir, "readonly")); !strings.Contains(out, "may not write") || !strings.Contains(out, "What to do") {
		t.Errorf("a read-only one: %s", out)
	}
	if out := do("backup", "nightly", "--to", filepath.Join(b.Dir, "full")); !strings.Contains(out, "is written to") {
		t.Errorf("a full one, which an empty file fits: %s", out)
	}
	for command, says := range map[string]string{"status": "is full", "doctor": "Make room on it", "log": "is full"} {
		labnet.Eventually(t, 10*time.Second, command+" says that the disk is full", func() bool { return strings.Contains(do(command), says) })
	}
	left, err := os.ReadDir(fmt.Sprintf("/proc/%d/root%s", p.PID(), filepath.Join(b.Dir, "full")))
	if err != nil || len(left) > 0 {
		t.Errorf("a part of a backup is left: %v, %v", left, err)
	}
	if out := do("peers", "add", "phone"); !strings.Contains(out, "may come in now") {
		t.Errorf("the rest does not work: %s", out)
	}
}
