//go:build linux

package peers_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"homeward/configs/state"
	"homeward/peers"
	"homeward/peers/peerstest"
)

// What the process with the bad disk is told.
const (
	faultDir   = "HOMEWARD_TEST_FAULT_DIR"
	faultFrom  = "HOMEWARD_TEST_FAULT_FROM"  // the step to begin with
	faultLimit = "HOMEWARD_TEST_FAULT_LIMIT" // no file may be longer, in bytes; zero: no limit
	faultTry   = "HOMEWARD_TEST_FAULT_TRY"   // only try, as a shelter does that has lost its patience
)

// faultSteps is how many changes are tried while the disk is bad.
const faultSteps = 8

// changeOnABadDisk does all that writes to the state directory, and says of each step
// whether it was done or refused. It never ends by itself before the last one, unless
// the directory cannot be opened.
func changeOnABadDisk(dir string) {
	runtime.LockOSThread() // faults are counted by thread
	number := func(name string) int {
		n, err := strconv.Atoi(os.Getenv(name))
		if err != nil {
			panic(err)
		}
		return n
	}
	if limit := uint64(number(faultLimit)); limit > 0 {
		signal.Ignore(syscall.SIGXFSZ) // an error is wanted
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
			panic(err)
		}
	}
	ctx, quiet := context.Background(), slog.New(slog.DiscardHandler)
	if os.Getenv(faultTry) != "" {
		s, err := state.OpenShelter(dir)
		if err == nil {
			err = s.Try(ctx, true, quiet)
		}
		fmt.Println("tried:", err)
		return
	}
	s, err := state.Open(ctx, dir, quiet)
	if err != nil {
		fmt.Println("closed:", err)
		return
	}
	defer s.Close()
	m, err := peers.New(ctx, peers.Config{DB: s.DB(), Device: peerstest.NewDevice(), Facts: facts, Logger: quiet})
	if err != nil {
		fmt.Println("closed:", err)
		return
	}
	identity, err := s.EnsureIdentity(ctx, nil) // the first start made it
	if err != nil {
		fmt.Println("closed:", err)
		return
	}
	o := found(m)
	for step := number(faultFrom); step < number(faultFrom)+faultSteps; step++ {
		c := o.change(step)
		switch {
		case c.create:
			_, err = m.Create(ctx, peers.NewPeer{Name: c.to.name, Note: c.to.note})
		case c.remove:
			err = m.Remove(ctx, c.id)
		default:
			_, err = m.Edit(ctx, c.id, 0, peers.Change{Note: &c.to.note, Enabled: &c.to.enabled})
		}
		without := o.text()
		o.follow(c)
		if err == nil {
			fmt.Printf("done %q\n", o.text())
		} else {
			fmt.Printf("refused %q %q %q\n", without, o.text(), err.Error())
			next := o.next
			if o = found(m); c.create {
				next--
			}
			o.next = next // the number of one that was removed does not come again
		}
		if got := found(m).text(); err == nil && got != o.text() || err != nil && got != without {
			fmt.Printf("wrong %q\n", got)
		}
		// What fails of these is tried again later, and must harm nothing.
		if records, err := m.Records(); err == nil {
			_ = s.WriteLastGood(state.LastGood{Written: time.Now(), Identity: identity, Peers: json.RawMessage(records)})
		}
		if step%3 == 0 {
			if f, err := s.CopyDatabase(ctx); err == nil {
				_ = f.Close()
			}
		}
		_ = s.SetStarts(state.Starts{Version: "1", Failed: step % 2})
	}
}

// found is what a manager has, as the oracle would say it.
func found(m *peers.Manager) *oracle {
	o := &oracle{peers: map[peers.ID]crashPeer{}}
	for _, p := range m.List() {
		o.order = append(o.order, p.ID)
		o.peers[p.ID] = crashPeer{string(p.Name), p.Note, p.Enabled}
		o.next = max(o.next, p.ID)
	}
	slices.Sort(o.order)
	return o
}

// fault is one way in which a disk fails.
type fault struct {
	name  string
	calls string // what strace injects it into
	error string
	says  []string // what a refusal may say
	limit int      // instead of calls: no file gets longer than this many bytes
	last  bool     // each call from the first one on fails
}

// outcome is what a process with a bad disk said.
type outcome struct {
	closed        bool   // the directory could not be opened
	done, refused int    // changes
	last          string // what its devices were in the end
	maybe         string // and with the change that was refused last; empty when another one was taken after it
}

