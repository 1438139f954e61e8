package netstack

import (
	"net/netip"
	"os"
	"sync"
	"sync/atomic"

	"golang.zx2c4.com/wireguard/conn"
	"golang.zx2c4.com/wireguard/tun"
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// queueLength is how many packets the stack may have waiting for wireguard-go:
// four of its batches. A full queue makes the stack wait, not drop.
const queueLength = 4 * conn.IdealBatchSize

// device is both ends of the wire between wireguard-go (tun.Device) and the
// stack (see link).
type device struct {
	mtu int
	own []netip.Prefix
	// between peers, packets go straight on: a filter in front has said that they may.
	between bool
	events  chan tun.Event
	// dispatcher takes packets into the stack. It is set while the link is attached.
	dispatcher atomic.Pointer[stack.NetworkDispatcher]

	mu     sync.Mutex // guards what follows
	space  sync.Cond  // the queue has room, or closed
	data   sync.Cond  // the queue has packets, or closed
	queue  [queueLength]*stack.PacketBuffer
	head   int
	length int
	closed bool
}

func newDevice(mtu int, own []netip.Prefix) *device {
	d := &device{mtu: mtu, own: own, events: make(chan tun.Event, 1)}
	d.space.L, d.data.L = &d.mu, &d.mu
	return d
}

func (d *device) File() *os.File           { return nil }
func (d *device) MTU() (int, error)        { return d.mtu, nil }
func (d *device) Name() (string, error)    { return "netstack", nil }
func (d *device) Events() <-chan tun.Event { return d.events }
func (d *device) BatchSize() int           { return conn.IdealBatchSize }

// Close wakes whoever waits for the queue. Read returns os.ErrClosed from now on.
func (d *device) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil
	}
	d.closed = true
	for d.length > 0 {
		d.popLocked().DecRef()
	}
	close(d.events)
	d.space.Broadcast()
	d.data.Broadcast()
	return nil
}

// Read hands out all packets that wait, as far as bufs reach.
func (d *device) Read(bufs [][]byte, sizes []int, offset int) (int, error) {
	var taken [conn.IdealBatchSize]*stack.PacketBuffer
	n := d.take(taken[:min(len(bufs), len(taken))])
	if n == 0 {
		return 0, os.ErrClosed
	}
	for i, p := range taken[:n] {
		sizes[i] = 0
		for _, s := range p.AsSlices() {
			sizes[i] += copy(bufs[i][offset+sizes[i]:], s)
		}
		p.DecRef()
	}
	return n, nil
}

// take waits for packets and moves them to dst. It returns 0 when the device is closed.
func (d *device) take(dst []*stack.PacketBuffer) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	for d.length == 0 && !d.closed {
		d.data.Wait()
	}
	n := 0
	for n < len(dst) && d.length > 0 {
		dst[n] = d.popLocked()
		n++
	}
	if n > 0 {
		d.space.Broadcast()
	}
	return n
}

func (d *device) popLocked() *stack.PacketBuffer {
	p := d.queue[d.head]
	d.queue[d.head] = nil
	d.head = (d.head + 1) % queueLength
	d.length--
	return p
}

// put queues p, waiting for room, and says whether the device is still open.
func (d *device) put(p *stack.PacketBuffer) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for d.length == queueLength && !d.closed {
		d.space.Wait()
	}
	if d.closed {
		return false
	}
	d.queue[(d.head+d.length)%queueLength] = p.IncRef()
	d.length++
	d.data.Signal()
	return true
}

// Write takes a batch of decrypted packets. WireGuard has checked that their
// source belongs to the peer who sent them; here it has to be a peer's at all.
// The stack checks the rest.
func (d *device) Write(bufs [][]byte, offset int) (int, error) {
	disp := d.dispatcher.Load()
	if disp == nil {
		return 0, os.ErrClosed
	}
	for _, buf := range bufs {
		b := buf[offset:]
		proto, src, dst, ok := parse(b)
		if !ok || !d.isPeer(src) {
			continue
		}
		p := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(b)})
		if d.between && d.isPeer(dst) {
			d.put(p)
		} else {
			(*disp).DeliverNetworkPacket(proto, p)
		}
		p.DecRef()
	}
	return len(bufs), nil
}

// parse returns the protocol and the addresses of an IP packet.
func parse(b []byte) (proto tcpip.NetworkProtocolNumber, src, dst netip.Addr, ok bool) {
	switch v := header.IPVersion(b); {
	case v == header.IPv4Version && len(b) >= header.IPv4MinimumSize:
		return header.IPv4ProtocolNumber, netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20])), true
	case v == header.IPv6Version && len(b) >= header.IPv6MinimumSize:
		return header.IPv6ProtocolNumber, netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40])), true
	}
	return 0, src, dst, false
}

func (d *device) isPeer(a netip.Addr) bool {
	for _, o := range d.own {
		if o.Contains(a) {
			return o.Addr() != a
		}
	}
	return false
}
