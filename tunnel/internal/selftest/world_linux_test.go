package selftest

import (
	"context"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"homeward/configs/secret"
	"homeward/tunnel"
	"homeward/tunnel/internal/planetest"
)

// Where everything is. See the picture in doc.go.
const (
	port = 51820

	box4, box6         = "203.0.113.1", "2001:db8:113::1"
	outside4, outside6 = "203.0.113.2", "2001:db8:113::2"
	lan4, lan6         = "192.168.77.20", "fd77::20"
	own4, own6         = "10.66.7.1", "fd00:66:7::1"
)

// patience is how long what has to happen may take on a slow machine under load. It is
// no measure.
const patience = 90 * time.Second

// world is a box that runs a tunnel, the internet outside and a LAN host.
type world struct {
	*testing.T
	box, outside, lan space
	cfg               tunnel.Config
	tunnel            *tunnel.Tunnel
	stop              func()
}

// onBothPlanes runs a test in each plane, in namespaces of its own. It must be called
// from the top level of a test.
func onBothPlanes(t *testing.T, check func(w *world)) {
	t.Helper()
	onBothPlanesWith(t, func(*tunnel.Config) {}, check)
}

// onBothPlanesWith is onBothPlanes with another configuration.
func onBothPlanesWith(t *testing.T, change func(*tunnel.Config), check func(w *world)) {
	t.Helper()
	onPlanes(t, []tunnel.PlaneKind{tunnel.PlaneTUN, tunnel.PlaneNetstack}, change, check)
}

// onPlane is onBothPlanes for what has no meaning in the other one.
func onPlane(t *testing.T, kind tunnel.PlaneKind, check func(w *world)) {
	t.Helper()
	onPlanes(t, []tunnel.PlaneKind{kind}, func(*tunnel.Config) {}, check)
}

func onPlanes(t *testing.T, kinds []tunnel.PlaneKind, change func(*tunnel.Config), check func(w *world)) {
	t.Helper()
	planetest.InNamespace(t, func(t *testing.T) {
		for _, kind := range kinds {
			t.Run(string(kind), func(t *testing.T) {
				w := newWorld(t)
				w.cfg.Plane = kind
				change(&w.cfg)
				w.start()
				check(w)
			})
		}
	})
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, box: here(t), outside: newSpace(t), lan: newSpace(t)}
	w.box.sysctl(t, "ipv6/conf/default/accept_dad", "0")
	w.box.sysctl(t, "ipv4/ping_group_range", "0 2147483647") // as systemd sets it
	w.box.run(t, "ip", "link", "set", "lo", "up")
	veth(t, w.box, "wan0", w.outside, "eth0")
	veth(t, w.box, "lan0", w.lan, "eth0")
	w.box.address(t, "wan0", box4+"/24", box6+"/64")
	w.outside.address(t, "eth0", outside4+"/24", outside6+"/64")
	w.box.address(t, "lan0", "192.168.77.10/24", "fd77::10/64")
	w.lan.address(t, "eth0", lan4+"/24", lan6+"/64")
	key, err := secret.GeneratePrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	w.cfg = tunnel.Config{
		PrivateKey: key, ListenPort: port, StateDir: t.TempDir(),
		Addresses: []netip.Prefix{netip.MustParsePrefix(own4 + "/24"), netip.MustParsePrefix(own6 + "/64")},
		Resolvers: func() []netip.AddrPort { return nil },
		Logger:    slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	w.serveLAN()
	return w
}

// start runs a tunnel until stop is called, at the end of the test at the latest.
func (w *world) start() {
	w.Helper()
	tun, err := tunnel.New(w.cfg)
	if err != nil {
		w.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- tun.Run(ctx) }()
	stopped := false
	w.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		select {
		case err := <-done:
			if err != nil {
				w.Errorf("running the tunnel: %v", err)
			}
		case <-time.After(patience):
			w.Errorf("the tunnel does not end")
		}
	}
	w.Cleanup(w.stop)
	select {
	case <-tun.Ready():
	case err := <-done:
		done <- nil
		w.Fatalf("running the tunnel: %v", err)
	}
	w.tunnel = tun
}

// letIn makes the phones the only peers.
func (w *world) letIn(phones ...*phone) {
	w.Helper()
	var list []tunnel.Peer
	for _, p := range phones {
		list = append(list, p.peer)
	}
	if err := w.tunnel.SetPeers(list); err != nil {
		w.Fatal(err)
	}
}

// seen is what the tunnel says of a phone.
func (w *world) seen(p *phone) tunnel.PeerStatus {
	w.Helper()
	for _, s := range w.tunnel.Peers() {
		if s.PublicKey == p.peer.PublicKey {
			return s
		}
	}
	w.Fatalf("the phone is no peer")
	return tunnel.PeerStatus{}
}

// eventually waits for something, and says what it waited for when it does not come.
func (w *world) eventually(what string, ok func() bool) {
	w.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			w.Fatalf("%s: not within %v; the tunnel says:\n%+v", what, patience, w.tunnel.Peers())
		}
	}
}