// Whichever write fails, once or from then on: what was acknowledged is there after the
// next start, what was refused is not, nothing is there by half, and the disk's recovery
// is all that it takes to go on.
func TestNothingAcknowledgedIsLostAndNothingIsHalfDoneOnABadDisk(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("needs the program strace: install the Debian package strace, or run scripts/test as root")
	}
	diskSays := []string{"disk", "no space", "input/output", "unable to open", "readonly", "read-only", "file too large", "closed"}
	faults := []fault{
		{name: "fsync fails", calls: "fsync,fdatasync", error: "EIO"},
		{name: "no space", calls: "pwrite64,write", error: "ENOSPC"},
		{name: "a write fails", calls: "pwrite64,write", error: "EIO"},
		{name: "a read fails", calls: "pread64,read", error: "EIO"},
		{name: "rename fails", calls: "rename,renameat,renameat2", error: "EIO"},
		{name: "nothing can be opened", calls: "openat,open", error: "EROFS"},
		{name: "nothing can be removed or cut", calls: "unlink,unlinkat,ftruncate", error: "EIO"},
		{name: "reads fail for good", calls: "pread64,read", error: "EIO", last: true},
		{name: "fsync fails for good", calls: "fsync,fdatasync", error: "EIO", last: true},
		{name: "the disk stays full", calls: "pwrite64,write", error: "ENOSPC", last: true},
	}
	for limit := 4096 + 777; limit < 160_000; limit = limit*3/2 + 13 { // cuts a write in the middle
		faults = append(faults, fault{name: fmt.Sprintf("writes are cut at %d bytes", limit), limit: limit})
	}
	each := 12 // of the calls
	if os.Getenv("HOMEWARD_TEST_LONG") != "" {
		each = 1000
	}
	if testing.Short() {
		each, faults = 2, faults[:2]
	}
	template := t.TempDir()
	prepareForFaults(t, template)
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			f.says = diskSays
			if f.limit > 0 {
				f.run(t, template, 0)
				return
			}
			total := f.count(t, template)
			if total == 0 {
				t.Fatalf("%s is never called: nothing would be proven", f.calls)
			}
			numbers := rand.Perm(total)
			harmed := 0
			for _, n := range numbers[:min(each, total)] {
				if o := f.run(t, template, n+1); o.closed || o.refused > 0 {
					harmed++
				}
			}
			t.Logf("%d of %d calls failed; %d of the runs were told", min(each, total), total, harmed)
		})
	}
}

