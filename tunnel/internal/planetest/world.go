//go:build linux

package planetest

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.zx2c4.com/wireguard/tun"
	"golang.zx2c4.com/wireguard/tun/netstack"

	"homeward/tunnel/internal/filter"
	"homeward/tunnel/internal/plane"
)

const (
	mtu        = 1412
	listenPort = 51820
	headroom   = 16 // that wireguard-go leaves before a packet
)

// Opener opens the plane under test.
type Opener func(plane.Config) (plane.Plane, error)

// network is what the cases have in common: the box and its LAN.
type network struct {
	box, lan host
	far      host // behind the LAN
	open     Opener
}

// world is a plane that is open, and two peers.
type world struct {
	network
	plane plane.Plane
	front tun.Device     // what wireguard-go would hold
	guard *filter.Filter // nil: the plane stands alone
	peers [2]*peer
	pump  sync.WaitGroup
	tap   atomic.Pointer[func(packet []byte)] // sees what comes from the plane; may be nil
}

// Config is that of the plane in the suite.
func Config(t *testing.T) plane.Config {
	c := plane.Config{
		Name: "homeward0", MTU: mtu, ListenPort: listenPort, StateDir: t.TempDir(),
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	for _, f := range families() {
		c.Addresses = append(c.Addresses, f.own)
	}
	return c
}

// start opens the plane and closes it at the end of the test.
func (n network) start(t *testing.T) *world {
	t.Helper()
	return n.startBehind(t, nil)
}

// startBehind is start with a filter in front of the plane, as in the tunnel.
func (n network) startBehind(t *testing.T, guard *filter.Filter) *world {
	t.Helper()
	cfg := Config(t)
	cfg.Guarded = guard != nil
	p, err := n.open(cfg)
	if err != nil {
		t.Fatalf("opening the plane: %v", err)
	}
	w := &world{network: n, plane: p, front: p.Device(), guard: guard}
	if guard != nil {
		w.front = guard.Wrap(w.front)
	}
	for i := range w.peers {
		w.peers[i] = newPeer(t, i)
		w.peers[i].to.Store(&w.front)
	}
	w.pump.Go(w.deliver)
	w.pump.Go(func() {
		for range p.Device().Events() { // wireguard-go reads them
		}
	})
	t.Cleanup(func() { w.close(t) })
	return w
}

// close does what the tunnel does at the end: first the device, then the plane.
func (w *world) close(t *testing.T) {
	t.Helper()
	for _, p := range w.peers {
		p.to.Store(nil)
	}
	w.front.Close()
	w.pump.Wait()
	if err := w.plane.Close(); err != nil {
		t.Errorf("closing the plane: %v", err)
	}
}

// deliver carries packets from the plane to the peers.
func (w *world) deliver() {
	d := w.front
	bufs, sizes := make([][]byte, d.BatchSize()), make([]int, d.BatchSize())
	for i := range bufs {
		bufs[i] = make([]byte, headroom+65535)
	}
	for {
		n, err := d.Read(bufs, sizes, headroom)
		if err != nil {
			return
		}
		for i := range n {
			packet := bufs[i][:headroom+sizes[i]]
			if tap := w.tap.Load(); tap != nil {
				(*tap)(packet[headroom:])
			}
			for _, p := range w.peers {
				if p.has(destinationOf(packet[headroom:])) {
					p.device.Write([][]byte{packet}, headroom)
				}
			}
		}
	}
}

// peer is a stack of its own behind the tunnel.
type peer struct {
	*netstack.Net
	device tun.Device
	addrs  []netip.Addr
	to     atomic.Pointer[tun.Device] // nil: nobody listens
}

// newPeer makes a peer that lives until the process ends: the module's stack
// panics when it is closed while it sends.
func newPeer(t *testing.T, i int) *peer {
	t.Helper()
	p := &peer{}
	for _, f := range families() {
		p.addrs = append(p.addrs, f.peers[i])
	}
	var err error
	if p.device, p.Net, err = netstack.CreateNetTUN(p.addrs, nil, mtu); err != nil {
		t.Fatal(err)
	}
	go func() {
		bufs, sizes := [][]byte{make([]byte, headroom+65535)}, []int{0}
		for {
			if _, err := p.device.Read(bufs, sizes, headroom); err != nil {
				return
			}
			p.send(bufs[0][headroom : headroom+sizes[0]])
		}
	}()
	return p
}

// send hands a packet to the plane, as if the peer's stack had made it.
func (p *peer) send(packet []byte) {
	if to := p.to.Load(); to != nil {
		// Room behind the packet: the device joins segments in place.
		buf := make([]byte, headroom+len(packet), headroom+65535)
		copy(buf[headroom:], packet)
		(*to).Write([][]byte{buf}, headroom)
	}
}

func (p *peer) has(a netip.Addr) bool {
	for _, own := range p.addrs {
		if own == a {
			return true
		}
	}
	return false
}

// patience is for what has to happen, impatience for what must not; again is after how
// long what may get lost is sent once more.
const (
	patience   = time.Minute
	again      = 2 * time.Second
	impatience = 300 * time.Millisecond
)

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func briefly(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), impatience)
	t.Cleanup(cancel)
	return ctx
}
