package netstack

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"golang.org/x/net/icmp"
	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// echoHeader is the length of an ICMP echo message without its payload.
const echoHeader = 8

// pingProblem is for a person; the sysctl is the only way to repair it.
const pingProblem = "ping from the tunnel to the home network does not work: this system does not let ordinary programs ping; set the sysctl net.ipv4.ping_group_range to \"0 2147483647\""

// pinger carries echo requests on by the kernel's unprivileged ping sockets
// (SOCK_DGRAM with IPPROTO_ICMP or IPPROTO_ICMPV6), one for each flow. Echo to
// our own tunnel addresses is answered by the stack.
type pinger struct {
	plane   *Plane
	denied  atomic.Bool
	network map[bool][2]string // by "is IPv4": network and wildcard address
}

func newPinger(p *Plane) *pinger {
	g := &pinger{plane: p, network: map[bool][2]string{true: {"udp4", "0.0.0.0"}, false: {"udp6", "::"}}}
	// Try it once, so that the status can tell before somebody pings.
	if c, err := g.open(true); err == nil {
		c.Close()
	}
	return g
}

func (g *pinger) problem() string {
	if g.denied.Load() {
		return pingProblem
	}
	return ""
}

func (g *pinger) open(v4 bool) (*icmp.PacketConn, error) {
	n := g.network[v4]
	c, err := icmp.ListenPacket(n[0], n[1])
	if errors.Is(err, fs.ErrPermission) && !g.denied.Swap(true) {
		g.plane.logger.Warn("ping sockets are not permitted", "err", err)
	}
	return c, err
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
	if f := g.plane.flows.find(key); f != nil {
		f.send(msg)
		return true
	}
	f := g.plane.flows.begin(key, quoteOf(pkt))
	if f == nil {
		return true
	}
	c, err := g.open(to.Is4())
	if err != nil {
		f.end()
		return true
	}
	f.setEcho(c)
	f.send(msg)
	go g.serve(f, c)
	return true
}

// setEcho makes c the socket of an echo flow, closed when the flow is cut.
func (f *flow) setEcho(c *icmp.PacketConn) {
	f.mu.Lock()
	f.echo = c
	f.mu.Unlock()
	f.onCut(func() { c.Close() })
}

// send writes a request into an echo flow's socket and prolongs its life. The
// kernel puts its own identifier and checksum in.
func (f *flow) send(msg []byte) {
	f.mu.Lock()
	c := f.echo
	f.mu.Unlock()
	if c == nil {
		return
	}
	_ = c.SetReadDeadline(time.Now().Add(echoIdle))
	_, _ = c.WriteTo(msg, &net.UDPAddr{IP: f.target().Addr().AsSlice()})
}

// serve takes the replies back to the peer until the flow was idle for long enough.
func (g *pinger) serve(f *flow, c *icmp.PacketConn) {
	defer f.end()
	defer c.Close()
	buf := datagrams.Get().(*[]byte)
	defer datagrams.Put(buf)
	want := byte(header.ICMPv4EchoReply)
	if f.target().Addr().Is6() {
		want = byte(header.ICMPv6EchoReply)
	}
	for {
		n, from, err := c.ReadFrom(*buf)
		if err != nil {
			if o := outcomeOf(err); o != stayedSilent {
				g.plane.reportUnreachable(f.flowKey, f.quote, o)
				continue
			}
			return
		}
		if n < echoHeader || (*buf)[0] != want || !isFrom(from, f.target().Addr()) {
			continue
		}
		msg := append([]byte(nil), (*buf)[:n]...)
		binary.BigEndian.PutUint16(msg[4:], f.id.RemotePort)
		g.plane.sendICMP(f.id.LocalAddress, f.id.RemoteAddress, msg)
	}
}

func isFrom(a net.Addr, want netip.Addr) bool {
	u, ok := a.(*net.UDPAddr)
	return ok && u.AddrPort().Addr().Unmap() == want
}
