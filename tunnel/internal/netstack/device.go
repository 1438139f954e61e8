package netstack

import (
	"net/netip"
	"os"
	"slices"
	"sync"
	"sync/atomic"

	"golang.zx2c4.com/wireguard/tun"
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"homeward/tunnel/internal/segment"
)

// device is both ends of the wire between wireguard-go (tun.Device) and the
// stack (see link).
type device struct {
	mtu int
	own []netip.Prefix
	// between peers, packets go straight on: a filter in front has said that they may.
	between bool
	// end takes a packet that cannot go on, or says no. It is asked about those
	// without a hop left, and about all while narrow is not zero.
	end    func(packet []byte, src, dst netip.Addr) bool
	narrow *atomic.Int32
	events chan tun.Event
	// dispatcher takes packets into the stack. It is set while the link is attached.
	dispatcher atomic.Pointer[stack.NetworkDispatcher]
	stack      *stack.Stack
	queue      *queue
	out        cutter // used by Read, which one goroutine calls
	closing    sync.Once
}

func newDevice(mtu int, own []netip.Prefix) *device {
	return &device{mtu: mtu, own: own, events: make(chan tun.Event, 1), queue: newQueue()}
}

func (d *device) File() *os.File           { return nil }
func (d *device) MTU() (int, error)        { return d.mtu, nil }
func (d *device) Name() (string, error)    { return "netstack", nil }
func (d *device) Events() <-chan tun.Event { return d.events }
func (d *device) BatchSize() int           { return segment.Batch }

// Close wakes whoever waits for the queue. Read returns os.ErrClosed from now on.
func (d *device) Close() error {
	d.closing.Do(func() {
		close(d.events)
		d.queue.close()
	})
	return nil
}

// Read hands out all packets that wait, cut into segments, as far as bufs reach.
func (d *device) Read(bufs [][]byte, sizes []int, offset int) (int, error) {
	for {
		if d.out.empty() && !d.out.fill(d.queue) {
			return 0, os.ErrClosed
		}
		if n := d.out.handOut(bufs, sizes, offset); n > 0 {
			return n, nil
		}
	}
}

// Write takes a batch of decrypted packets. WireGuard has checked that their
// source belongs to the peer who sent them; here it has to be a peer's at all.
// The stack checks the rest, but the inner checksums of TCP and UDP: the peer's
// seal on the packet was right.
func (d *device) Write(bufs [][]byte, offset int) (int, error) {
	disp := d.dispatcher.Load()
	if disp == nil {
		return 0, os.ErrClosed
	}
	runs := runsPool.Get().(*segment.Runs)
	defer runsPool.Put(runs)
	for rest := bufs; len(rest) > 0; {
		n := min(len(rest), segment.Batch)
		runs.Find(rest[:n], offset)
		for i := range runs.List {
			d.deliver(*disp, runs, &runs.List[i], rest, offset)
		}
		rest = rest[n:]
	}
	return len(bufs), nil
}

// runsPool lends what Write needs: peers write at the same time.
var runsPool = sync.Pool{New: func() any { return new(segment.Runs) }}

// deliver takes one run into the stack, as one packet.
func (d *device) deliver(disp stack.NetworkDispatcher, runs *segment.Runs, run *segment.Run, bufs [][]byte, offset int) {
	first := bufs[run.First][offset:]
	proto, src, dst, ok := parse(first)
	if !ok || !d.isPeer(src) {
		return
	}
	if (hopsLeft(first) <= 1 || d.narrow.Load() > 0) && d.end(first, src, dst) {
		return
	}
	if d.between && d.isPeer(dst) {
		for at, n := run.First, 0; n < run.Count; n++ {
			d.pass(bufs[at][offset:])
			at = runs.Next(at)
		}
		return
	}
	if from, to, ok := opens(first); ok {
		reopen(d.stack, proto, netip.AddrPortFrom(src, from), netip.AddrPortFrom(dst, to))
	}
	v := buffer.NewView(run.Size)
	if run.Count > 1 {
		run.Merge(first, bufs[run.Last][offset:])
	}
	v.Write(first) // these writes have no error: a view grows
	for at, n := run.First, 1; n < run.Count; n++ {
		at = runs.Next(at)
		v.Write(bufs[at][offset+run.HeaderLen():])
	}
	p := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithView(v)})
	disp.DeliverNetworkPacket(proto, p)
	p.DecRef()
}

// pass hands a packet from one peer on to another, one hop further.
func (d *device) pass(b []byte) {
	hop(b)
	p := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(b)})
	d.queue.put(p)
	p.DecRef()
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

func (d *device) isOwn(a netip.Addr) bool {
	return slices.ContainsFunc(d.own, func(o netip.Prefix) bool { return o.Addr() == a })
}

func (d *device) isPeer(a netip.Addr) bool {
	for _, o := range d.own {
		if o.Contains(a) {
			return o.Addr() != a
		}
	}
	return false
}
