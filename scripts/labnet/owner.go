//go:build linux

package labnet

import (
	"crypto/rand"
	_ "embed"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// RunDir has a folder for each lab of this machine, with a file "owner" in it:
// the process that holds the lab, when that process started, and the lab's Dir.
const RunDir = "/run/homeward-lab"

//go:embed watchdog.sh
var watchdog string

// Owner is who holds a lab.
type Owner struct {
	ID      string
	PID     int
	Started string // as /proc says it, since process ids are used again
	Dir     string
}

// Alive reports whether the owner still runs.
func (o Owner) Alive() bool { return o.Started != "" && started(o.PID) == o.Started }

// Owners lists the labs of this machine.
func Owners() []Owner {
	files, _ := filepath.Glob(filepath.Join(RunDir, "hw*", "owner"))
	var all []Owner
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			continue // removed just now
		}
		o := Owner{ID: filepath.Base(filepath.Dir(f))}
		fmt.Sscanf(string(text), "%d %s %q", &o.PID, &o.Started, &o.Dir)
		all = append(all, o)
	}
	return all
}

// started says when a process began, in the kernel's ticks; "" means that it
// is no more.
func started(pid int) string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	// The name in parentheses may contain anything; the 20th field after it counts.
	_, rest, _ := strings.Cut(string(stat[strings.LastIndexByte(string(stat), ')'):]), " ")
	fields := strings.Fields(rest)
	if len(fields) < 20 || fields[0] == "Z" {
		return ""
	}
	return fields[19]
}

// own notes who owns the lab and starts its watchdog, before there is anything
// to remove.
func (b *Builder) own() {
	b.t.Helper()
	var random [3]byte
	rand.Read(random[:])
	b.ID = "hw" + hex.EncodeToString(random[:])
	dir, err := os.MkdirTemp("", b.ID+"-")
	if err != nil {
		b.t.Fatal(err)
	}
	b.Dir = dir
	if err := os.Chmod(dir, 0o755); err != nil { // unprivileged programs pass through
		b.t.Fatal(err)
	}
	if err := note(Owner{ID: b.ID, PID: os.Getpid(), Started: started(os.Getpid()), Dir: dir}); err != nil {
		os.Remove(dir)
		b.t.Fatalf("noting the owner of the lab: %v", err)
	}
	dog, err := watch(b.ID, dir)
	if err != nil {
		os.RemoveAll(filepath.Join(RunDir, b.ID))
		os.Remove(dir)
		b.t.Fatalf("starting the lab's watchdog: %v", err)
	}
	b.watchdog = dog.cmd.Process.Pid
	b.t.Cleanup(func() {
		if err := dog.release(); err != nil { // it was killed itself
			b.t.Logf("the lab's watchdog ended with %v", err)
			if err := remove(b.ID, dir); err != nil {
				b.t.Errorf("removing the lab: %v", err)
			}
		}
	})
}

// note writes the owner file; the folder appears with the file in it.
func note(o Owner) error {
	if err := os.MkdirAll(RunDir, 0o755); err != nil {
		return err
	}
	draft := filepath.Join(RunDir, ".new-"+o.ID)
	if err := os.Mkdir(draft, 0o755); err != nil {
		return err
	}
	text := fmt.Sprintf("%d %s %q\n", o.PID, o.Started, o.Dir)
	if err := os.WriteFile(filepath.Join(draft, "owner"), []byte(text), 0o644); err != nil {
		return err
	}
	return os.Rename(draft, filepath.Join(RunDir, o.ID))
}

// keeper is a watchdog process.
type keeper struct {
	cmd  *exec.Cmd
	pipe io.Closer
}

// watch starts a process that removes the lab when it is released or this
// process ends.
func watch(id, dir string) (*keeper, error) {
	cmd := exec.Command("sh", "-c", watchdog, "watchdog", id, dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // a Ctrl-C must not reach it
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &keeper{cmd, pipe}, nil
}

// release lets the lab be removed, and waits for it.
func (k *keeper) release() error {
	k.pipe.Close()
	return k.cmd.Wait()
}

// remove does at once what the watchdog does at the end.
func remove(id, dir string) error {
	k, err := watch(id, dir)
	if err != nil {
		return err
	}
	return k.release()
}

// removeStale removes the labs whose owners are no more.
func removeStale(t T) {
	t.Helper()
	for _, o := range Owners() {
		if o.Alive() || !strings.Contains(filepath.Base(o.Dir), o.ID) {
			continue // a folder that is not the lab's is not ours to remove
		}
		t.Logf("removing the lab %s that process %d left behind", o.ID, o.PID)
		if err := remove(o.ID, o.Dir); err != nil {
			t.Logf("removing the lab %s: %v", o.ID, err)
		}
	}
}
