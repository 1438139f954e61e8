package netstack

import (
	"errors"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
	"gvisor.dev/gvisor/pkg/waiter"
)

// udpReceiveBuffer is how much the stack queues for a flow whose socket is slow.
const udpReceiveBuffer = 256 << 10

// handleUDP takes the UDP packets that belong to no flow and no port of ours;
// see handleTCP. What it does not handle the stack answers with "port
// unreachable".
func (p *Plane) handleUDP(id stack.TransportEndpointID, pkt *stack.PacketBuffer) bool {
	key := flowKey{flowUDP, id}
	if p.isOurs(key) {
		return false
	}
	if p.refusal(key) != nil {
		p.reportUnreachable(key, quoteOf(pkt), prohibited)
		return true
	}
	f := p.flows.begin(key, quoteOf(pkt))
	if f == nil {
		return true
	}
	// The endpoint takes pkt and, from now on, whatever follows it.
	var wq waiter.Queue
	ep, err := udp.NewForwarderRequest(p.stack, id, pkt).CreateEndpoint(&wq)
	if err != nil {
		f.end()
		return true
	}
	go p.serveUDP(f, newInnerUDP(ep, &wq))
	return true
}

// serveUDP carries a flow on until it was idle for long enough.
func (p *Plane) serveUDP(f *flow, peer *innerUDP) {
	defer f.end()
	stop := sync.OnceFunc(func() { peer.Close() })
	defer stop()
	host, err := p.dialFor(f, "udp")
	if err != nil {
		p.reportUnreachable(f.flowKey, f.quote, outcomeOf(err))
		return
	}
	defer host.Close()
	both := func() { stop(); host.Close() }
	f.onCut(both)
	life := newLifetime(f.target().Port(), both)
	defer life.stop()

	socket, _ := host.(syscall.Conn)
	v4 := f.target().Addr().Is4()
	p.beTruthful(f, socket)
	goOn := func(err error) bool { return p.hear(f, socket, err) }

	var up sync.WaitGroup
	up.Go(func() {
		defer both()
		hops := 0
		passUDP(func(d *datagram) error {
			left, err := peer.receive(d)
			if next := nextHops(left); err == nil && next != hops && setHops(socket, v4, next) == nil {
				hops = next
			}
			return err
		}, transmitter(host), goOn, life.asked)
	})
	passUDP(receiver(host), peer.Write, goOn, life.answered)
	both()
	up.Wait()
}

// passUDP copies datagrams until receive or write fails in a way with which
// goOn says that it is over. came is called for each.
func passUDP(receive func(*datagram) error, write func([]byte) (int, error), goOn func(error) bool, came func()) {
	for {
		var d datagram
		err := receive(&d)
		if err == nil {
			came()
			_, err = write(d.bytes())
		}
		d.free()
		if err != nil && !goOn(err) {
			return // closed by the timer, by a cut or by the other direction
		}
	}
}

// lifetime ends a UDP flow that was idle for long enough.
type lifetime struct {
	timer *time.Timer
	names bool // one question, one answer
	both  atomic.Bool
}

func newLifetime(port uint16, end func()) *lifetime {
	l := &lifetime{names: port == dnsPort}
	l.timer = time.AfterFunc(l.now(), end)
	return l
}

// now is how long the flow may be idle as things are.
func (l *lifetime) now() time.Duration {
	switch {
	case l.names:
		return dnsIdle
	case l.both.Load():
		return udpIdle
	}
	return udpAsking
}

func (l *lifetime) asked() { l.timer.Reset(l.now()) }

func (l *lifetime) answered() {
	l.both.Store(true)
	l.asked()
}

func (l *lifetime) stop() { l.timer.Stop() }

// beTruthful makes a socket of the host treat a flow's packets as a router would
// those of the peer. Where that fails the flow works, and the peer hears less.
func (p *Plane) beTruthful(f *flow, socket syscall.Conn) {
	to := f.target().Addr()
	_ = listenForErrors(socket, to.Is4())
	if to.Is4() && mayBeCut(f.quote) {
		_ = allowFragments(socket)
	}
	if mtu, err := routeMTU(socket, to.Is4()); err == nil && mtu < p.device.mtu {
		p.paths.learn(to, mtu)
	}
}

// hear tells the peer what was said about its packets, and says whether the
// flow goes on after an error of its socket: an ICMP error may be the answer to
// a single packet.
func (p *Plane) hear(f *flow, socket syscall.Conn, err error) bool {
	all := heard(socket)
	for _, v := range all {
		p.report(f.flowKey, f.quote, v)
	}
	if len(all) > 0 || errors.Is(err, syscall.EMSGSIZE) {
		return true
	}
	o := outcomeOf(err)
	// Without a word about it, somebody else may just have heard that it was no
	// such thing.
	if o != stayedSilent && (o != hostUnreachable || !hearsErrors) {
		p.reportUnreachable(f.flowKey, f.quote, o)
	}
	return o != stayedSilent
}
