package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"homeward/web/api"
)

// asHomeward tells this program that it is to be homeward itself, in a process of its
// own, which can be killed.
const asHomeward = "HOMEWARD_TEST_AS_HOMEWARD"

func TestMain(m *testing.M) {
	inOwnProcess := func() {
		os.Exit(run(untilSignal(), os.Args[1:], terminal{os.Stdin, os.Stdout, os.Stderr, os.LookupEnv, nil, nil}))
	}
	if os.Getenv(asHomeward) != "" {
		inOwnProcess()
	}
	testscript.Main(m, map[string]func(){"homeward": inOwnProcess})
}

// process is a homeward in a process of its own.
type process struct {
	cmd  *exec.Cmd
	said output
	done chan error
}

// spawn starts a command of homeward, which another program may run: before are that
// and its arguments.
func spawn(t *testing.T, dir string, before []string, args ...string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	line := append(append(before, self), args...)
	p := &process{cmd: exec.CommandContext(t.Context(), line[0], line[1:]...), done: make(chan error, 1)}
	p.cmd.Env = append(os.Environ(), asHomeward+"=yes", "HOME="+dir, "HOMEWARD_STATE="+filepath.Join(dir, "state"), "GORACE=atexit_sleep_ms=0")
	p.cmd.Stdout, p.cmd.Stderr = &p.said, &p.said
	p.cmd.WaitDelay = testPatience
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.done <- p.cmd.Wait() }()
	t.Cleanup(p.kill)
	return p
}

// kill ends it in the rude way, if it has not ended, and waits for that.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // an error says that it is gone
	if _, first := <-p.done; first {
		close(p.done)
	}
}

// loopback are the arguments of a rootless serve without a router.
func loopback(t *testing.T, dir string) []string {
	t.Helper()
	return []string{"serve", "--plane", "netstack", "--map-port=false", "--endpoint", "home.example.org", "--bind", "127.0.0.1", "--admin-port", freePort(t), "--config", operatorsFile(dir)}
}

// answers waits until homeward answers and says how it is.
func (p *process) answers(t *testing.T, dir string) api.Status {
	t.Helper()
	client := api.NewClient(filepath.Join(dir, "state", socketFile))
	for deadline := time.Now().Add(testPatience); ; time.Sleep(20 * time.Millisecond) {
		s, err := client.Status(t.Context())
		if err == nil {
			return s
		}
		if time.Now().After(deadline) {
			t.Fatalf("serve does not answer: %v: %s", err, p.said.String())
		}
	}
}

// joint is the joint of that key, or an empty one.
func joint(s api.Status, key string) api.Joint {
	for _, j := range s.Joints {
		if j.Key == key {
			return j
		}
	}
	return api.Joint{}
}

// tunnelIsUp fails the test when it is not.
func tunnelIsUp(t *testing.T, s api.Status) {
	t.Helper()
	if j := joint(s, "device"); !strings.Contains(j.Summary, "WireGuard listens") {
		t.Errorf("the tunnel: %+v", j)
	}
}
