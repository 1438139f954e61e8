//go:build linux

package labnet

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const childEnv = "HOMEWARD_LABNET_CHILD"

// TestChildHoldsALab is no test of its own: others run it in a process that
// they then kill.
func TestChildHoldsALab(t *testing.T) {
	if os.Getenv(childEnv) == "" {
		return
	}
	b, stubborn := twoHosts(t)
	fmt.Println("lab", b.ID, b.Dir, stubborn.cmd.Process.Pid, b.watchdog)
	select {} // until it is killed
}

// twoHosts is a small lab with everything that could be left behind: devices,
// files, a folder, and a process that does not end when asked.
func twoHosts(t *testing.T) (*Builder, *Process) {
	t.Helper()
	b := Bare(t)
	one, two := b.NewHost("one"), b.NewHost("two")
	b.Veth(one, "eth0", []string{"10.9.0.1/24", "fd09::1/64"}, two, "eth0", []string{"10.9.0.2/24", "fd09::2/64"})
	b.write("a file", "text")
	return b, one.Start(one.Command(t.Context(), "sh", "-c", "trap '' TERM; while :; do sleep 1; done"))
}

// leftovers is what is there of a lab.
func leftovers(id, dir string) []string {
	var left []string
	for _, pattern := range []string{
		"/run/netns/" + id + "-*", "/etc/netns/" + id + "-*", dir, RunDir + "/" + id, RunDir + "/.new-" + id,
	} {
		found, _ := filepath.Glob(pattern)
		left = append(left, found...)
	}
	return left
}

// devices of the namespace that the test runs in.
func devices(t *testing.T) string {
	t.Helper()
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, d := range all {
		names = append(names, d.Name)
	}
	return strings.Join(names, " ")
}

func gone(pid int) bool { return started(pid) == "" }

func TestNothingIsLeftAtTheEndOfATest(t *testing.T) {
	before := devices(t)
	var id, dir string
	var pid int
	t.Run("lab", func(t *testing.T) {
		b, p := twoHosts(t)
		id, dir, pid = b.ID, b.Dir, p.cmd.Process.Pid
		if left := leftovers(id, dir); len(left) != 6 {
			t.Errorf("the lab has %q: this test would prove nothing", left)
		}
	})
	if id == "" {
		t.Skip("the lab was skipped")
	}
	if left := leftovers(id, dir); len(left) > 0 || !gone(pid) {
		t.Errorf("left behind: %q, process gone: %v", left, gone(pid))
	}
	if after := devices(t); after != before {
		t.Errorf("devices before: %s, after: %s", before, after)
	}
}

// child starts a process that holds a lab.
func child(t *testing.T) (cmd *exec.Cmd, id, dir string, stubborn, watchdog int) {
	t.Helper()
	Bare(t) // or skip
	cmd = exec.Command(os.Args[0], "-test.run=^TestChildHoldsALab$")
	cmd.Env = append(os.Environ(), childEnv+"=1")
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	f := strings.Fields(line)
	if err != nil || len(f) != 5 || len(leftovers(f[1], f[2])) != 6 {
		t.Fatalf("the child has no lab: %q, %v", line, err)
	}
	stubborn, _ = strconv.Atoi(f[3])
	watchdog, _ = strconv.Atoi(f[4])
	return cmd, f[1], f[2], stubborn, watchdog
}

func TestNothingIsLeftAfterAKill(t *testing.T) {
	cmd, id, dir, stubborn, _ := child(t)
	cmd.Process.Kill()
	Eventually(t, 10*time.Second, "the killed test's lab is gone", func() bool {
		return len(leftovers(id, dir)) == 0 && gone(stubborn)
	})
}

func TestTheNextLabRemovesWhatAKilledWatchdogLeft(t *testing.T) {
	cmd, id, dir, stubborn, watchdog := child(t)
	t.Run("not while the owner lives", func(t *testing.T) {
		Bare(t)
		if left := leftovers(id, dir); len(left) != 6 {
			t.Errorf("of the living lab there is %q", left)
		}
	})
	syscall.Kill(watchdog, syscall.SIGKILL)
	cmd.Process.Kill()
	cmd.Wait()
	if len(leftovers(id, dir)) != 6 || gone(stubborn) {
		t.Fatal("the lab is gone already: this test would prove nothing")
	}
	Bare(t)
	if left := leftovers(id, dir); len(left) > 0 || !gone(stubborn) {
		t.Errorf("left behind: %q, process gone: %v", left, gone(stubborn))
	}
}

func TestALabWhoseWatchdogWasKilledRemovesItself(t *testing.T) {
	var id, dir string
	t.Run("lab", func(t *testing.T) {
		b, _ := twoHosts(t)
		id, dir = b.ID, b.Dir
		syscall.Kill(b.watchdog, syscall.SIGKILL)
	})
	if id == "" {
		t.Skip("the lab was skipped")
	}
	if left := leftovers(id, dir); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestAnOwnerWhoseNumberWasUsedAgainIsDead(t *testing.T) {
	me := Owner{PID: os.Getpid(), Started: started(os.Getpid())}
	if !me.Alive() {
		t.Errorf("I am dead: %+v", me)
	}
	for name, o := range map[string]Owner{
		"another start": {PID: me.PID, Started: me.Started + "0"},
		"nothing noted": {},
		"no process":    {PID: 1 << 23, Started: me.Started},
	} {
		if o.Alive() {
			t.Errorf("%s: alive", name)
		}
	}
}
