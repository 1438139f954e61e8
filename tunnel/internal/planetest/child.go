//go:build linux

package planetest

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// inside marks the process that runs in the namespace, for the test it names.
const inside = "HOMEWARD_PLANETEST"

// InNamespace runs body in a process of its own, in a fresh network namespace
// that ends with it. It must be called from the top level of a test. What body
// reported is reported again by t, subtests by their names.
func InNamespace(t *testing.T, body func(t *testing.T)) {
	t.Helper()
	if os.Getenv(inside) == t.Name() {
		body(t)
		return
	}
	if os.Getuid() != 0 {
		t.Skip("needs root: it makes network namespaces")
	}
	cmd := Again(t.Context(), t.Name())
	cmd.Args = append(cmd.Args, childFlags(t.Name())...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("running the test in a namespace: %v", err)
	}
	repeat(t, out.String())
	if err != nil {
		t.Errorf("in the namespace: %v\n%s", err, out.String())
	} else if testing.Verbose() {
		t.Log("\n" + out.String())
	}
}

// Again is a command that starts this binary once more in a new network
// namespace, for the test name. It is killed when its parent dies.
func Again(ctx context.Context, name string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/proc/self/exe")
	cmd.Env = append(os.Environ(), inside+"="+name)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	return cmd
}

// childFlags are those of this run that the child shall have too. Files that
// both would write are left to the parent.
func childFlags(name string) []string {
	run := "^" + regexp.QuoteMeta(name) + "$"
	flags := []string{"-test.v=true"}
	flag.Visit(func(f *flag.Flag) {
		switch f.Name {
		case "test.run":
			if _, sub, ok := strings.Cut(f.Value.String(), "/"); ok {
				run += "/" + sub
			}
		case "test.timeout", "test.short", "test.gocoverdir", "test.failfast", "test.parallel", "update":
			flags = append(flags, "-"+f.Name+"="+f.Value.String())
		}
	})
	return append(flags, "-test.run="+run)
}

var verdictLine = regexp.MustCompile(`(?m)^    --- (PASS|FAIL|SKIP): [^/ ]+/([^/ ]+) `)

// repeat turns the child's subtests into subtests of t, so that they count.
func repeat(t *testing.T, out string) {
	for _, m := range verdictLine.FindAllStringSubmatch(out, -1) {
		t.Run(m[2], func(t *testing.T) {
			switch m[1] {
			case "FAIL":
				t.Fail()
			case "SKIP":
				t.Skip("skipped in the namespace; see there")
			}
		})
	}
}
