//go:build linux

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// badDisk has calls of a running homeward that concern its state directory fail, until
// it is well again.
type badDisk struct {
	cmd *exec.Cmd
	log string
}

// spoilDisk attaches strace to p, which counts the calls and, with an error, has them fail.
func spoilDisk(t *testing.T, p *process, dir, calls, failing string) *badDisk {
	t.Helper()
	d := &badDisk{log: filepath.Join(t.TempDir(), "calls")}
	args := []string{"-f", "-o", d.log, "-e", "signal=none", "-e", "trace=" + calls, "-p", strconv.Itoa(p.cmd.Process.Pid)}
	for _, name := range []string{"", "homeward.db", "homeward.db-wal", "homeward.db-shm", "last-good", "last-good.new", "daily", "starts"} {
		args = append(args, "-P", filepath.Join(dir, "state", name))
	}
	if failing != "" {
		args = append(args, "-e", "inject="+calls+":error="+failing)
	}
	said := &output{}
	d.cmd = exec.Command("strace", args...)
	d.cmd.Stderr = said
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.heal(t) })
	for began := time.Now(); !strings.Contains(said.String(), "attached"); time.Sleep(10 * time.Millisecond) {
		if strings.Contains(said.String(), "not permitted") {
			t.Skip("this system does not let strace attach to a process: run scripts/test as root")
		}
		if time.Since(began) > testPatience {
			t.Fatalf("strace does not attach: %s", said.String())
		}
	}
	return d
}

// heal makes the disk a good one.
func (d *badDisk) heal(t *testing.T) {
	if d.cmd.ProcessState != nil {
		return
	}
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	_ = d.cmd.Wait() // ended by the signal
}

// calls is how many there were, of those that it has seen.
func (d *badDisk) calls(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile(d.log)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Count(text, []byte(" = "))
}

func TestADiskThatFailsUnderARunningHomewardTakesNoChangesAndNoTunnel(t *testing.T) {
	if testing.Short() {
		t.Skip("half a minute of a real process: not in the short run")
	}
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("needs the program strace: install the Debian package strace, or run scripts/test as root")
	}
	dir := newDir(t, "")
	p := spawn(t, dir, nil, loopback(t, dir)...)
	p.answers(t, dir)
	p.said.await(t, "Set it up")
	mustDo(t, dir, "peers", "add", "before")
	time.Sleep(2 * time.Second) // what follows a change is written

	if left := 5*time.Minute - time.Duration(time.Now().UnixNano())%(5*time.Minute); left < 10*time.Second {
		time.Sleep(left + 11*time.Second) // the history of five minutes is written then
	}
	const writes = "write,pwrite64,fsync,fdatasync,ftruncate,rename,renameat,renameat2,unlink,unlinkat"
	rest := spoilDisk(t, p, dir, writes, "")
	time.Sleep(8 * time.Second)
	rest.heal(t)
	if n := rest.calls(t); n > 0 {
		t.Errorf("at rest it writes: %d calls in 8 s", n)
	}
	known := []string{"before"}
	for i, c := range []struct{ name, calls, failing, says string }{
		{"fsync fails", "fsync,fdatasync", "EIO", "does not work"},
		{"full", "pwrite64,write", "ENOSPC", "is full"},
		{"writes fail", "pwrite64,write", "EIO", "does not work"},
		{"read-only", "openat,pwrite64,write,ftruncate", "EROFS", "disk"},
	} {
		name := "device " + strconv.Itoa(i)
		disk := spoilDisk(t, p, dir, c.calls, c.failing)
		if code, _, errs := homeward(t.Context(), dir, "peers", "add", name+" refused"); code != exitFailed || !strings.Contains(errs, c.says) || !strings.Contains(errs, "nothing was changed") {
			t.Errorf("%s: exit code %d, %q", c.name, code, errs)
		}
		if code, _, errs := homeward(t.Context(), dir, "peers", "edit", "before", "--note", c.name); code != exitFailed {
			t.Errorf("%s: editing ends with %d, %q", c.name, code, errs)
		}
		tunnelIsUp(t, p.answers(t, dir))
		if list := mustDo(t, dir, "peers", "list"); strings.Contains(list, "refused") {
			t.Errorf("%s: what was refused is there: %s", c.name, list)
		}
		if disk.calls(t) == 0 {
			t.Errorf("%s: nothing failed", c.name)
		}
		disk.heal(t)
		mustDo(t, dir, "peers", "add", name)
		known = append(known, name)
	}
	p.kill()
	stop, _ := start(t, dir)
	list := mustDo(t, dir, "peers", "list")
	for _, name := range known {
		if !strings.Contains(list, name) {
			t.Errorf("%s is lost: %s", name, list)
		}
	}
	if strings.Contains(list, "refused") || strings.Count(list, "device") != len(known)-1 {
		t.Errorf("after a restart: %s", list)
	}
	stop()
}
