//go:build linux

package labnet

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
)

// nobody is the user of Unprivileged.
const nobody = 65534

// Unprivileged makes a command that runs on the host as nobody, without any
// capability or a way to get one, and without /dev/net/tun. dir becomes its
// home and must belong to it (see Own).
func (h *Host) Unprivileged(ctx context.Context, dir, name string, args ...string) *exec.Cmd {
	const script = `mount -t tmpfs none /dev/net && exec setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs "$@"`
	cmd := h.Command(ctx, "unshare", append([]string{"-m", "sh", "-c", script, "sh", name}, args...)...)
	cmd.Env = home(dir)
	cmd.Dir = dir
	return cmd
}

// CommandAs makes a command that runs on the host with dir, which it makes, as
// its home: as root, or as [Host.Unprivileged] says.
func (h *Host) CommandAs(ctx context.Context, rootless bool, dir, name string, args ...string) *exec.Cmd {
	h.t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		h.t.Fatal(err)
	}
	if rootless {
		Own(h.t, dir)
		return h.Unprivileged(ctx, dir, name, args...)
	}
	cmd := h.Command(ctx, name, args...)
	cmd.Env = home(dir)
	cmd.Dir = dir
	return cmd
}

// home is the environment of somebody who lives in dir.
func home(dir string) []string { return []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH")} }

// Own gives a folder and what is in it to the user of Unprivileged.
func Own(t T, dir string) {
	t.Helper()
	if err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, nobody, nobody)
	}); err != nil {
		t.Fatal(err)
	}
}
