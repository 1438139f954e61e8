package selftest

import (
	"net/netip"
	"slices"
	"sync"

	"golang.zx2c4.com/wireguard/conn"
)

// Types of WireGuard's messages: their first byte.
const (
	initiation = 1
	response   = 2
	cookie     = 3
	data       = 4
)

// wire is a phone's UDP socket in a namespace. It counts what passes.
type wire struct {
	conn.Bind
	at space

	mu       sync.Mutex             // guards what follows
	sent     [5]int                 // by type; 0: others
	received [5]int                 // by type
	from     map[netip.AddrPort]int // data by who sent it
	largest  int                    // that was received
	take     chan<- []byte          // for data that is withheld; nil: none is
}

func newWire(at space) *wire {
	return &wire{Bind: conn.NewDefaultBind(), at: at, from: map[netip.AddrPort]int{}}
}

// Open implements conn.Bind: in the namespace, whichever thread asks.
func (w *wire) Open(port uint16) (receivers []conn.ReceiveFunc, actual uint16, err error) {
	err = w.at.do(func() error {
		receivers, actual, err = w.Bind.Open(port)
		return err
	})
	for i, r := range receivers {
		receivers[i] = w.watch(r)
	}
	return receivers, actual, err
}

// Send implements conn.Bind.
func (w *wire) Send(packets [][]byte, to conn.Endpoint) error {
	packets = slices.DeleteFunc(slices.Clone(packets), w.withheld)
	for _, p := range packets {
		w.note(true, p, to)
	}
	if len(packets) == 0 {
		return nil
	}
	return w.Bind.Send(packets, to)
}

func (w *wire) watch(receive conn.ReceiveFunc) conn.ReceiveFunc {
	return func(packets [][]byte, sizes []int, eps []conn.Endpoint) (int, error) {
		n, err := receive(packets, sizes, eps)
		for i := range n {
			if sizes[i] > 0 {
				w.note(false, packets[i][:sizes[i]], eps[i])
			}
		}
		return n, err
	}
}

// note counts a packet.
func (w *wire) note(out bool, packet []byte, other conn.Endpoint) {
	w.mu.Lock()
	defer w.mu.Unlock()
	kind := packet[0]
	if int(kind) >= len(w.sent) {
		kind = 0
	}
	if out {
		w.sent[kind]++
		return
	}
	w.received[kind]++
	w.largest = max(w.largest, len(packet))
	if at, err := netip.ParseAddrPort(other.DstToString()); err == nil && kind == data {
		w.from[netip.AddrPortFrom(at.Addr().Unmap(), at.Port())]++
	}
}

// withhold takes the next data that is sent, instead of sending it.
func (w *wire) withhold(taken chan<- []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.take = taken
}

func (w *wire) withheld(packet []byte) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.take == nil || packet[0] != data {
		return false
	}
	w.take <- slices.Clone(packet)
	w.take = nil
	return true
}

// forget begins to count anew.
func (w *wire) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent, w.received, w.largest = [5]int{}, [5]int{}, 0
	clear(w.from)
}

// counts is what passed since forget.
type counts struct {
	sent, received [5]int
	from           map[netip.AddrPort]int
	largest        int
}

func (w *wire) counts() counts {
	w.mu.Lock()
	defer w.mu.Unlock()
	from := map[netip.AddrPort]int{}
	for k, v := range w.from {
		from[k] = v
	}
	return counts{w.sent, w.received, from, w.largest}
}
