//go:build linux

package labnet

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const childEnv = "HOMEWARD_LABNET_CHILD"

// TestChildHoldsALab is no test of its own: TestNothingIsLeftAfterAKill runs it
// in a process that it then kills.
func TestChildHoldsALab(t *testing.T) {
	if os.Getenv(childEnv) == "" {
		return
	}
	l := New(t)
	os.Stdout.WriteString("lab " + l.id + " " + l.Dir + "\n")
	time.Sleep(time.Minute) // until it is killed
}

func leftovers(id, dir string) []string {
	var left []string
	for _, pattern := range []string{"/run/netns/" + id + "-*", "/etc/netns/" + id + "-*", dir} {
		found, _ := filepath.Glob(pattern)
		left = append(left, found...)
	}
	return left
}

func TestNothingIsLeftAfterAKill(t *testing.T) {
	if os.Getuid() != 0 || os.Getenv("HOMEWARD_TEST_UNIT") != "" {
		t.Skip("needs root for network namespaces: run scripts/test as root")
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestChildHoldsALab$")
	cmd.Env = append(os.Environ(), childEnv+"=1")
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	fields := strings.Fields(line)
	if err != nil || len(fields) != 3 || len(leftovers(fields[1], fields[2])) < 13 {
		cmd.Process.Kill()
		t.Fatalf("the child has no lab: %q, %v", line, err)
	}
	cmd.Process.Kill()
	cmd.Wait()
	Eventually(t, 10*time.Second, "the killed test's lab is gone", func() bool { return len(leftovers(fields[1], fields[2])) == 0 })
}

func TestTwoLabsStandSideBySideAndKeepStrangersOut(t *testing.T) {
	a, b := New(t), New(t)
	for _, l := range []*Lab{a, b} {
		l.NAS.Run("upnpc", "-m", "eth0", "-e", "lab", "-a", NAS4, "40000", "40000", "TCP")
		if list := l.Mappings(); len(list) != 1 {
			t.Errorf("the router has %q", list)
		}
		if out, err := l.Phone.Try("ping", "-c", "1", "-W", "1", Share4); err == nil {
			t.Errorf("the phone reaches the LAN without a tunnel:\n%s", out)
		}
		if out := l.Laptop.Run("dig", "+short", ShareName, "A"); strings.TrimSpace(out) != Share4 {
			t.Errorf("the router's DNS says %q", out)
		}
	}
}
