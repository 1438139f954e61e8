package bind

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
	"golang.zx2c4.com/wireguard/conn"
)

// socketBuffer is what the kernel may queue for us, each way, in bytes; without
// CAP_NET_ADMIN it gives us less.
const socketBuffer = 7 << 20

// sockets is a conn.Bind of one socket for each family and port.
type sockets struct {
	senders sync.Pool // *sender

	mu      sync.Mutex // guards what follows
	pair               // of the first port
	further []further  // the other ones that are open
	wanted  []uint16   // which they shall be after the next Open
	missing error      // why some of them are not open
	mark    uint32
}

// pair is the sockets of one port.
type pair struct {
	v4 *socket // nil: not open, or a family that this system does not have
	v6 *socket
}

// further is another port that is listened on, too.
type further struct {
	port uint16
	pair
}

// socket is one UDP socket.
type socket struct {
	conn *net.UDPConn
	raw  syscall.RawConn
	v6   bool
	gro  bool
	gso  atomic.Bool // until it turns out that the network card cannot
}

func newSockets() conn.Bind {
	s := &sockets{}
	s.senders.New = func() any { return newSender() }
	return s
}

// BatchSize implements conn.Bind.
func (*sockets) BatchSize() int { return conn.IdealBatchSize }

// Open implements conn.Bind. A further port that cannot be opened is left out.
func (s *sockets) Open(port uint16) ([]conn.ReceiveFunc, uint16, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.v4 != nil || s.v6 != nil {
		return nil, 0, conn.ErrBindAlreadyOpen
	}
	first, port, err := openPair(port)
	if err != nil {
		return nil, 0, err
	}
	s.pair, s.further, s.missing = first, nil, nil
	receivers := first.receivers(0)
	for _, other := range s.wanted {
		p, _, err := openPair(other)
		if err != nil {
			s.missing = errors.Join(s.missing, fmt.Errorf("opening UDP port %d: %w", other, err))
			continue
		}
		s.further = append(s.further, further{other, p})
		receivers = append(receivers, p.receivers(other)...)
	}
	return receivers, port, s.setMarkLocked()
}

// openPair opens a port in both families; port 0 is one of the kernel's choice.
func openPair(port uint16) (pair, uint16, error) {
	v4, err := openSocket("udp4", port)
	if err != nil && !errors.Is(err, syscall.EAFNOSUPPORT) {
		return pair{}, 0, err
	}
	if v4 != nil {
		port = v4.port()
	}
	v6, err := openSocket("udp6", port)
	if err != nil && !(errors.Is(err, syscall.EAFNOSUPPORT) && v4 != nil) {
		if v4 != nil {
			v4.conn.Close()
		}
		return pair{}, 0, err
	}
	if v6 != nil {
		port = v6.port()
	}
	return pair{v4, v6}, port, nil
}

// receivers makes the receivers of an open pair; via is what the endpoints of the
// packets remember it by.
func (p pair) receivers(via uint16) []conn.ReceiveFunc {
	var list []conn.ReceiveFunc
	for _, k := range p.sockets() {
		list = append(list, newReceiver(k, via).receive)
	}
	return list
}

// sockets are those of the pair that are open.
func (p pair) sockets() []*socket {
	var open []*socket
	for _, k := range []*socket{p.v4, p.v6} {
		if k != nil {
			open = append(open, k)
		}
	}
	return open
}

func (s *sockets) openLocked() []*socket {
	open := s.pair.sockets()
	for _, f := range s.further {
		open = append(open, f.pair.sockets()...)
	}
	return open
}

// listenFurther makes ports the further ones after the next Open. It reports whether
// they are others than before.
func (s *sockets) listenFurther(ports []uint16) (changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	changed = !slices.Equal(s.wanted, ports)
	s.wanted = slices.Clone(ports)
	return changed
}

// notOpen says why a further port is not open, or nil.
func (s *sockets) notOpen() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.missing
}

// furtherOpen are the further ports that are open.
func (s *sockets) furtherOpen() (ports []uint16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.further {
		ports = append(ports, f.port)
	}
	return ports
}

// Close implements conn.Bind.
func (s *sockets) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	for _, k := range s.openLocked() {
		err = errors.Join(err, k.conn.Close())
	}
	s.pair, s.further = pair{}, nil
	return err
}

// SetMark implements conn.Bind. The mark also holds for sockets opened later.
func (s *sockets) SetMark(mark uint32) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mark == mark {
		return nil // setting 0 anew would need a right that we may not have
	}
	s.mark = mark
	return s.setMarkLocked()
}

func (s *sockets) setMarkLocked() error {
	if s.mark == 0 {
		return nil
	}
	var errs error
	for _, k := range s.openLocked() {
		var serr error
		err := k.raw.Control(func(fd uintptr) { serr = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_MARK, int(s.mark)) })
		errs = errors.Join(errs, err, serr)
	}
	return errs
}

// of returns the open socket that a packet to e leaves by: the one that e's packets
// came by, so that it passes the same router's table and firewalls, or the first
// port's.
func (s *sockets) of(e *endpoint) (*socket, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	from := s.pair
	if e.via != 0 {
		for _, f := range s.further {
			if f.port == e.via {
				from = f.pair
			}
		}
	}
	k := from.v4
	if e.to.Addr().Is6() {
		k = from.v6
	}
	switch {
	case k != nil:
		return k, nil
	case s.v4 == nil && s.v6 == nil:
		return nil, net.ErrClosed
	}
	return nil, syscall.EAFNOSUPPORT
}

func openSocket(network string, port uint16) (*socket, error) {
	k := &socket{v6: network == "udp6"}
	lc := net.ListenConfig{Control: func(_, _ string, rc syscall.RawConn) error {
		var err error
		cerr := rc.Control(func(fd uintptr) { err = k.configure(int(fd)) })
		return errors.Join(cerr, err)
	}}
	c, err := lc.ListenPacket(context.Background(), network, ":"+strconv.Itoa(int(port)))
	if err != nil {
		return nil, err
	}
	k.conn = c.(*net.UDPConn)
	if k.raw, err = k.conn.SyscallConn(); err != nil {
		c.Close()
		return nil, err
	}
	return k, nil
}

// configure sets what a socket needs, and finds out what it can.
func (k *socket) configure(fd int) error {
	for _, o := range []int{unix.SO_RCVBUF, unix.SO_SNDBUF, unix.SO_RCVBUFFORCE, unix.SO_SNDBUFFORCE} {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, o, socketBuffer) // as much as we may have
	}
	level, option := unix.IPPROTO_IP, unix.IP_PKTINFO
	if k.v6 {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1); err != nil {
			return err
		}
		level, option = unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO
	}
	if err := unix.SetsockoptInt(fd, level, option, 1); err != nil {
		return err
	}
	if !k.v6 {
		allowFragments(fd)
	}
	_, err := unix.GetsockoptInt(fd, unix.SOL_UDP, unix.UDP_SEGMENT)
	k.gso.Store(err == nil)
	k.gro = unix.SetsockoptInt(fd, unix.SOL_UDP, unix.UDP_GRO, 1) == nil
	return nil
}

// allowFragments lets routers on the way cut what is too large for them, as the
// kernel's WireGuard does: where a provider drops the ICMP message that would tell
// us, only small packets would arrive. What such a message says is not believed
// either, since anybody may send one. In IPv6 routers don't cut (RFC 8200, section 5).
func allowFragments(fd int) {
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_OMIT) // from Linux 3.15 on
}

func (k *socket) port() uint16 { return k.conn.LocalAddr().(*net.UDPAddr).AddrPort().Port() }
