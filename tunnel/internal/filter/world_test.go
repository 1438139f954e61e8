package filter

import (
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"golang.zx2c4.com/wireguard/tun"
)

const offset = 16 // that wireguard-go leaves before a packet

// wire is a plane's device that keeps what it gets and hands out what it is told.
type wire struct {
	tun.Device
	mu      sync.Mutex // guards what follows
	written [][]byte
	waiting [][]byte
}

func (w *wire) Write(bufs [][]byte, offset int) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, b := range bufs {
		w.written = append(w.written, append([]byte(nil), b[offset:]...))
	}
	return len(bufs), nil
}

func (w *wire) Read(bufs [][]byte, sizes []int, offset int) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.waiting) == 0 {
		return 0, os.ErrClosed
	}
	n := min(len(w.waiting), len(bufs))
	for i, b := range w.waiting[:n] {
		sizes[i] = copy(bufs[i][offset:], b)
	}
	w.waiting = w.waiting[n:]
	return n, nil
}

// family is IPv4 or IPv6: every fact is true of both.
type family struct {
	name                                        string
	own, box, boxNet, home, far, farther        netip.Addr
	anna, bert, stranger, nobody, metadata      netip.Addr
	loopback, linkLocal, multicast, unspecified netip.Addr
}

var families = []family{
	{
		name: "IPv4", own: addr("10.66.0.1"), box: addr("192.168.77.10"), boxNet: addr("192.168.77.255"), home: addr("192.168.77.20"),
		far: addr("203.0.113.5"), farther: addr("198.51.100.9"), anna: addr("10.66.0.2"), bert: addr("10.66.0.3"), stranger: addr("10.99.0.9"),
		nobody: addr("10.66.0.77"), metadata: addr("169.254.169.254"), loopback: addr("127.0.0.1"), linkLocal: addr("169.254.1.1"),
		multicast: addr("239.7.7.7"), unspecified: addr("0.0.0.0"),
	},
	{
		name: "IPv6", own: addr("fd66::1"), box: addr("2001:db8:77::10"), boxNet: addr("fe80::10"), home: addr("2001:db8:77::20"),
		far: addr("2001:db8:5::5"), farther: addr("2a00:1450::9"), anna: addr("fd66::2"), bert: addr("fd66::3"), stranger: addr("fd99::9"),
		nobody: addr("fd66::77"), metadata: addr("fd00:ec2::254"), loopback: addr("::1"), linkLocal: addr("fe80::1"),
		multicast: addr("ff15::77"), unspecified: addr("::"),
	},
}

var (
	annaID, bertID = ID{1}, ID{2}
	tunnelNets     = []netip.Prefix{prefix("10.66.0.1/24"), prefix("fd66::1/64")}
	hostNets       = []netip.Prefix{prefix("127.0.0.1/8"), prefix("::1/128"), prefix("192.168.77.10/24"), prefix("2001:db8:77::10/64"), prefix("fe80::10/64"), prefix("10.66.0.1/24"), prefix("fd66::1/64")}
)

// world is a filter with two peers, a plane that only listens, and a clock
// that stands still.
type world struct {
	*Filter
	t     testing.TB
	wire  *wire
	front tun.Device
	now   time.Duration
}

func peersWith(anna, bert Access) []Peer {
	return []Peer{
		{ID: annaID, Addresses: []netip.Addr{families[0].anna, families[1].anna}, Access: anna},
		{ID: bertID, Addresses: []netip.Addr{families[0].bert, families[1].bert}, Access: bert},
	}
}

func newWorld(t testing.TB, l Limits, anna, bert Access) *world {
	t.Helper()
	w := &world{t: t, wire: &wire{}}
	f, err := New(Config{Addresses: tunnelNets, Limits: l, Clock: func() time.Duration { return w.now }})
	if err != nil {
		t.Fatal(err)
	}
	f.SetHost(Host{Addresses: hostNets})
	if err := f.SetPeers(peersWith(anna, bert)); err != nil {
		t.Fatal(err)
	}
	w.Filter, w.front = f, f.Wrap(w.wire)
	return w
}

// up says whether a packet from a peer reaches the plane.
func (w *world) up(b []byte) bool {
	w.t.Helper()
	before := len(w.wire.written)
	if _, err := w.front.Write([][]byte{append(make([]byte, offset), b...)}, offset); err != nil {
		w.t.Fatal(err)
	}
	return len(w.wire.written) > before
}

// down says whether a packet of the plane reaches a peer.
func (w *world) down(b []byte) bool {
	w.t.Helper()
	w.wire.waiting = append(w.wire.waiting, b)
	sizes := []int{0}
	if _, err := w.front.Read([][]byte{make([]byte, offset+2*65535)}, sizes, offset); err != nil {
		w.t.Fatal(err)
	}
	return sizes[0] > 0
}

func (w *world) passes(why string, got bool) {
	w.t.Helper()
	if !got {
		w.t.Errorf("%s: dropped: %v", why, w.drops())
	}
}

func (w *world) dropped(why string, got bool) {
	w.t.Helper()
	if got {
		w.t.Errorf("%s: passed", why)
	}
}

// drops names what was dropped so far.
func (w *world) drops() map[string]uint64 {
	out := map[string]uint64{}
	s := w.Snapshot()
	for _, r := range Reasons() {
		n := s.Strangers.Of(r)
		for _, p := range s.Peers {
			n += p.Drops.Of(r)
		}
		if n > 0 {
			out[r.String()] = n
		}
	}
	return out
}

// both runs a fact for each family in a world of its own.
func both(t *testing.T, anna, bert Access, fact func(w *world, f family)) {
	t.Helper()
	for _, f := range families {
		t.Run(f.name, func(t *testing.T) { fact(newWorld(t, Limits{}, anna, bert), f) })
	}
}

func at(a netip.Addr, port uint16) netip.AddrPort { return netip.AddrPortFrom(a, port) }
