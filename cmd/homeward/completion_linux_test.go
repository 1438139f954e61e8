package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Whoever presses the tab key in bash gets whole words: names with spaces, quotes and
// dollar signs, also where several begin alike, and within quotes of one's own. Nothing
// that is typed is run for it.
func TestBashCompletesNamesToWords(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("needs the program bash")
	}
	dir := newDir(t, "")
	start(t, dir)
	for _, name := range []string{"Anna's phone", "Anna's tablet", "Телефон Анны", "Телефон Бориса", "phone", "phone 2", "a $HOME b", "a $HOME c", "50% `off`!"} {
		mustDo(t, dir, "peers", "add", name)
	}
	shell := startBash(t, bash, dir)
	ran := filepath.Join(dir, "ran")
	for _, c := range []struct{ typed, want string }{
		{"homeward pee\tsh\tAnna\\'s\\ p\t", "<peers><show><Anna's phone>"},
		{"homeward peers show An\tt\t", "<peers><show><Anna's tablet>"},
		{"homeward peers show \"An\tt\t", "<peers><show><Anna's tablet>"},
		{"homeward peers show 'Тел\tБ\t", "<peers><show><Телефон Бориса>"},
		{"homeward peers show Тел\tА\t", "<peers><show><Телефон Анны>"},
		{"homeward peers show 'An\t'", "<peers><show><An>"}, // such quotes cannot have an apostrophe
		{"homeward peers show pho\t", "<peers><show><phone>"},
		{"homeward peers show pho\t\\ \t", "<peers><show><phone 2>"},
		{"homeward peers show a\tc\t", "<peers><show><a $HOME c>"},
		{"homeward peers show \"a\tb\t", "<peers><show><a $HOME b>"},
		{"homeward peers show 5\t", "<peers><show><50% `off`!>"},
		{"homeward log --peer=An\tp\t", "<log><--peer=Anna's phone>"},
		{"homeward log --peer=\"An\tp\t", "<log><--peer=Anna's phone>"},
		{"homeward log --peer An\tp\t--ki\tdevice-r\t", "<log><--peer><Anna's phone><--kind><device-refused>"},
		{"homeward peers access Anna\\'s\\ ph\tinter\t", "<peers><access><Anna's phone><internet>"},
		{"homeward restore " + dir + "/a\t", "<restore><" + dir + "/a backup>"}, // a file, as bash does it
		{"homeward peers show $(touch " + ran + ") \t", "<peers><show>"},
	} {
		if strings.Contains(c.typed, "touch") { // it is bash that runs it at the end, not the tab key
			shell.typed(c.typed)
			shell.typed("\x15") // take the line back
			c.typed = "homeward peers show"
		}
		shell.typed(c.typed + "\n")
		if got := shell.ran(); got != c.want {
			t.Errorf("%q becomes %q, want %q", c.typed, got, c.want)
		}
	}
	if _, err := os.Stat(ran); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the tab key ran what was typed (%v)", err)
	}
	// Pressed where nothing more is sure, it shows what there is and says more about it.
	shell.typed("homeward peers show An\t\t\t")
	shell.screen.await(t, "Anna's tablet  (other, number 2)")
}

// shell is a bash in a terminal, in which homeward completes.
type shell struct {
	t      *testing.T
	keys   *os.File
	screen *output
	ends   int // commands that were over
}

// startBash starts one in which homeward itself is only asked what completes a line: as
// a command, it says between marks with which arguments it was started.
func startBash(t *testing.T, bash, dir string) *shell {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(dir, "bin")
	fake := fmt.Sprintf("#!/bin/sh\nif [ \"$1\" = __complete ]; then %s=yes exec '%s' \"$@\"; fi\nprintf '{'; printf '<%%s>' \"$@\"; printf '}\\n'\n", asHomeward, self)
	err = errors.Join(os.Mkdir(bin, 0o755), os.WriteFile(filepath.Join(bin, "homeward"), []byte(fake), 0o755),
		os.WriteFile(filepath.Join(dir, "a backup"), nil, 0o600), os.WriteFile(filepath.Join(dir, "script"), []byte(bashScript), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	keys, screen := openTerminal(t)
	cmd := exec.Command(bash, "--norc", "--noprofile", "-i")
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "HOME=" + dir, "HOMEWARD_STATE=" + filepath.Join(dir, "state"), "LC_ALL=C.UTF-8", "TERM=dumb",
		"PS1=next> ", "HISTFILE=", "INPUTRC=" + os.DevNull, "GORACE=atexit_sleep_ms=0"}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = screen, screen, screen
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &shell{t: t, keys: keys, screen: watchScreen(t, keys)}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	s.typed("bind 'set enable-bracketed-paste off'; bind 'set bell-style none'; source ./script; homeward ready\n")
	if got := s.ran(); got != "<ready>" {
		t.Fatalf("bash says %q", s.screen)
	}
	return s
}

// typed types keys.
func (s *shell) typed(keys string) {
	s.t.Helper()
	if _, err := io.WriteString(s.keys, keys); err != nil {
		s.t.Fatal(err)
	}
}

// ran waits until homeward was started once more, and returns its arguments.
func (s *shell) ran() string {
	s.t.Helper()
	s.ends++
	for deadline := time.Now().Add(testPatience); ; time.Sleep(5 * time.Millisecond) {
		if all := argumentsShown.FindAllStringSubmatch(s.screen.String(), -1); len(all) >= s.ends {
			return all[s.ends-1][1]
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("the command line does not end; the screen shows %q", s.screen)
		}
	}
}

// argumentsShown are those that homeward was started with, as it says them; after that
// bash waits for keys.
var argumentsShown = regexp.MustCompile(`\{((?:<[^>]*>)+)\}\r\nnext> `)
