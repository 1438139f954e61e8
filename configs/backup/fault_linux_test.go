package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"homeward/configs/secret"
	"homeward/configs/state"
)

// What the process with the bad disk is told.
const (
	faultDir  = "HOMEWARD_TEST_RESTORE_DIR"
	faultFile = "HOMEWARD_TEST_RESTORE_FILE"
	faultKey  = "HOMEWARD_TEST_RESTORE_KEY"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(faultDir); dir != "" {
		restoreOnABadDisk(dir)
		return
	}
	os.Exit(m.Run())
}

// restoreOnABadDisk restores a backup, and says whether that was done.
func restoreOnABadDisk(dir string) {
	runtime.LockOSThread() // faults are counted by thread
	staging, err := state.Stage(dir)
	if err == nil {
		err = restoreInto(staging)
	}
	fmt.Println("ended:", err)
}

func restoreInto(staging *state.Staging) (err error) {
	sealed, err := os.ReadFile(os.Getenv(faultFile))
	if err != nil {
		return errors.Join(err, staging.Close())
	}
	r, err := Restore(context.Background(), staging, bytes.NewReader(sealed), secret.NewText(os.Getenv(faultKey)), anything, quiet)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if _, err = r.Commit(); err == nil {
		fmt.Println("committed")
	}
	return err
}

// fault is one way in which a disk fails while a backup is restored.
type fault struct {
	name, calls, error string
	last               bool // each call from the first one on fails
}

// Whichever call fails while a backup is restored, once or from then on: the next start
// has all of the old state or all of the new one, and the new one when that was said. The
// old one is not lost by it.
func TestARestoreOnABadDiskLeavesTheOldOrTheNewWhole(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("needs the program strace: install the Debian package strace, or run scripts/test as root")
	}
	faults := []fault{
		{name: "fsync fails", calls: "fsync,fdatasync", error: "EIO"},
		{name: "no space", calls: "pwrite64,write,copy_file_range", error: "ENOSPC"},
		{name: "rename fails", calls: "rename,renameat,renameat2", error: "EIO"},
		{name: "nothing can be opened", calls: "openat,open", error: "EROFS"},
		{name: "nothing can be made, removed or cut", calls: "mkdirat,unlinkat,ftruncate", error: "EIO"},
		{name: "a read fails", calls: "pread64,read,getdents64", error: "EIO"},
		{name: "rename fails for good", calls: "rename,renameat,renameat2", error: "EIO", last: true},
		{name: "fsync fails for good", calls: "fsync,fdatasync", error: "EIO", last: true},
		{name: "the disk stays full", calls: "pwrite64,write,copy_file_range", error: "ENOSPC", last: true},
	}
	each := 15 // of the calls
	if os.Getenv("HOMEWARD_TEST_LONG") != "" {
		each = 1000
	}
	if testing.Short() {
		each, faults = 2, faults[:3]
	}
	w := faultyWorld{template: filepath.Join(t.TempDir(), "old"), file: filepath.Join(t.TempDir(), "home.backup")}
	w.prepare(t)
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			total, committed := w.run(t, f, 0)
			if total == 0 || !committed {
				t.Fatalf("without a fault: %d calls, committed: %v: nothing would be proven", total, committed)
			}
			done := 0
			for _, n := range rand.Perm(total)[:min(each, total)] {
				if _, committed := w.run(t, f, n+1); committed {
					done++
				}
			}
			t.Logf("%d of %d calls failed; %d of the restores were done all the same", min(each, total), total, done)
		})
	}
}

// faultyWorld is a state directory, the backup of another one, and what is in both.
type faultyWorld struct {
	template, file, key string
	old, restored       string
}

