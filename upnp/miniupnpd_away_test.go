//go:build linux

package upnp

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// T65: the box loses its power. What it opened is closed by the router when the lease
// ends, which is all that is left to do it.
func TestRealRouterClosesThePortOfABoxThatIsGone(t *testing.T) {
	t.Parallel()
	const lease = 15 * time.Second
	r := newRealRouter(t)
	p := r.mapper(helperLease + "=" + lease.String())
	p.await(Mapped, 10*time.Second)
	p.end(syscall.SIGKILL)
	gone := time.Now()
	if n := r.rules(); n != 1 {
		t.Fatalf("%d rules right after: this measures nothing", n)
	}
	if !poll(lease+15*time.Second, func() bool { return r.rules() == 0 }) {
		t.Fatalf("still open after %v", time.Since(gone))
	}
	t.Logf("closed after %v", time.Since(gone).Round(time.Second))
}

// T48, T49: the box sleeps, and meanwhile the router has started anew, or is another
// one. Half a minute after it woke up the port is open.
func TestRealRouterAfterASleep(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*realRouter){
		"T49: the router started anew": func(*realRouter) {},
		"T48: it is another router": func(r *realRouter) {
			conf, err := os.ReadFile(filepath.Join(r.dir, "miniupnpd.conf"))
			if err != nil {
				r.t.Fatal(err)
			}
			r.write("miniupnpd.conf", strings.ReplaceAll(string(conf), "uuid=00000000", "uuid=11111111"))
			r.run("ip", "-n", r.router, "link", "set", "lan0", "address", "02:00:00:00:00:99")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRealRouter(t)
			p := r.mapper()
			id := func(s map[string]any) any { return s["Router"].(map[string]any)["ID"] }
			before := id(p.await(Mapped, 10*time.Second))
			p.cmd.Process.Signal(syscall.SIGSTOP)
			r.lose()
			change(r)
			r.start()
			if n := r.rules(); n != 0 {
				t.Fatalf("%d rules", n)
			}
			p.cmd.Process.Signal(syscall.SIGCONT)
			woke := time.Now()
			if !poll(40*time.Second, func() bool { return r.rules() == 1 }) {
				t.Fatal("not mapped again")
			}
			t.Logf("open %v after it woke up", time.Since(woke).Round(100*time.Millisecond))
			if strings.HasPrefix(name, "T48") { // what was told before comes first
				for id(p.await(Mapped, 5*time.Second)) == before {
				}
			}
		})
	}
}
