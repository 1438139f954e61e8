//go:build linux

package e2e

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"homeward/scripts/labnet"
)

// A disk that is full, read-only or spoilt takes no changes and no phone's way home.
func TestThePhoneComesHomeWhateverTheDiskDoes(t *testing.T) {
	lab := labnet.New(t, labnet.Options{NoNATPMP: true})
	lab.Share.ServeHTTP(":80", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, fileOfTheHouse) }))
	bin := build(t, lab.Dir)
	h := &homeward{t: t, lab: lab, bin: bin, dir: filepath.Join(lab.Dir, "nas")}
	disk := h.state()
	mount(t, disk)
	start := func() {
		h.Process = lab.NAS.Start(lab.NAS.CommandAs(t.Context(), true, filepath.Join(lab.Dir, "home"), bin, "serve", "--state", disk, "--config", os.DevNull))
	}
	start()
	labnet.Eventually(t, 15*time.Second, "the router's port is open", func() bool { return len(lab.Mappings()) == 1 })
	add := func(name string) (string, error) { return h.do("peers", "add", name) }
	if out, err := add("phone"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	config, err := h.do("peers", "config", "1")
	if err != nil {
		t.Fatal(err)
	}
	down := lab.PhoneUp([]byte(config + "\n"))
	defer func() { down() }()
	again := func() { // else the phone waits a quarter of a minute before it calls anew
		down()
		down = lab.PhoneUp([]byte(config + "\n"))
	}
	comesHome := func(when string) {
		t.Helper()
		labnet.Eventually(t, 20*time.Second, "the phone fetches the file "+when, func() bool { return fetch(lab) == nil })
	}
	refuses := func(name, why string) {
		t.Helper()
		if out, err := add(name); err == nil || !strings.Contains(out, why) {
			t.Errorf("adding a device: %v: %s, want %q", err, out, why)
		}
		if list, err := h.do("peers", "list"); err != nil || strings.Contains(list, name) {
			t.Errorf("after the refusal: %v\n%s", err, list)
		}
		comesHome("while changes are refused")
	}
	takes := func(name string) {
		t.Helper()
		labnet.Eventually(t, 10*time.Second, "changes are taken again", func() bool { _, err := add(name); return err == nil })
	}
	comesHome("at first")

	fill(t, disk)
	refuses("full", "is full")
	if err := os.Remove(filepath.Join(disk, "filler")); err != nil {
		t.Fatal(err)
	}
	takes("with room again")

	labnet.Eventually(t, 5*time.Second, "the last-good file knows the new device", func() bool {
		b, err := os.ReadFile(filepath.Join(disk, "last-good"))
		return err == nil && strings.Contains(string(b), "with room again")
	})
	end(t, h)
	spoilDatabase(t, disk)
	start()
	again()
	comesHome("without a database")
	if out, err := h.do("status"); err != nil || !strings.Contains(out, "2 of them); nothing can be changed") {
		t.Errorf("status: %v\n%s", err, out)
	}

	end(t, h)
	// Under a running one it cannot be made read-only here: it has files open.
	if err := syscall.Mount("", disk, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatalf("making the disk read-only: %v", err)
	}
	start()
	again()
	comesHome("with a disk that can only be read")
	end(t, h)
}

// mount puts a small disk at a folder, for whom homeward runs as.
func mount(t *testing.T, folder string) {
	t.Helper()
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size=3m,mode=0700,uid=65534,gid=65534"); err != nil {
		t.Fatalf("mounting a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(folder, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmounting %s: %v", folder, err)
		}
	})
}

// fill leaves no room on a disk.
func fill(t *testing.T, folder string) {
	t.Helper()
	f, err := os.Create(filepath.Join(folder, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for b := make([]byte, 4096); err == nil; {
		_, err = f.Write(b)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}

// end stops homeward in the rude way: what a power cut leaves is what is next.
func end(t *testing.T, h *homeward) {
	t.Helper()
	h.Signal(syscall.SIGKILL)
	labnet.Eventually(t, 5*time.Second, "homeward is gone", func() bool { return syscall.Kill(h.PID(), 0) != nil })
}

func spoilDatabase(t *testing.T, state string) {
	t.Helper()
	for _, folder := range []string{"daily", "snapshots"} {
		if err := os.RemoveAll(filepath.Join(state, folder)); err != nil {
			t.Fatal(err)
		}
	}
	for _, suffix := range []string{"-wal", "-shm"} {
		os.Remove(filepath.Join(state, "homeward.db"+suffix))
	}
	if err := os.WriteFile(filepath.Join(state, "homeward.db"), []byte(strings.Repeat("junk", 4096)), 0o600); err != nil {
		t.Fatal(err)
	}
}
