//go:build linux

package e2e

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"homeward/scripts/labnet"
)

// box is a homeward on a host of the lab, rootless.
type box struct {
	t         *testing.T
	host      *labnet.Host
	bin, home string // home is where its state and its files lie
	*labnet.Process
}

func newBox(t *testing.T, lab *labnet.Lab, host *labnet.Host, bin, name string) *box {
	t.Helper()
	b := &box{t: t, host: host, bin: bin, home: filepath.Join(lab.Dir, name)}
	for _, sub := range []string{"nightly", "tmp"} {
		if err := os.MkdirAll(filepath.Join(b.home, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	labnet.Own(t, b.home)
	return b
}

// command is a command of homeward's. The folder for temporary files is another than
// the lab's, which could be written to otherwise.
func (b *box) command(args ...string) *exec.Cmd {
	cmd := b.host.Unprivileged(context.Background(), b.home, b.bin, append(args, "--state", filepath.Join(b.home, "state"), "--config", os.DevNull)...)
	cmd.Env = append(cmd.Env, "TMPDIR="+filepath.Join(b.home, "tmp"))
	return cmd
}

func (b *box) start() {
	b.t.Helper()
	b.Process = b.host.Start(b.command("serve"))
	labnet.Eventually(b.t, 20*time.Second, "it answers", func() bool { _, err := b.do("status"); return err == nil })
}

// do runs a command as the user that homeward runs as.
func (b *box) do(args ...string) (string, error) { return b.doWith("", args...) }

// doWith is do with something on standard input.
func (b *box) doWith(input string, args ...string) (string, error) {
	cmd := b.command(args...)
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (b *box) must(says string, args ...string) string {
	b.t.Helper()
	out, err := b.do(args...)
	if err != nil || !strings.Contains(out, says) {
		b.t.Fatalf("%q: %v, want %q in %s", args, err, says, out)
	}
	return out
}

// TestAnotherBoxTakesThePlaceOfOneThatDied backs up at night, loses the box, restores
// on another one, and the phone comes in with the code that it has.
func TestAnotherBoxTakesThePlaceOfOneThatDied(t *testing.T) {
	lab := labnet.New(t, labnet.Options{NoNATPMP: true})
	lab.Share.ServeHTTP(":80", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, fileOfTheHouse) }))
	bin := build(t, lab.Dir)

	old := newBox(t, lab, lab.NAS, bin, "old")
	old.start()
	labnet.Eventually(t, 15*time.Second, "the router's port is open", func() bool { return len(lab.Mappings()) == 1 })
	old.must("may come in", "peers", "add", "phone")
	config := old.must("[Interface]", "peers", "config", "phone")
	code := regexp.MustCompile(`AGE-SECRET-KEY-1[0-9A-Z]+`).FindString(old.must("shown only now", "backup", "recovery-code"))
	nightly := filepath.Join(old.home, "nightly")
	// It gave up the right to write there before it heard of the folder.
	out := old.must("restart homeward", "backup", "nightly", "--to", nightly)
	if files, _ := filepath.Glob(nightly + "/*"); len(files) != 0 {
		t.Errorf("without the right to it wrote %q: %s", files, out)
	}
	if err := old.Stop(); err != nil {
		t.Fatal(err)
	}
	old.start()
	old.must("", "backup", "nightly", "--to", nightly) // at once, and not in a minute
	var sealed string
	labnet.Eventually(t, 20*time.Second, "the backup is written", func() bool {
		files, _ := filepath.Glob(nightly + "/homeward-*.backup")
		if len(files) == 1 {
			sealed = files[0]
		}
		return sealed != ""
	})
	labnet.Eventually(t, 5*time.Second, "status says so", func() bool { return strings.Contains(old.must("", "status"), "The last one was made just now") })
	if info, err := os.Stat(sealed); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v", info, err)
	}
	labnet.Eventually(t, 15*time.Second, "the router's port is open again", func() bool { return len(lab.Mappings()) == 1 })
	down := lab.PhoneUp([]byte(config))
	defer func() { down() }()
	labnet.Eventually(t, 15*time.Second, "the phone fetches the file", func() bool { return fetch(lab) == nil })
	if err := old.Signal(os.Kill); err != nil { // no goodbye to the router either
		t.Fatal(err)
	}
	<-old.Done()
	if fetch(lab) == nil {
		t.Fatal("the share is reached without homeward: the test would prove nothing")
	}

	fresh := newBox(t, lab, lab.Laptop, bin, "fresh")
	copied := filepath.Join(fresh.home, "home.backup")
	b, err := os.ReadFile(sealed)
	if err == nil {
		err = os.WriteFile(copied, b, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	if out, err := fresh.doWith("no such code", "restore", copied); err == nil || !strings.Contains(out, "recovery code") {
		t.Errorf("with a passphrase: %v %s", err, out)
	}
	if out, err := fresh.doWith(code+"\n", "restore", copied); err != nil || !strings.Contains(out, "is in place") {
		t.Fatalf("restoring: %v %s", err, out)
	}
	begun := time.Now()
	fresh.start()
	labnet.Eventually(t, 15*time.Second, "it says that the router still sends to the old box", func() bool { return strings.Contains(fresh.must("", "status"), "still goes to "+labnet.NAS4) })
	lab.StopIGD(syscall.SIGTERM) // somebody pulls the router's plug
	lab.ForgetMappings()
	lab.StartIGD()
	down() // the lab's router still has the phone's connection in its memory
	down = lab.PhoneUp([]byte(config))
	labnet.Eventually(t, 60*time.Second, "the phone fetches the file by the new box, with its old code", func() bool { return fetch(lab) == nil })
	t.Logf("the phone was in again %v after the start", time.Since(begun).Round(time.Millisecond))
	if list := lab.Mappings(); len(list) != 1 || !strings.Contains(list[0], "->"+labnet.Laptop4+":") {
		t.Errorf("the router has %q", list)
	}
	if err := fresh.Stop(); err != nil {
		t.Error(err)
	}
}