func (w *faultyWorld) prepare(t *testing.T) {
	t.Helper()
	st, _ := box(t)
	code, public, err := NewRecoveryCode()
	if err != nil {
		t.Fatal(err)
	}
	to, err := ForRecoveryCode(public)
	if err != nil {
		t.Fatal(err)
	}
	w.key = code.Reveal()
	w.restored = content(t, st)
	old, err := state.Open(t.Context(), w.template, quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	_, err = old.EnsureIdentity(t.Context(), func() (state.Plan, error) { return state.ChooseAddressPlan(nil, rand.NewChaCha8([32]byte{})) })
	err = errors.Join(err, os.WriteFile(w.file, sealed(t, st, to), 0o600), old.Keep(t.Context(), "secret", []byte("the token of before")),
		old.WriteFile(state.PageCertFile, []byte("cert of before")), old.WriteFile(state.PageKeyFile, []byte("key of before")))
	if err != nil {
		t.Fatal(err)
	}
	w.old = content(t, old)
}

// content is what is in a state, as one text.
func content(t *testing.T, st *state.State) string {
	t.Helper()
	id, err := st.EnsureIdentity(t.Context(), func() (state.Plan, error) { return state.Plan{}, errors.New("there is no identity") })
	token, _, err2 := st.Kept(t.Context(), "secret")
	cert, _, err3 := st.ReadFile(state.PageCertFile)
	key, _, err4 := st.ReadFile(state.PageKeyFile)
	if err := errors.Join(err, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(id.Instance, id.ListenPort, id.Plan, string(token), string(cert), string(key))
}

// run restores with the nth call failing, or none for zero, and looks at what came of
// it. It returns how many calls there were.
func (w *faultyWorld) run(t *testing.T, f fault, n int) (calls int, committed bool) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "state")
	if err := os.CopyFS(dir, os.DirFS(w.template)); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(t.TempDir(), "calls")
	line := []string{"-f", "--seccomp-bpf", "-qq", "-o", log, "-e", "signal=none", "-e", "trace=" + f.calls}
	for _, name := range []string{"", "restore-new", "restore-new/homeward.db", "restore-new/homeward.db-wal", "restore-new/homeward.db-shm", "restore-new/homeward.db-journal", "restore-new/" + state.VaultKeyFile, "restore-new/" + state.PageCertFile, "restore-new/" + state.PageKeyFile} {
		line = append(line, "-P", filepath.Join(dir, name))
	}
	if n > 0 {
		when := strconv.Itoa(n)
		if f.last {
			when += "+"
		}
		line = append(line, "-e", "inject="+f.calls+":error="+f.error+":when="+when)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "strace", append(line, self)...)
	cmd.Env = append(os.Environ(), faultDir+"="+dir, faultFile+"="+w.file, faultKey+"="+w.key, "GORACE=atexit_sleep_ms=0") // else each waits a second
	out, err := cmd.CombinedOutput()
	said := string(out)
	if err != nil || !strings.Contains(said, "ended: ") {
		t.Fatalf("%s at call %d: %v: %s", f.name, n, err, said)
	}
	committed = strings.Contains(said, "committed\n")
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	st, err := state.Open(t.Context(), dir, quiet)
	if err != nil {
		t.Fatalf("%s at call %d: the next start: %v; the restore said %s", f.name, n, err, said)
	}
	defer st.Close()
	got := content(t, st)
	switch {
	case st.Repaired() != nil:
		t.Errorf("%s at call %d: the database was damaged: %v", f.name, n, st.Repaired().Cause)
	case got != w.restored && (committed || got != w.old):
		t.Errorf("%s at call %d: the next start has %q; the restore said %s", f.name, n, got, said)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "restore-*")); err != nil || len(left) > 0 {
		t.Errorf("%s at call %d: %q is left, %v", f.name, n, left, err)
	}
	if aside, err := filepath.Glob(filepath.Join(dir, "before-restore-*", state.DatabaseFile)); got == w.restored && (err != nil || len(aside) != 1) {
		t.Errorf("%s at call %d: the old state is not kept: %q, %v", f.name, n, aside, err)
	}
	return bytes.Count(text, []byte("\n")) - bytes.Count(text, []byte("+++")) - bytes.Count(text, []byte("---")), committed
}
