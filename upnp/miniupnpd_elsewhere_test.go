//go:build linux

package upnp

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// T20, T22, T23: the real router has our port given away, or allows others only.
// Another one is opened, soon, over a crash and a restart, and none is left.
func TestRealRouterGivesAnotherPort(t *testing.T) {
	t.Parallel()
	oldNAS := func(r *realRouter) {
		r.moveTo("192.168.77.40") // the router believes only the address that a request comes from
		r.in(r.nas, "upnpc", "-m", "eth0", "-e", "old-nas", "-a", "192.168.77.40", "41234", "41234", "UDP")
		r.moveTo(labNAS)
	}
	for name, tt := range map[string]struct {
		extra    []string
		only     string
		before   func(*realRouter)
		from, to uint16 // what the other port may be
		foreign  int    // entries of others
	}{
		"T20: taken, UPnP":    {nil, "UPnP", oldNAS, 57618, 57618, 1},
		"T20: taken, IGD 1":   {[]string{"force_igd_desc_v1=yes"}, "UPnP", oldNAS, 57618, 57618, 1},
		"T20: taken, PCP":     {[]string{"enable_natpmp=yes"}, "PCP", oldNAS, 41235, 41235, 1},
		"T20: taken, NAT-PMP": {[]string{"enable_natpmp=yes"}, "NAT-PMP", oldNAS, 41235, 41235, 1},
		"T20: taken, all":     {[]string{"enable_natpmp=yes"}, "", oldNAS, 57618, 57618, 1},
		// Not NAT-PMP alone: asked for a port that it forbids, this router walks through the
		// others for a minute and answers nobody meanwhile.
		"T22: range, UPnP":        {nil, "UPnP", narrow, 62816, 62831, 0},
		"T22: range, all":         {[]string{"enable_natpmp=yes"}, "", narrow, 62816, 62831, 0},
		"T23: the router uses it": {nil, "UPnP", routerUses, 57618, 57618, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRealRouter(t, tt.extra...)
			tt.before(r)
			env := []string{helperOnly + "=" + tt.only, helperElsewhere + "=" + filepath.Join(r.dir, "port")}
			start := time.Now()
			first := r.mapper(env...)
			s := first.await(Mapped, 15*time.Second)
			port := uint16(s["Port"].(float64))
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("took %v", took)
			}
			if port < tt.from || port > tt.to {
				t.Errorf("port %d", port)
			}
			same := fmt.Sprintf("%d->%s:%d", port, labNAS, port)
			want := func(n int, when string) {
				t.Helper()
				list := r.mappings()
				if ours := strings.Count(strings.Join(list, "\n"), same); ours != n || len(list) != n+tt.foreign {
					t.Errorf("%s: %q instead of %d times %s", when, list, n, same)
				}
			}
			want(1, "opened")
			first.end(syscall.SIGKILL)
			second := r.mapper(env...)
			if s := second.await(Mapped, 15*time.Second); uint16(s["Port"].(float64)) != port {
				t.Errorf("after a crash port %v", s["Port"])
			}
			want(1, "after a crash")
			second.end(syscall.SIGTERM)
			want(0, "at the end")
		})
	}
}

// narrow lets everybody have a few ports only.
func narrow(r *realRouter) {
	conf, err := os.ReadFile(filepath.Join(r.dir, "miniupnpd.conf"))
	if err != nil {
		r.t.Fatal(err)
	}
	r.stop(syscall.SIGTERM)
	r.write("miniupnpd.conf", strings.ReplaceAll(string(conf), "allow 1024-65535 192.168.77.0/24 1024-65535", "allow 62816-62831 192.168.77.0/24 1024-65535"))
	r.start()
}

// routerUses has a program of the router wait on our port.
func routerUses(r *realRouter) {
	c := withUs(exec.Command("ip", "netns", "exec", r.router, "dnsmasq", "--no-daemon", "--conf-file=/dev/null",
		"--port=41234", "--no-resolv", "--no-hosts", "--bind-interfaces", "--listen-address="+labWAN))
	if err := c.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		c.Process.Kill()
		c.Wait()
	})
	for end := time.Now().Add(5 * time.Second); !strings.Contains(r.in(r.router, "ss", "-Hlun"), ":41234"); {
		if time.Now().After(end) {
			r.t.Fatal("the router's program does not listen")
		}
	}
}