// prepareForFaults makes a state directory with some devices.
func prepareForFaults(t *testing.T, dir string) {
	t.Helper()
	s, err := state.Open(t.Context(), dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.EnsureIdentity(t.Context(), func() (state.Plan, error) { return state.ChooseAddressPlan(nil, rand.NewChaCha8([32]byte{})) }); err != nil {
		t.Fatal(err)
	}
	keepSnapshot(t, s)
	m, err := peers.New(t.Context(), peers.Config{DB: s.DB(), Device: peerstest.NewDevice(), Facts: facts, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		if _, err := m.Create(t.Context(), peers.NewPeer{Name: fmt.Sprintf("device of before %d", i)}); err != nil {
			t.Fatal(err)
		}
	}
}

// keepSnapshot keeps one from before the devices: should it take the place of a whole
// database, that is noticed.
func keepSnapshot(t *testing.T, s *state.State) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.KeepDaily(ctx, time.Now, slog.New(slog.DiscardHandler)) }()
	for began := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		if all, _ := filepath.Glob(s.Path("daily/*.db")); len(all) == 1 {
			break
		}
		if time.Since(began) > time.Minute {
			t.Fatal("no snapshot")
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// count returns how many of the calls a run without faults makes.
func (f fault) count(t *testing.T, template string) int {
	t.Helper()
	dir := copyOf(t, template)
	log := filepath.Join(t.TempDir(), "calls")
	runOnABadDisk(t, dir, 0, traced(dir, log, f.calls)...)
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Count(text, []byte("\n")) - bytes.Count(text, []byte("+++")) - bytes.Count(text, []byte("---"))
}

// traced is strace for calls that concern a state directory.
func traced(dir, log, calls string, more ...string) []string {
	line := []string{"strace", "-f", "--seccomp-bpf", "-qq", "-o", log, "-e", "signal=none", "-e", "trace=" + calls}
	for _, name := range []string{"", "homeward.db", "homeward.db-wal", "homeward.db-shm", "homeward.db-journal", "last-good", "last-good.new", "last-good.before", "copy.db", "copy.db-journal", "starts", "starts.new", "lock"} {
		line = append(line, "-P", filepath.Join(dir, name))
	}
	return append(line, more...)
}

func copyOf(t *testing.T, template string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "state")
	if err := os.CopyFS(dir, os.DirFS(template)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// run has the nth call fail, and looks at what came of it.
func (f fault) run(t *testing.T, template string, n int) outcome {
	t.Helper()
	dir := copyOf(t, template)
	m, done := openAfterFault(t, dir)
	before := found(m).text()
	done()
	var line []string
	if f.limit == 0 {
		when := strconv.Itoa(n)
		if f.last {
			when += "+"
		}
		line = traced(dir, filepath.Join(t.TempDir(), "calls"), f.calls, "-e", "inject="+f.calls+":error="+f.error+":when="+when)
	}
	said := runOnABadDisk(t, dir, f.limit, line...)
	o := parseOutcome(t, f, n, said)
	if o.done+o.refused == 0 {
		o.last = before
	}
	m, done = openAfterFault(t, dir)
	defer done()
	if got := found(m).text(); got != o.last && (o.maybe == "" || got != o.maybe) {
		t.Errorf("at call %d: after %d changes were done and %d refused, the next start finds\n%s\nbut before there was said\n%s", n, o.done, o.refused, got, said)
	}
	if _, err := m.Create(t.Context(), peers.NewPeer{Name: "when the disk is well again"}); err != nil {
		t.Errorf("at call %d: the next start does not go on: %v", n, err)
	}
	return o
}

// openAfterFault opens the directory with a good disk.
func openAfterFault(t *testing.T, dir string) (m *peers.Manager, done func()) {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	s, err := state.Open(t.Context(), dir, quiet)
	if err != nil {
		t.Fatal(err)
	}
	if r := s.Repaired(); r != nil {
		t.Fatalf("the database was damaged: %v", r.Cause)
	}
	m, err = peers.New(t.Context(), peers.Config{DB: s.DB(), Device: peerstest.NewDevice(), Facts: facts, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	if out := m.LeftOut(); len(out) > 0 {
		t.Fatalf("damaged devices: %v", out)
	}
	if _, err := s.LastGood(); err != nil && !strings.Contains(err.Error(), "there is no file") {
		t.Errorf("the last-good file: %v", err)
	}
	return m, func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// runOnABadDisk runs changeOnABadDisk to its end, under another program if there is one.
func runOnABadDisk(t *testing.T, dir string, limit int, under ...string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	line := append(under, self)
	cmd := exec.CommandContext(ctx, line[0], line[1:]...)
	cmd.Env = append(os.Environ(), faultDir+"="+dir, faultFrom+"=0", faultLimit+"="+strconv.Itoa(limit), "GORACE=atexit_sleep_ms=0")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("the process with the bad disk: %v: %s", err, errs.String())
	}
	return out.String()
}

// A database that the disk does not give back is waited for, and then a snapshot takes
// its place: the tunnel's last-good file knows the devices.
func TestADatabaseThatTheDiskDoesNotGiveBackIsReplacedInTheEnd(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("needs the program strace: install the Debian package strace, or run scripts/test as root")
	}
	template := t.TempDir()
	prepareForFaults(t, template)
	dir := copyOf(t, template)
	log := filepath.Join(t.TempDir(), "calls")
	bad := func(when string) []string {
		return []string{"strace", "-f", "-qq", "-o", log, "-e", "signal=none", "-e", "trace=pread64,read", "-P", filepath.Join(dir, "homeward.db"), "-e", "inject=pread64,read:error=EIO:when=" + when}
	}
	said := runOnABadDisk(t, dir, 0, bad("1+")...)
	if !strings.Contains(said, "closed:") || !strings.Contains(said, "does not give the database back") {
		t.Fatalf("a start: %s", said)
	}
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	m, done := openAfterFault(t, dir) // which fails when it was replaced already
	if len(m.List()) != 10 {
		t.Errorf("%d devices", len(m.List()))
	}
	done()
	t.Setenv(faultTry, "yes")
	if said := runOnABadDisk(t, dir, 0, bad(fmt.Sprintf("1..%d", bytes.Count(text, []byte("INJECTED"))))...); said != "tried: <nil>\n" {
		t.Fatal(said)
	}
	s, err := state.Open(t.Context(), dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if r := s.Repaired(); r == nil || !strings.Contains(r.Cause, "does not give the database back") || r.Quarantine == "" {
		t.Errorf("not repaired: %+v", r)
	}
}

func parseOutcome(t *testing.T, f fault, n int, said string) (o outcome) {
	t.Helper()
	lines := bufio.NewScanner(strings.NewReader(said))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		word, rest, _ := strings.Cut(lines.Text(), " ")
		var view, with, why string
		switch word {
		case "closed:":
			o.closed, why = true, rest
		case "done":
			if _, err := fmt.Sscanf(rest, "%q", &view); err != nil {
				t.Fatalf("%v: %s", err, lines.Text())
			}
			o.last, o.maybe, o.done = view, "", o.done+1
			continue
		case "refused":
			if _, err := fmt.Sscanf(rest, "%q %q %q", &view, &with, &why); err != nil {
				t.Fatalf("%v: %s", err, lines.Text())
			}
			o.last, o.maybe, o.refused = view, with, o.refused+1
		default:
			t.Errorf("at call %d: memory and disk differ: %s", n, lines.Text())
			continue
		}
		if !slices.ContainsFunc(f.says, func(part string) bool { return strings.Contains(strings.ToLower(why), part) }) {
			t.Errorf("at call %d: it is refused without saying that it is the disk: %s", n, why)
		}
	}
	if !o.closed && o.done+o.refused != faultSteps {
		t.Errorf("at call %d: %d done and %d refused, of %d: %s", n, o.done, o.refused, faultSteps, said)
	}
	return o
}
