package main

import (
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// The scripts show the command line as people use it: read them as its documentation.
// Each has a home, and settings by which "homeward serve" is rootless, on loopback, and
// asks no router.
func TestScripts(t *testing.T) {
	fixtures, err := filepath.Abs(fixtures)
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			port, err := unusedPort()
			if err != nil {
				return err
			}
			for name, value := range map[string]string{
				"HOME": e.WorkDir, "HOMEWARD_STATE": filepath.Join(e.WorkDir, "state"), "HOMEWARD_PLANE": "netstack", "HOMEWARD_MAP_PORT": "false",
				"HOMEWARD_BIND": "127.0.0.1", "HOMEWARD_ADMIN_PORT": port, "HOMEWARD_ENDPOINT": "home.example.org", "FIXTURES": fixtures, "PORT": port, "TZ": "UTC",
				"GORACE": "atexit_sleep_ms=0", // else each command waits a second
			} {
				e.Setenv(name, value)
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "answers": answers, "another-port": anotherPort},
	})
}

func unusedPort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port), l.Close()
}

// exits runs a program and wants an exit code: exits 2 homeward peers add.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARGUMENT...]")
	}
	err := ts.Exec(args[1], args[2:]...)
	var ended *exec.ExitError
	code := 0
	if errors.As(err, &ended) {
		code = ended.ExitCode()
	} else if err != nil {
		ts.Fatalf("running %q: %v", args[1:], err)
	}
	if fmt.Sprint(code) != args[0] {
		ts.Fatalf("%q ends with exit code %d, want %s\n%s%s", args[1:], code, args[0], ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	}
}

// answers waits until a command succeeds and prints what is wanted, as at a start:
// answers TEXT homeward peers list.
func answers(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: answers TEXT PROGRAM [ARGUMENT...]")
	}
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		err := ts.Exec(args[1], args[2:]...)
		if err == nil && strings.Contains(ts.ReadFile("stdout"), args[0]) {
			return
		}
		if time.Since(began) > testPatience {
			ts.Fatalf("%q does not print %q: %v", args[1:], args[0], err)
		}
	}
}

// anotherPort gives homeward another port for its page.
func anotherPort(ts *testscript.TestScript, neg bool, args []string) {
	port, err := unusedPort()
	ts.Check(err)
	ts.Setenv("HOMEWARD_ADMIN_PORT", port)
}
