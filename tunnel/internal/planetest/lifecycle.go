//go:build linux

package planetest

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"go.uber.org/goleak"

	"homeward/tunnel/internal/plane"
)

type lifecycleFact struct {
	name  string
	check func(t *testing.T, n network)
}

func lifecycleFacts() []lifecycleFact {
	return []lifecycleFact{
		{"closing leaves nothing behind, in the host and in the process", closesClean},
		{"closing ends what ListenPacket and Listen opened", closeEndsListening},
		{"opening, closing and opening again works", opensAgain},
		{"a wrong configuration is refused and leaves nothing behind", refusesNonsense},
	}
}

// Host describes what of the network namespace a plane might change: links,
// addresses, routes and settings.
func Host(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	links, err := netlink.LinkList()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		out["link "+l.Attrs().Name] = fmt.Sprint(l.Type(), l.Attrs().MTU, l.Attrs().Flags)
	}
	addrs, err := netlink.AddrList(nil, netlink.FAMILY_ALL)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		out["address "+a.IPNet.String()] = fmt.Sprint(a.Label, a.LinkIndex)
	}
	routes, err := netlink.RouteListFiltered(netlink.FAMILY_ALL, &netlink.Route{}, netlink.RT_FILTER_TABLE)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range routes {
		out["route "+r.String()] = ""
	}
	for _, family := range []string{"ipv4", "ipv6"} {
		filepath.WalkDir("/proc/sys/net/"+family, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				if b, err := os.ReadFile(path); err == nil {
					out[path] = strings.TrimSpace(string(b))
				}
			}
			return nil
		})
	}
	return out
}

// SameHost reports how the host is not as it was before.
func SameHost(t *testing.T, before map[string]string) {
	t.Helper()
	after := Host(t)
	for k, v := range before {
		if now, ok := after[k]; !ok || now != v {
			t.Errorf("%s was %q, is %q (there: %t)", k, v, now, ok)
		}
	}
	maps.DeleteFunc(after, func(k, _ string) bool { _, ok := before[k]; return ok })
	for k, v := range after {
		t.Errorf("%s = %q is new", k, v)
	}
}

func closesClean(t *testing.T, n network) {
	before := Host(t)
	others := goleak.IgnoreCurrent()
	cfg := Config(t)
	p, err := n.open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	drained := drain(p)
	p.Device().Close()
	<-drained
	for range 2 {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	SameHost(t, before)
	goleak.VerifyNone(t, others)
	if left, err := os.ReadDir(cfg.StateDir); err != nil || len(left) > 0 {
		t.Errorf("left in the state folder: %v, %v", left, err)
	}
}

// drain reads the device's events, as wireguard-go does, until it is closed.
func drain(p plane.Plane) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range p.Device().Events() {
		}
	}()
	return done
}

func closeEndsListening(t *testing.T, n network) {
	p, err := n.open(Config(t))
	if err != nil {
		t.Fatal(err)
	}
	drained := drain(p)
	ended := make(chan error, 4)
	for _, f := range families() {
		at := netip.AddrPortFrom(f.own.Addr(), dnsPort)
		l, err := p.Listen(at)
		if err != nil {
			t.Fatal(err)
		}
		c, err := p.ListenPacket(at)
		if err != nil {
			t.Fatal(err)
		}
		go func() { _, err := l.Accept(); ended <- err }()
		go func() { _, _, err := c.ReadFrom(make([]byte, 1)); ended <- err }()
	}
	p.Device().Close()
	<-drained
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	for range cap(ended) {
		if err := <-ended; !errors.Is(err, net.ErrClosed) {
			t.Errorf("err = %v, want net.ErrClosed", err)
		}
	}
	if l, err := p.Listen(netip.AddrPortFrom(families()[0].own.Addr(), dnsPort)); err == nil {
		l.Close()
		t.Error("Listen works on a closed plane")
	}
}

func opensAgain(t *testing.T, n network) {
	for range 3 {
		w := n.start(t)
		mustEcho(t, w, families()[0].peers[0], families()[0].lan)
		w.close(t)
	}
}

func refusesNonsense(t *testing.T, n network) {
	before := Host(t)
	for _, wrong := range []func(*plane.Config){
		func(c *plane.Config) { c.MTU = 100 },
		func(c *plane.Config) { c.MTU = 70000 },
	} {
		cfg := Config(t)
		wrong(&cfg)
		if p, err := n.open(cfg); err == nil {
			p.Device().Close()
			p.Close()
			t.Errorf("opened with %+v", cfg)
		}
	}
	SameHost(t, before)
}
