package netstack

import (
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/waiter"
)

// Inner keepalives only find out that a peer went away for good. They are rare
// because each of them wakes a phone's radio.
const (
	keepaliveIdle     = 30 * time.Minute
	keepaliveInterval = 75 * time.Second
	keepaliveCount    = 5
)

// handleTCP takes the TCP packets that belong to no connection and no listener
// of ours. It runs while wireguard-go's Write waits, and so registers the flow
// before the peer that sent it can be removed. What it does not handle the
// stack answers with a reset.
func (p *Plane) handleTCP(id stack.TransportEndpointID, pkt *stack.PacketBuffer) bool {
	flags := header.TCP(pkt.TransportHeader().Slice()).Flags()
	if !flags.Contains(header.TCPFlagSyn) || flags.Contains(header.TCPFlagAck) {
		return false
	}
	key := flowKey{flowTCP, id}
	if p.isOurs(key) || p.refusal(key) != nil {
		return false
	}
	f := p.flows.begin(key, quoteOf(pkt))
	if f == nil {
		return true // sent again while we dial, or too many: the client will try again
	}
	if !p.forward.HandlePacket(id, pkt) {
		f.end()
		return false
	}
	return true
}

// serveTCP dials, then accepts, then copies. The forwarder calls it in a
// goroutine of its own for each flow that handleTCP began.
//
// Complete is called exactly once on every path, and before end: the other way
// round the forwarder would swallow the same client's next SYN, for which a
// flow would then have been begun that nobody ends.
func (p *Plane) serveTCP(r *tcp.ForwarderRequest) {
	id := r.ID()
	f := p.flows.find(flowKey{flowTCP, id})
	defer f.end()
	host, err := p.dialFor(f, "tcp")
	if err != nil {
		o := outcomeOf(err)
		r.Complete(o == refused)
		if o != refused && f.ctx.Err() == nil {
			p.reportUnreachable(f.flowKey, f.quote, o)
		}
		return
	}
	defer host.Close()
	f.dialled()
	var wq waiter.Queue
	abort := func() { p.abortHandshake(id) }
	f.onCut(abort)
	late := time.AfterFunc(handshakeTimeout, abort)
	ep, terr := r.CreateEndpoint(&wq)
	late.Stop()
	r.Complete(false)
	if terr != nil { // the peer went away during the handshake
		reset(host)
		return
	}
	setKeepalive(ep)
	p.relayTCP(f, &inner{TCPConn: gonet.NewTCPConn(&wq, ep), ep: ep, queue: &wq}, host)
}

// abortHandshake ends a handshake that the peer has not finished.
func (p *Plane) abortHandshake(id stack.TransportEndpointID) {
	ep, ok := p.stack.FindTransportEndpoint(protocolOf(addrOf(id.LocalAddress)), tcp.ProtocolNumber, id, nicID).(*tcp.Endpoint)
	if ok && tcp.EndpointState(ep.State()) == tcp.StateSynRecv {
		ep.Abort()
	}
}

func setKeepalive(ep tcpip.Endpoint) {
	idle, interval := tcpip.KeepaliveIdleOption(keepaliveIdle), tcpip.KeepaliveIntervalOption(keepaliveInterval)
	// Errors: the options exist for every TCP endpoint.
	_ = ep.SetSockOpt(&idle)
	_ = ep.SetSockOpt(&interval)
	_ = ep.SetSockOptInt(tcpip.KeepaliveCountOption, keepaliveCount)
	ep.SocketOptions().SetKeepAlive(true)
	ep.SocketOptions().SetDelayOption(false)
}
