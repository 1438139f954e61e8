//go:build linux

package labnet

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Host is one machine of the lab: a network namespace.
type Host struct {
	t    testing.TB
	Name string // of the namespace
}

// Command makes a command that runs on the host.
func (h *Host) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", h.Name, name}, args...)...)
}

// Unprivileged makes a command that runs on the host as nobody, without any
// capability or a way to get one, and without /dev/net/tun. dir becomes its
// home and must belong to it (see Own).
func (h *Host) Unprivileged(ctx context.Context, dir, name string, args ...string) *exec.Cmd {
	script := `mount -t tmpfs none /dev/net && exec setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs "$@"`
	cmd := h.Command(ctx, "unshare", append([]string{"-m", "sh", "-c", script, "sh", name}, args...)...)
	cmd.Env = []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH")}
	return cmd
}

// Own gives a folder and what is in it to the user of Unprivileged.
func Own(t testing.TB, dir string) {
	t.Helper()
	if err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(path, 65534, 65534)
	}); err != nil {
		t.Fatal(err)
	}
}

// Try runs a command to its end and returns what it printed.
func (h *Host) Try(name string, args ...string) (string, error) {
	out, err := h.Command(context.Background(), name, args...).CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

// Run is Try for commands that must work.
func (h *Host) Run(name string, args ...string) string {
	h.t.Helper()
	out, err := h.Try(name, args...)
	if err != nil {
		h.t.Fatal(err)
	}
	return out
}

// Dial connects from the host.
func (h *Host) Dial(ctx context.Context, network, addr string) (c net.Conn, err error) {
	err = h.inside(func() error {
		c, err = (&net.Dialer{}).DialContext(ctx, network, addr)
		return err
	})
	return c, err
}

// Listen opens a TCP port on the host.
func (h *Host) Listen(addr string) (l net.Listener, err error) {
	err = h.inside(func() error {
		l, err = net.Listen("tcp", addr)
		return err
	})
	return l, err
}

// inside runs f on a thread that has moved into the namespace. A socket stays
// in the namespace that it was made in; the thread is thrown away.
func (h *Host) inside(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			// The first thread stands for the whole process, and is never thrown
			// away: hold it back so that another one moves.
			defer runtime.UnlockOSThread()
			done <- h.inside(f)
			return
		}
		done <- h.enter(f) // never unlocked: the thread ends with the goroutine
	}()
	return <-done
}

// enter moves the thread into the namespace and runs f.
func (h *Host) enter(f func() error) error {
	ns, err := os.Open("/run/netns/" + h.Name)
	if err != nil {
		return err
	}
	defer ns.Close()
	if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("entering %s: %w", h.Name, err)
	}
	return f()
}
