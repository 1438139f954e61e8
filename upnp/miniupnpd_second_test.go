//go:build linux

package upnp

import (
	"net/netip"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"homeward/upnp/routertest"
)

// inside makes something, such as sockets, in a network namespace. The thread comes
// back from there: it may be the one that started a router, which would end with it.
func inside[T any](t *testing.T, ns string, build func() T) T {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	enter := func(path string) func() {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		return func() {
			defer unix.Close(fd)
			if err := unix.Setns(fd, unix.CLONE_NEWNET); err != nil {
				t.Fatal(err)
			}
		}
	}
	back := enter("/proc/thread-self/ns/net")
	defer back()
	enter("/run/netns/" + ns)()
	return build()
}

// T30 with two boxes: the real router is the outer one, and asked through a home
// router that translates.
func TestRealRouterBehindWhichAnotherOneStands(t *testing.T) {
	t.Parallel()
	for only, via := range map[string]string{"PCP": "PCP", "NAT-PMP": "NAT-PMP", "UPnP": "UPnP WANIPConnection:2"} {
		t.Run(only, func(t *testing.T) {
			t.Parallel()
			r := newRealRouter(t, "enable_natpmp=yes")
			box := r.net + "b" // behind the one that was the NAS
			r.run("ip", "netns", "add", box)
			t.Cleanup(func() { exec.Command("ip", "netns", "del", box).Run() })
			r.run("ip", "link", "add", "home0", "netns", r.nas, "type", "veth", "peer", "name", "eth0", "netns", box)
			for _, a := range [][]string{{r.nas, "10.9.9.1/24", "home0"}, {box, "10.9.9.2/24", "eth0"}} {
				r.run("ip", "-n", a[0], "addr", "add", a[1], "dev", a[2])
				r.run("ip", "-n", a[0], "link", "set", a[2], "up")
			}
			r.run("ip", "-n", box, "route", "add", "default", "via", "10.9.9.1")
			r.in(r.nas, "sysctl", "-qw", "net.ipv4.ip_forward=1")
			r.write("inner.nft", "table ip inner {\nchain c {\ntype nat hook postrouting priority 100;\noifname eth0 masquerade\n}\n}\n")
			r.in(r.nas, "nft", "-f", filepath.Join(r.dir, "inner.nft"))
			inner := inside(t, r.nas, func() *routertest.Router {
				return routertest.New(t, routertest.Options{Addr: netip.MustParseAddr("10.9.9.1"), SearchPort: ssdpPort, Control: controlPort,
					PCP: true, PMP: true, Services: []routertest.Service{{Type: "WANIPConnection:2", WAN: labNAS}}})
			})
			outer := r.nas
			r.nas = box
			start := time.Now()
			p := r.mapper(helperOnly+"="+only, helperSecond+"=yes")
			s := p.await(Mapped, 20*time.Second)
			t.Logf("open on both after %v", time.Since(start).Round(10*time.Millisecond))
			r.nas = outer
			second := s["Outer"].(map[string]any)
			if s["External"] != labWAN || s["WAN"] != labNAS || second["Addr"] != labRouter || second["Via"] != via {
				t.Errorf("%v", s)
			}
			if n := r.rules(); n != 1 || len(inner.Entries()) != 1 {
				t.Errorf("%d rules outside, inside %+v", n, inner.Entries())
			}
			p.end(syscall.SIGTERM)
			if n := r.rules(); n != 0 || len(inner.Entries()) != 0 {
				t.Errorf("left %d rules outside, inside %+v", n, inner.Entries())
			}
		})
	}
}
