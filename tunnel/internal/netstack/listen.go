package netstack

import (
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/waiter"
)

// listenBacklog is how many accepted connections may wait for Accept.
const listenBacklog = 128

// remember keeps what has to be closed with the plane.
func (p *Plane) remember(c io.Closer) {
	p.mu.Lock()
	closed := p.listeners == nil
	if !closed {
		p.listeners[c] = struct{}{}
	}
	p.mu.Unlock()
	if closed {
		c.Close()
	}
}

func (p *Plane) forget(c io.Closer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.listeners, c)
}

// packetConn is a UDP port of ours inside the tunnel. Unlike gonet's it may be
// closed twice and says net.ErrClosed afterwards, as the net package does.
type packetConn struct {
	*gonet.UDPConn
	plane  *Plane
	once   sync.Once
	closed atomic.Bool
}

// Close implements net.PacketConn.
func (c *packetConn) Close() error {
	c.once.Do(func() {
		c.closed.Store(true)
		c.plane.forget(c)
		c.UDPConn.Close()
	})
	return nil
}

// ReadFrom implements net.PacketConn.
func (c *packetConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := c.UDPConn.ReadFrom(b)
	if err != nil && c.closed.Load() {
		err = net.ErrClosed
	}
	return n, from, err
}

// listener is a TCP port of ours inside the tunnel; see packetConn.
type listener struct {
	*gonet.TCPListener
	plane  *Plane
	once   sync.Once
	closed atomic.Bool
}

// Close implements net.Listener.
func (l *listener) Close() error {
	l.once.Do(func() {
		l.closed.Store(true)
		l.plane.forget(l)
		l.TCPListener.Close()
	})
	return nil
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	c, err := l.TCPListener.Accept()
	if err != nil {
		if l.closed.Load() {
			err = net.ErrClosed
		}
		return nil, err
	}
	out := &ownConn{TCPConn: c.(*gonet.TCPConn), plane: l.plane}
	if from, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		out.peer = from.AddrPort().Addr().Unmap()
	}
	if !l.plane.hold(out) {
		out.Close()
		return nil, net.ErrClosed
	}
	return out, nil
}

// ownConn is a peer's connection to one of our own ports.
type ownConn struct {
	*gonet.TCPConn
	plane *Plane
	peer  netip.Addr
	once  sync.Once
}

// Close implements net.Conn.
func (c *ownConn) Close() error {
	c.once.Do(func() {
		c.plane.mu.Lock()
		delete(c.plane.accepted, c)
		c.plane.mu.Unlock()
		c.TCPConn.Close()
	})
	return nil
}

// hold keeps c, to be closed when its peer is cut. It says whether the plane is open.
func (p *Plane) hold(c *ownConn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listeners == nil {
		return false
	}
	p.accepted[c] = struct{}{}
	return true
}

func (p *Plane) closeAccepted(which func(*ownConn) bool) {
	p.mu.Lock()
	var gone []*ownConn
	for c := range p.accepted {
		if which(c) {
			gone = append(gone, c)
		}
	}
	p.mu.Unlock()
	for _, c := range gone {
		c.Close()
	}
}

// listenTCP is gonet.ListenTCP, but does not mind connections to the same port
// that an earlier listener has left in TIME_WAIT.
func listenTCP(s *stack.Stack, at netip.AddrPort) (*gonet.TCPListener, tcpip.Error) {
	var wq waiter.Queue
	ep, err := s.NewEndpoint(tcp.ProtocolNumber, protocolOf(at.Addr()), &wq)
	if err != nil {
		return nil, err
	}
	ep.SocketOptions().SetReuseAddress(true)
	if err := ep.Bind(fullAddress(at)); err != nil {
		ep.Close()
		return nil, err
	}
	if err := ep.Listen(listenBacklog); err != nil {
		ep.Close()
		return nil, err
	}
	return gonet.NewTCPListener(s, &wq, ep), nil
}
