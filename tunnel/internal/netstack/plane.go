package netstack

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	"golang.zx2c4.com/wireguard/tun"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/icmp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"

	"homeward/tunnel/internal/filter"
	"homeward/tunnel/internal/plane"
)

// minMTU is what IPv6 needs (RFC 8200, section 5).
const minMTU = 1280

// Plane is the rootless data plane. It implements plane.Plane,
// plane.FlowCutter, plane.FlowJudge, plane.BoxOpener, plane.LimitReporter and
// plane.ProblemReporter.
type Plane struct {
	own      []netip.Prefix
	device   *device
	stack    *stack.Stack
	forward  *tcp.Forwarder
	limits   Limits
	flows    *flows
	dialable func(netip.Addr) error
	dial     dialFunc
	pings    *pinger
	logger   *slog.Logger
	paths    paths
	boxUsers atomic.Pointer[map[netip.Addr]bool] // peers that may reach the host itself

	closing sync.Once

	mu        sync.Mutex             // guards what follows
	listeners map[io.Closer]struct{} // nil when the plane is closed
	accepted  map[*ownConn]struct{}  // connections to our own ports
}

var (
	_ plane.Plane           = (*Plane)(nil)
	_ plane.FlowCutter      = (*Plane)(nil)
	_ plane.FlowJudge       = (*Plane)(nil)
	_ plane.BoxOpener       = (*Plane)(nil)
	_ plane.LimitReporter   = (*Plane)(nil)
	_ plane.ProblemReporter = (*Plane)(nil)
)

// dialFunc opens a socket of the host to an address that was found dialable.
type dialFunc func(ctx context.Context, network string, to netip.AddrPort) (net.Conn, error)

// options are what tests replace.
type options struct {
	limits   Limits
	dialable func(netip.Addr) error
	dial     dialFunc
	rawEcho  func(netip.Addr) (echoWay, error) // nil means rawWay
}

// Open opens the plane. It changes nothing in the host. Config's Name,
// ListenPort and StateDir are not used.
func Open(cfg plane.Config) (*Plane, error) {
	return open(cfg, options{limits: LimitsFor(cfg.Memory), dialable: newPolicy(cfg.Addresses).dialable, dial: dialHost})
}

func open(cfg plane.Config, o options) (*Plane, error) {
	if cfg.MTU < minMTU || cfg.MTU > 65535 {
		return nil, fmt.Errorf("opening the rootless data plane: MTU %d is not between %d and 65535", cfg.MTU, minMTU)
	}
	if o.rawEcho == nil {
		o.rawEcho = rawWay
	}
	d := newDevice(cfg.MTU, cfg.Addresses)
	d.between = cfg.Guarded
	s, err := newStack(d, cfg.Addresses, o.limits.Buffer)
	if err != nil {
		return nil, fmt.Errorf("opening the rootless data plane: %w", err)
	}
	p := &Plane{
		own:       slices.Clone(cfg.Addresses),
		device:    d,
		stack:     s,
		limits:    o.limits,
		flows:     newFlows(o.limits),
		dialable:  o.dialable,
		dial:      o.dial,
		logger:    cfg.Logger,
		listeners: map[io.Closer]struct{}{},
		accepted:  map[*ownConn]struct{}{},
	}
	d.end, d.narrow = p.end, &p.paths.narrow
	p.pings = newPinger(p, o.rawEcho)
	// The register counts the connections being dialled, not the forwarder.
	p.forward = tcp.NewForwarder(s, 0, 1<<30, p.serveTCP)
	s.SetTransportProtocolHandler(tcp.ProtocolNumber, p.handleTCP)
	s.SetTransportProtocolHandler(udp.ProtocolNumber, p.handleUDP)
	s.SetTransportProtocolHandler(icmp.ProtocolNumber4, p.pings.handle4)
	s.SetTransportProtocolHandler(icmp.ProtocolNumber6, p.pings.handle6)
	d.events <- tun.EventUp
	return p, nil
}

// Device returns the end of the plane that wireguard-go holds.
func (p *Plane) Device() tun.Device { return p.device }

// ListenPacket opens a UDP port on one of our own tunnel addresses.
func (p *Plane) ListenPacket(addr netip.AddrPort) (net.PacketConn, error) {
	if !p.isOwn(addr.Addr()) {
		return nil, fmt.Errorf("listening on udp %v: not an address of the tunnel's own", addr)
	}
	local := fullAddress(addr)
	c, err := gonet.DialUDP(p.stack, &local, nil, protocolOf(addr.Addr()))
	if err != nil {
		return nil, fmt.Errorf("listening on udp %v inside the tunnel: %w", addr, err)
	}
	pc := &packetConn{UDPConn: c, plane: p}
	p.remember(pc)
	return pc, nil
}

// Listen opens a TCP port on one of our own tunnel addresses.
func (p *Plane) Listen(addr netip.AddrPort) (net.Listener, error) {
	if !p.isOwn(addr.Addr()) {
		return nil, fmt.Errorf("listening on tcp %v: not an address of the tunnel's own", addr)
	}
	l, err := listenTCP(p.stack, addr)
	if err != nil {
		return nil, fmt.Errorf("listening on tcp %v inside the tunnel: %v", addr, err)
	}
	tl := &listener{TCPListener: l, plane: p}
	p.remember(tl)
	return tl, nil
}

// CutFlows ends all flows that one of these peer addresses opened.
func (p *Plane) CutFlows(addrs []netip.Addr) {
	p.flows.cut(addrs)
	p.closeAccepted(func(c *ownConn) bool { return slices.Contains(addrs, c.peer) })
}

// CutFlowsUnless ends the flows that allowed says no to.
func (p *Plane) CutFlowsUnless(allowed func(filter.Flow) bool) { p.flows.cutUnless(allowed) }

// Limits says what peers may have open.
func (p *Plane) Limits() string { return p.limits.String() }

// Problem says what of the plane does not work here, or "".
func (p *Plane) Problem() string { return p.pings.problem() }

// Close ends all flows and waits until nothing of the plane runs any more.
func (p *Plane) Close() error {
	p.closing.Do(func() {
		p.device.Close()
		p.mu.Lock()
		open := p.listeners
		p.listeners = nil
		p.mu.Unlock()
		for l := range open {
			l.Close()
		}
		p.closeAccepted(func(*ownConn) bool { return true })
		// Close comes before flows.close: it ends inner handshakes that a peer
		// never finished, for which a flow would be waiting.
		p.stack.Close()
		p.flows.close()
		p.stack.Wait()
	})
	return nil
}

func (p *Plane) isOwn(a netip.Addr) bool { return p.device.isOwn(a) }
