package hardening

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestMain is also the process that gives its rights up: that cannot be undone.
func TestMain(m *testing.M) {
	if dir := os.Getenv("HOMEWARD_TEST_HARDENED"); dir != "" {
		confined(dir)
		return
	}
	os.Exit(m.Run())
}

// confined tries what an intruder would, before and after, and prints how it went.
func confined(dir string) {
	// Each line is "what before after".
	try := map[string]func() error{
		"inside": func() error { return os.WriteFile(filepath.Join(dir, "state", "x"), []byte("x"), 0o600) },
		"chosen": func() error {
			return errors.Join(os.WriteFile(filepath.Join(dir, "chosen", "x"), []byte("x"), 0o600), os.Rename(filepath.Join(dir, "chosen", "x"), filepath.Join(dir, "chosen", "y")))
		},
		"outside":  func() error { return os.WriteFile(filepath.Join(dir, "x"), []byte("x"), 0o600) },
		"read":     func() error { _, err := os.ReadFile("/etc/passwd"); return err },
		"rename":   func() error { return os.Rename(filepath.Join(dir, "state", "x"), filepath.Join(dir, "state", "y")) },
		"exec":     func() error { return exec.Command("/bin/true").Run() },
		"ownspace": func() error { return onOtherThread(func() error { return syscall.Unshare(syscall.CLONE_NEWUTS) }) },
	}
	before := map[string]error{}
	for _, name := range []string{"inside", "chosen", "outside", "read", "rename", "exec", "ownspace"} {
		before[name] = try[name]()
	}
	for _, r := range Apply(filepath.Join(dir, "state"), false, filepath.Join(dir, "chosen"), "", "/nowhere") {
		fmt.Printf("means %s: %s\n", r.Means, r.Problem)
	}
	for _, name := range []string{"inside", "chosen", "outside", "read", "rename", "exec", "ownspace"} {
		fmt.Println(name, kind(before[name]), kind(try[name]()))
	}
	status, _ := os.ReadFile("/proc/thread-self/status")
	fmt.Printf("%s", status)
}

func onOtherThread(f func() error) error {
	done := make(chan error)
	go func() { done <- f() }()
	return <-done
}

func kind(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EACCES):
		return "refused"
	}
	return err.Error()
}

func TestAnIntruderCouldStartNothingAndWriteNowhere(t *testing.T) {
	dir, err := os.MkdirTemp(".", "confined-")
	if err != nil {
		t.Fatal(err)
	}
	if dir, err = filepath.Abs(dir); err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	for _, sub := range []string{"state", "chosen"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), "HOMEWARD_TEST_HARDENED="+dir, "TMPDIR="+filepath.Join(dir, "tmp")) // which stays writable
	b, err := child.CombinedOutput()
	out := string(b)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	space := "ok"
	if os.Getuid() != 0 {
		space = "refused"
	}
	if strings.Contains(out, "this kernel has no") && os.Getenv("HOMEWARD_TEST_UNIT") != "" {
		t.Skipf("this kernel lacks a means, which the full run insists on:\n%s", out)
	}
	for _, want := range []string{
		"memory stays out of core dumps: \n", "(Landlock): \n", "(seccomp): \n",
		"inside ok ok\n", "chosen ok ok\n", "outside ok refused\n", "read ok ok\n", "rename ok ok\n", "exec ok refused\n", "ownspace " + space + " refused\n",
		"NoNewPrivs:\t1\n", "Seccomp:\t2\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
}
