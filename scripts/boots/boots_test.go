//go:build linux && amd64

package boots

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"homeward/scripts/labnet"
)

// Where scripts/test unpacks Debian's kernel and the small systems.
const (
	kernelDir  = "/var/cache/homeward-test/kernel"
	systemsDir = "/var/cache/homeward-test/systems"
)

// patience is how long a thing may take that takes a second or two: the machine is
// emulated, and its host may have other things to do.
const patience = 2 * time.Minute

// box is a machine that a test tells what to do.
type box struct {
	*testing.T
	m *Machine
}

// boot starts a machine with that service manager.
func boot(t *testing.T, manager string, files ...File) *box {
	t.Helper()
	labnet.NeedPrograms(t, "qemu-system-x86_64:qemu-system-x86")
	for _, dir := range []string{kernelDir, systemsDir} {
		if _, err := os.Stat(dir); err != nil {
			t.Skipf("needs what scripts/test unpacks into %s: run scripts/test as root", dir)
		}
	}
	dir, err := os.MkdirTemp("", "boots-") // shorter than the test's own
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	agent := filepath.Join(dir, "agent")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", agent, "homeward/scripts/boots/agent")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the agent: %v: %s", err, out)
	}
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	t.Cleanup(cancel)
	m, err := Start(ctx, Config{Kernel: kernelDir, System: filepath.Join(systemsDir, manager), Files: files, Agent: agent, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Stop(); err != nil {
			t.Error(err)
		}
	})
	t.Logf("%s is up after %v", manager, time.Since(began).Round(100*time.Millisecond))
	return &box{t, m}
}

// try runs a line of the shell in the machine.
func (b *box) try(format string, args ...any) (string, error) {
	b.Helper()
	return b.m.Run(patience, "sh", "-c", fmt.Sprintf(format, args...))
}

// run runs a line of the shell in the machine, which must succeed.
func (b *box) run(format string, args ...any) string {
	b.Helper()
	out, err := b.try(format, args...)
	if err != nil {
		b.Fatalf("%s: %v: %s\n%s", fmt.Sprintf(format, args...), err, out, b.why())
	}
	return out
}

// until waits until a line of the shell prints something.
func (b *box) until(want, format string, args ...any) string {
	b.Helper()
	var out string
	var err error
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if out, err = b.try(format, args...); strings.Contains(out, want) {
			return out
		}
	}
	b.Fatalf("%s: not %q within %v, but %v: %s\n%s", fmt.Sprintf(format, args...), want, patience, err, out, b.why())
	return ""
}

// why is what may explain a failure.
func (b *box) why() string {
	out, _ := b.try(`tail -n 60 /var/log/homeward.log 2>/dev/null
command -v journalctl >/dev/null || exit
date
systemctl list-timers --no-pager
systemctl list-units --no-pager --all 'homeward*'
journalctl --no-pager -q -n 80 -o short-monotonic | grep -v █`)
	return "the machine's state: " + out
}
