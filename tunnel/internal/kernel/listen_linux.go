package kernel

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"
)

// ListenPacket opens a UDP port on one of our own tunnel addresses.
func (p *Plane) ListenPacket(addr netip.AddrPort) (net.PacketConn, error) {
	if err := p.checkOwn(addr); err != nil {
		return nil, fmt.Errorf("listening on udp %v: %w", addr, err)
	}
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(addr))
	if err != nil {
		return nil, fmt.Errorf("listening inside the tunnel: %w", err)
	}
	pc := &packetConn{UDPConn: c}
	if pc.door, err = p.openDoor(pc, unix.IPPROTO_UDP, c.LocalAddr().(*net.UDPAddr).AddrPort()); err != nil {
		c.Close()
		return nil, fmt.Errorf("opening udp %v to the peers: %w", addr, err)
	}
	return pc, nil
}

// Listen opens a TCP port on one of our own tunnel addresses.
func (p *Plane) Listen(addr netip.AddrPort) (net.Listener, error) {
	if err := p.checkOwn(addr); err != nil {
		return nil, fmt.Errorf("listening on tcp %v: %w", addr, err)
	}
	l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(addr))
	if err != nil {
		return nil, fmt.Errorf("listening inside the tunnel: %w", err)
	}
	tl := &listener{TCPListener: l}
	if tl.door, err = p.openDoor(tl, unix.IPPROTO_TCP, l.Addr().(*net.TCPAddr).AddrPort()); err != nil {
		l.Close()
		return nil, fmt.Errorf("opening tcp %v to the peers: %w", addr, err)
	}
	return tl, nil
}

func (p *Plane) checkOwn(addr netip.AddrPort) error {
	if slices.ContainsFunc(p.cfg.Addresses, func(o netip.Prefix) bool { return o.Addr() == addr.Addr() }) {
		return nil
	}
	return fmt.Errorf("not an address of the tunnel's own")
}

// door is a port in our table's set of open ones.
type door struct {
	plane *Plane
	owner io.Closer
	set   *nftables.Set
	key   []nftables.SetElement
	once  sync.Once
}

// openDoor lets peers through to a socket that exists already.
func (p *Plane) openDoor(owner io.Closer, proto byte, at netip.AddrPort) (*door, error) {
	a := at.Addr().Unmap()
	d := &door{plane: p, owner: owner, set: p.rules.ports[a.Is4()], key: portKey(proto, netip.AddrPortFrom(a, at.Port()))}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, net.ErrClosed
	}
	// A short exchange with the kernel under the lock, so that table and map
	// say the same.
	if err := d.update((*nftables.Conn).SetAddElements); err != nil {
		return nil, err
	}
	p.rules.keep(d.set, func(all []nftables.SetElement) []nftables.SetElement { return append(all, d.key...) })
	p.listeners[owner] = struct{}{}
	return d, nil
}

// close closes the door once. With the plane goes the whole table.
func (d *door) close() {
	d.once.Do(func() {
		d.plane.mu.Lock()
		defer d.plane.mu.Unlock()
		if d.plane.closed {
			return
		}
		delete(d.plane.listeners, d.owner)
		d.plane.rules.keep(d.set, func(all []nftables.SetElement) []nftables.SetElement {
			return slices.DeleteFunc(all, func(e nftables.SetElement) bool { return bytes.Equal(e.Key, d.key[0].Key) })
		})
		if err := d.update((*nftables.Conn).SetDeleteElements); err != nil {
			d.plane.cfg.Logger.Warn("closing a port to the peers", "err", err)
		}
	})
}

func (d *door) update(how func(*nftables.Conn, *nftables.Set, []nftables.SetElement) error) error {
	conn, err := nftables.New()
	if err != nil {
		return err
	}
	if err := how(conn, d.set, d.key); err != nil {
		return err
	}
	return conn.Flush()
}

// packetConn is a UDP port of ours.
type packetConn struct {
	*net.UDPConn
	door *door
}

// Close implements net.PacketConn. It may be called again.
func (c *packetConn) Close() error {
	c.door.close()
	c.UDPConn.Close()
	return nil
}

// listener is a TCP port of ours.
type listener struct {
	*net.TCPListener
	door *door
}

// conn is known to the plane, so that it ends with its peer.
type conn struct {
	*net.TCPConn
	plane *Plane
	peer  netip.Addr
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	tc, err := l.AcceptTCP()
	if err != nil {
		return nil, err
	}
	p := l.door.plane
	c := &conn{tc, p, tc.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap()}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		tc.Close()
		return nil, net.ErrClosed
	}
	p.conns[c] = struct{}{}
	return c, nil
}

// Close implements net.Listener. Accepted connections stay. It may be called again.
func (l *listener) Close() error {
	l.door.close()
	l.TCPListener.Close()
	return nil
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.plane.mu.Lock()
	delete(c.plane.conns, c)
	c.plane.mu.Unlock()
	return c.TCPConn.Close()
}
