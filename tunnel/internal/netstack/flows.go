package netstack

import (
	"context"
	"net/netip"
	"sync"

	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"homeward/tunnel/internal/filter"
)

type flowKind uint8

const (
	flowTCP flowKind = iota
	flowUDP
	flowEcho
	flowDial // counted besides flowTCP, until the host's connection stands
	flowKinds
)

// flowKey tells flows apart. As in the stack, Local is what the peer talks to
// and Remote is the peer. An echo flow has its identifier as RemotePort.
type flowKey struct {
	kind flowKind
	id   stack.TransportEndpointID
}

func (k flowKey) source() netip.Addr { return addrOf(k.id.RemoteAddress) }
func (k flowKey) protocol() uint8 {
	switch {
	case k.kind == flowTCP:
		return uint8(header.TCPProtocolNumber)
	case k.kind == flowUDP:
		return uint8(header.UDPProtocolNumber)
	case k.source().Is4():
		return uint8(header.ICMPv4ProtocolNumber)
	}
	return uint8(header.ICMPv6ProtocolNumber)
}
func (k flowKey) target() netip.AddrPort {
	return netip.AddrPortFrom(addrOf(k.id.LocalAddress), k.id.LocalPort)
}

// flows is the register of everything that peers have open.
type flows struct {
	limits [flowKinds]struct{ total, perSource int }
	wg     sync.WaitGroup // one for each flow

	mu       sync.Mutex // guards what follows
	all      map[flowKey]*flow
	total    counts
	bySource map[netip.Addr]*counts
	closed   bool
}

type counts [flowKinds]int

func newFlows(l Limits) *flows {
	t := &flows{all: map[flowKey]*flow{}, bySource: map[netip.Addr]*counts{}}
	set := func(k flowKind, total, perSource int) { t.limits[k].total, t.limits[k].perSource = total, perSource }
	set(flowTCP, l.TCP, l.TCPPerSource)
	set(flowUDP, l.UDP, l.UDPPerSource)
	set(flowEcho, l.Echoes, l.EchoesPerSource)
	set(flowDial, l.Dials, l.DialsPerSource)
	return t
}

// flow is one entry of the register. It is begun by begin and must be ended by end.
type flow struct {
	flowKey
	table *flows
	// ctx ends when the flow is cut.
	ctx    context.Context
	cancel context.CancelFunc
	// quote is the beginning of the packet that opened the flow: what an ICMP
	// error about it has to carry.
	quote []byte

	dialling bool // guarded by table.mu

	mu     sync.Mutex // guards what follows
	wasCut bool
	abort  func()
	echo   echoWay // of an echo flow
	hops   int     // that the echo's packets have, 0 for the host's own
}

// begin registers a flow. It returns nil when the key is taken, a limit is
// reached or the plane is closing; the packet is then to be dropped without an
// answer, so that a client that retries has its chance.
func (t *flows) begin(key flowKey, quote []byte) *flow {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || t.all[key] != nil {
		return nil
	}
	src := key.source()
	c := t.bySource[src]
	if c == nil {
		c = new(counts)
	}
	kinds := []flowKind{key.kind}
	if key.kind == flowTCP {
		kinds = []flowKind{flowTCP, flowDial}
	}
	for _, k := range kinds {
		if t.total[k] >= t.limits[k].total || c[k] >= t.limits[k].perSource {
			return nil
		}
	}
	for _, k := range kinds {
		t.total[k]++
		c[k]++
	}
	t.bySource[src] = c
	f := &flow{flowKey: key, table: t, quote: quote, dialling: key.kind == flowTCP}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	t.all[key] = f
	t.wg.Add(1)
	return f
}

// find returns the flow with this key, or nil.
func (t *flows) find(key flowKey) *flow {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.all[key]
}

func (t *flows) releaseLocked(kind flowKind, src netip.Addr) {
	t.total[kind]--
	c := t.bySource[src]
	c[kind]--
	if *c == (counts{}) {
		delete(t.bySource, src)
	}
}

// dialled gives the flow's place among the dials back.
func (f *flow) dialled() {
	f.table.mu.Lock()
	defer f.table.mu.Unlock()
	if f.dialling {
		f.dialling = false
		f.table.releaseLocked(flowDial, f.source())
	}
}

// end takes the flow out of the register. It is called once, last of all.
func (f *flow) end() {
	f.onCut(nil)
	f.dialled()
	f.cancel()
	f.table.mu.Lock()
	delete(f.table.all, f.flowKey)
	f.table.releaseLocked(f.kind, f.source())
	f.table.mu.Unlock()
	f.table.wg.Done()
}

// onCut says what else ends the flow when it is cut, at once if it has been. A
// previous abort has returned, or will never run, when onCut returns. abort
// must not wait for anything.
func (f *flow) onCut(abort func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.wasCut && abort != nil {
		abort()
		return
	}
	f.abort = abort
}

func (f *flow) cut() {
	f.cancel()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wasCut = true
	if f.abort != nil {
		f.abort()
		f.abort = nil
	}
}

// cut ends the flows that these addresses opened.
func (t *flows) cut(addrs []netip.Addr) {
	gone := make(map[netip.Addr]bool, len(addrs))
	for _, a := range addrs {
		gone[a] = true
	}
	for _, f := range t.snapshot(func(f *flow) bool { return gone[f.source()] }) {
		f.cut()
	}
}

// cutUnless ends the flows that allowed says no to.
func (t *flows) cutUnless(allowed func(filter.Flow) bool) {
	for _, f := range t.snapshot(func(*flow) bool { return true }) {
		if !allowed(filter.Flow{Peer: f.source(), Remote: f.target(), Protocol: f.protocol()}) {
			f.cut()
		}
	}
}

// close ends all flows, begins no more and waits until they are gone.
func (t *flows) close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	for _, f := range t.snapshot(func(*flow) bool { return true }) {
		f.cut()
	}
	t.wg.Wait()
}

func (t *flows) snapshot(want func(*flow) bool) []*flow {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []*flow
	for _, f := range t.all {
		if want(f) {
			out = append(out, f)
		}
	}
	return out
}
