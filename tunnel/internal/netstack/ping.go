package netstack

import (
	"encoding/binary"
	"errors"
	"io"
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// echoHeader is the length of an ICMP echo message without its payload.
const echoHeader = 8

// pingProblem is for a person; the sysctl is the only way to repair it.
const pingProblem = "ping from the tunnel to the home network is asked in another way, which some machines leave without an answer: this system does not let ordinary programs ping; set the sysctl net.ipv4.ping_group_range to \"0 2147483647\""

// pinger carries echo requests on by a socket of the host for each flow; see
// echoWay. Echo to our own tunnel addresses is answered by the stack.
type pinger struct {
	plane  *Plane
	ways   []func(to netip.Addr) (echoWay, error) // the best one first
	denied atomic.Bool                            // only the last way is left
}

// echoWay asks one host for echoes.
type echoWay interface {
	// ask carries a request on, which need not be kept.
	ask(request []byte) error
	// answer waits for a reply, whose identifier is not the request's, or for an
	// error. buf is lent.
	answer(buf []byte) (reply []byte, err error)
	// said is what was heard of requests, with their beginnings as data, and the
	// replies among it.
	said() (verdicts []verdict, replies [][]byte)
	syscall.Conn // the socket, for its options
	SetReadDeadline(time.Time) error
	io.Closer
}

func newPinger(p *Plane, raw func(netip.Addr) (echoWay, error)) *pinger {
	g := &pinger{plane: p, ways: []func(netip.Addr) (echoWay, error){pingWay, raw, probeWay}}
	// Try it once, so that the status can tell before somebody pings.
	if w, err := g.open(netip.AddrFrom4([4]byte{127, 0, 0, 1})); err == nil {
		w.Close()
	}
	return g
}

func (g *pinger) problem() string {
	if g.denied.Load() {
		return pingProblem
	}
	return ""
}

// open opens the best way that this system permits.
func (g *pinger) open(to netip.Addr) (w echoWay, err error) {
	for i, open := range g.ways {
		if w, err = open(to); err == nil {
			if last := i == len(g.ways)-1; g.denied.Swap(last) != last && last {
				g.plane.logger.Warn("neither ping sockets nor raw ones are permitted")
			}
			return w, nil
		}
	}
	return nil, err
}

func (g *pinger) handle4(id stack.TransportEndpointID, pkt *stack.PacketBuffer) bool {
	h := header.ICMPv4(pkt.TransportHeader().Slice())
	if h.Type() != header.ICMPv4Echo {
		return false
	}
	// The stack hands on echo requests with a wrong checksum as well.
	if checksum.Checksum(h, pkt.Data().Checksum()) != 0xffff {
		return true
	}
	return g.handle(id, pkt)
}

func (g *pinger) handle6(id stack.TransportEndpointID, pkt *stack.PacketBuffer) bool {
	if header.ICMPv6(pkt.TransportHeader().Slice()).Type() != header.ICMPv6EchoRequest {
		return false
	}
	return g.handle(id, pkt)
}

// handle takes an echo request to anybody else. Returning false lets the stack
// answer it.
func (g *pinger) handle(id stack.TransportEndpointID, pkt *stack.PacketBuffer) bool {
	msg := append([]byte(nil), pkt.TransportHeader().Slice()...)
	msg = append(msg, pkt.Data().AsRange().ToSlice()...)
	if len(msg) < echoHeader {
		return true
	}
	id.LocalPort, id.RemotePort = 0, binary.BigEndian.Uint16(msg[4:])
	key := flowKey{flowEcho, id}
	to := key.target().Addr()
	if g.plane.isOwn(to) {
		return false
	}
	if g.plane.refusal(key) != nil {
		g.plane.reportUnreachable(key, quoteOf(pkt), prohibited)
		return true
	}
	hops := nextHops(hopsLeft(pkt.NetworkHeader().Slice()))
	if f := g.plane.flows.find(key); f != nil {
		g.send(f, msg, hops)
		return true
	}
	f := g.plane.flows.begin(key, quoteOf(pkt))
	if f == nil {
		return true
	}
	w, err := g.open(to)
	if err != nil {
		g.plane.reportUnreachable(key, f.quote, outcomeOf(err))
		f.end()
		return true
	}
	g.plane.beTruthful(f, w)
	f.setEcho(w)
	g.send(f, msg, hops)
	go g.serve(f, w)
	return true
}

// setEcho makes w the way of an echo flow, closed when the flow is cut.
func (f *flow) setEcho(w echoWay) {
	f.mu.Lock()
	f.echo = w
	f.mu.Unlock()
	f.onCut(func() { w.Close() })
}

// send carries a request of an echo flow on and prolongs the flow's life.
func (g *pinger) send(f *flow, msg []byte, hops int) {
	f.mu.Lock()
	w, was := f.echo, f.hops
	f.hops = hops
	f.mu.Unlock()
	if w == nil {
		return
	}
	if hops != was {
		_ = setHops(w, f.target().Addr().Is4(), hops) // else it goes on as our own would
	}
	_ = w.SetReadDeadline(time.Now().Add(echoIdle))
	err := w.ask(msg)
	if err != nil && !g.hear(f, w) {
		g.plane.reportUnreachable(f.flowKey, f.quoteEcho(msg), outcomeOf(err))
	}
}

// serve takes the replies back to the peer until the flow was idle for long enough.
func (g *pinger) serve(f *flow, w echoWay) {
	defer f.end()
	defer w.Close()
	for {
		err := awaitReadable(w)
		if err == nil {
			err = g.takeReply(f, w)
		}
		if err == nil {
			continue
		}
		if g.hear(f, w) || errors.Is(err, syscall.EMSGSIZE) {
			continue
		}
		o := outcomeOf(err)
		if o == stayedSilent {
			return
		}
		if !hearsErrors {
			g.plane.reportUnreachable(f.flowKey, f.quote, o)
		}
	}
}

// takeReply takes one reply back, of those that have come.
func (g *pinger) takeReply(f *flow, w echoWay) error {
	buf := datagrams.Get().(*[]byte)
	defer datagrams.Put(buf)
	reply, err := w.answer(*buf)
	if err == nil {
		g.reply(f, reply)
	}
	return err
}

// hear tells the peer what was said about its requests, if anything was.
func (g *pinger) hear(f *flow, w echoWay) bool {
	verdicts, replies := w.said()
	for _, v := range verdicts {
		g.plane.report(f.flowKey, f.quoteEcho(v.data), v)
	}
	for _, r := range replies {
		g.reply(f, r)
	}
	return len(verdicts)+len(replies) > 0
}

// reply takes a reply back to the peer, under the peer's own identifier.
func (g *pinger) reply(f *flow, reply []byte) {
	msg := append([]byte(nil), reply...)
	binary.BigEndian.PutUint16(msg[4:], f.id.RemotePort)
	g.plane.sendICMP(f.id.LocalAddress, f.id.RemoteAddress, msg)
}

// quoteEcho is what an error about a request of the flow has to carry: the
// peer knows its requests by identifier and number.
func (f *flow) quoteEcho(request []byte) []byte {
	if len(request) < echoHeader || len(f.quote) < echoHeader {
		return f.quote
	}
	header := f.quote[:len(f.quote)-echoHeader]
	q := append(append([]byte(nil), header...), request[:echoHeader]...)
	start := q[len(header):]
	was, sum := binary.BigEndian.Uint16(start[4:]), ^binary.BigEndian.Uint16(start[2:])
	binary.BigEndian.PutUint16(start[4:], f.id.RemotePort)
	sum = checksum.Combine(checksum.Combine(sum, ^was), f.id.RemotePort) // RFC 1624
	binary.BigEndian.PutUint16(start[2:], ^sum)
	return q
}

// replyType is that of an answer to an echo request.
func replyType(v4 bool) byte {
	if v4 {
		return byte(header.ICMPv4EchoReply)
	}
	return byte(header.ICMPv6EchoReply)
}
