//go:build linux

package reliability

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"homeward/scripts/labnet"
)

// A box may give homeward 64 MiB and not a byte more: who takes more is killed.
func TestItLivesIn64MiB(t *testing.T) {
	bin := buildHomeward(t)
	group := newMemoryGroup(t, 64<<20)
	h := newHome(t, bin, true, labnet.Options{})
	h.homeward.Signal(syscall.SIGTERM)
	h.homeward.Wait()
	pid := group.startIn(h)
	h.recovers(time.Now(), time.Minute, time.Minute)
	end := time.Now().Add(lasting(5*time.Minute, 15*time.Second))
	var streams sync.WaitGroup
	var fetched [8]int
	for i := range fetched {
		streams.Go(func() {
			for time.Now().Before(end) {
				out, err := h.Phone.Command(t.Context(), "curl", "-s", "--max-time", "20", "http://"+h.share+"/large").Output()
				if err != nil || len(out) != len(large) {
					t.Errorf("stream %d: %d of %d bytes: %v", i, len(out), len(large), err)
					return
				}
				fetched[i] += len(out)
			}
		})
	}
	streams.Wait()
	if out, err := h.do("doctor"); err != nil || !strings.Contains(out, "64 MiB here") {
		t.Errorf("doctor doesn't know the bound: %v\n%s", err, out)
	}
	if syscall.Kill(pid, 0) != nil {
		t.Error("homeward was killed")
	}
	total := 0
	for _, n := range fetched {
		total += n
	}
	t.Logf("%d MiB fetched by %d streams, at most %.1f MiB of memory used", total>>20, len(fetched), float64(group.peak())/(1<<20))
}

// memoryGroup is a control group with a bound on memory.
type memoryGroup struct {
	t    *testing.T
	path string
	v1   bool
}

// newMemoryGroup makes one that is gone when the test ends.
func newMemoryGroup(t *testing.T, limit int) *memoryGroup {
	t.Helper()
	if os.Getuid() != 0 || os.Getenv("HOMEWARD_TEST_UNIT") != "" {
		t.Skip("needs root for a control group: run scripts/test as root")
	}
	g := &memoryGroup{t: t, path: "/sys/fs/cgroup/homeward-test-" + strconv.Itoa(os.Getpid())}
	file := "memory.max"
	if _, err := os.Stat("/sys/fs/cgroup/memory"); err == nil {
		g.v1, file, g.path = true, "memory.limit_in_bytes", filepath.Join("/sys/fs/cgroup/memory", filepath.Base(g.path))
	}
	if err := os.Mkdir(g.path, 0o755); err != nil {
		t.Skipf("this machine lets nobody make a control group for memory: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Rmdir(g.path); err != nil {
			t.Errorf("removing the control group: %v", err)
		}
	})
	if err := os.WriteFile(filepath.Join(g.path, file), []byte(strconv.Itoa(limit)), 0o644); err != nil {
		t.Skipf("this machine lets nobody bound memory: %v", err)
	}
	return g
}

// startIn starts homeward in the group, as nobody, and returns its process id. It sees
// the machine's own control groups, as a service does and other programs of a lab don't.
func (g *memoryGroup) startIn(h *home) int {
	g.t.Helper()
	const script = `echo $$ > "$1/cgroup.procs" && shift && exec setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs "$@"`
	h.homeward = h.NAS.Start(exec.Command("nsenter", "--net=/run/netns/"+h.NAS.Name, "sh", "-c", script, "sh", g.path,
		h.bin, "serve", "--plane", "netstack", "--state", h.state(), "--config", os.DevNull))
	labnet.Eventually(g.t, 10*time.Second, "homeward has started", func() bool { _, err := h.do("status"); return err == nil })
	text, err := os.ReadFile("/proc/" + strconv.Itoa(h.homeward.PID()) + "/cgroup")
	if err != nil || !strings.Contains(string(text), "/"+filepath.Base(g.path)+"\n") {
		g.t.Fatalf("homeward is not in the control group: %v\n%s", err, text)
	}
	return h.homeward.PID()
}

// peak is the most memory that the group had, in bytes.
func (g *memoryGroup) peak() int {
	g.t.Helper()
	file := "memory.peak"
	if g.v1 {
		file = "memory.max_usage_in_bytes"
	}
	text, err := os.ReadFile(filepath.Join(g.path, file))
	n, err2 := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || err2 != nil {
		g.t.Fatalf("how much memory was used: %v, %v", err, err2)
	}
	return n
}
