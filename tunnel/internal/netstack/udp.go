package netstack

import (
	"net"
	"sync"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
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
	ep.SocketOptions().SetReceiveBufferSize(udpReceiveBuffer, true)
	go p.serveUDP(f, gonet.NewUDPConn(&wq, ep))
	return true
}

// serveUDP carries a flow on until it was idle for long enough.
func (p *Plane) serveUDP(f *flow, peer *gonet.UDPConn) {
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
	life := udpIdle
	if f.target().Port() == dnsPort {
		life = dnsIdle
	}
	idle := time.AfterFunc(life, both)
	defer idle.Stop()

	var up sync.WaitGroup
	up.Go(func() {
		defer both()
		p.passUDP(f, host, peer, idle, life)
	})
	p.passUDP(f, peer, host, idle, life)
	both()
	up.Wait()
}

// datagrams lends the buffers for copying UDP.
var datagrams = sync.Pool{New: func() any { b := make([]byte, 64<<10); return &b }}

// passUDP copies datagrams and keeps the flow's idle timer from running out.
func (p *Plane) passUDP(f *flow, dst, src net.Conn, idle *time.Timer, life time.Duration) {
	buf := datagrams.Get().(*[]byte)
	defer datagrams.Put(buf)
	for {
		n, err := src.Read(*buf)
		if err == nil {
			idle.Reset(life)
			_, err = dst.Write((*buf)[:n])
		}
		if err == nil {
			continue
		}
		o := outcomeOf(err)
		if o == stayedSilent {
			return // closed by the timer, by a cut or by the other direction
		}
		// Somebody on the way answered a datagram with an ICMP error. It may be
		// the answer to a single one: the flow goes on.
		p.reportUnreachable(f.flowKey, f.quote, o)
	}
}
