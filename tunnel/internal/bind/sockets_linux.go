package bind

import (
	"context"
	"errors"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
	"golang.zx2c4.com/wireguard/conn"
)

// socketBuffer is what the kernel may queue for us, each way, in bytes; without
// CAP_NET_ADMIN it gives us less.
const socketBuffer = 7 << 20

// sockets is a conn.Bind of one socket for each family.
type sockets struct {
	senders sync.Pool // *sender

	mu   sync.Mutex // guards what follows
	v4   *socket    // nil: not open, or a family that this system does not have
	v6   *socket
	mark uint32
}

// socket is one UDP socket.
type socket struct {
	conn  *net.UDPConn
	raw   syscall.RawConn
	batch batchConn
	v6    bool
	gro   bool
	gso   atomic.Bool // until it turns out that the network card cannot
}

// batchConn is ipv4.PacketConn and ipv6.PacketConn: many messages at one call.
type batchConn interface {
	ReadBatch(messages []ipv6.Message, flags int) (int, error)
	WriteBatch(messages []ipv6.Message, flags int) (int, error)
}

func newSockets() conn.Bind {
	s := &sockets{}
	s.senders.New = func() any { return newSender() }
	return s
}

// BatchSize implements conn.Bind.
func (*sockets) BatchSize() int { return conn.IdealBatchSize }

// Open implements conn.Bind.
func (s *sockets) Open(port uint16) ([]conn.ReceiveFunc, uint16, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.v4 != nil || s.v6 != nil {
		return nil, 0, conn.ErrBindAlreadyOpen
	}
	v4, err := openSocket("udp4", port)
	if err != nil && !errors.Is(err, syscall.EAFNOSUPPORT) {
		return nil, 0, err
	}
	if v4 != nil {
		port = v4.port()
	}
	v6, err := openSocket("udp6", port)
	if err != nil && !(errors.Is(err, syscall.EAFNOSUPPORT) && v4 != nil) {
		if v4 != nil {
			v4.conn.Close()
		}
		return nil, 0, err
	}
	if v6 != nil {
		port = v6.port()
	}
	s.v4, s.v6 = v4, v6
	var receivers []conn.ReceiveFunc
	for _, k := range s.openLocked() {
		receivers = append(receivers, newReceiver(k).receive)
	}
	return receivers, port, s.setMarkLocked()
}

func (s *sockets) openLocked() []*socket {
	var open []*socket
	for _, k := range []*socket{s.v4, s.v6} {
		if k != nil {
			open = append(open, k)
		}
	}
	return open
}

// Close implements conn.Bind.
func (s *sockets) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	for _, k := range s.openLocked() {
		err = errors.Join(err, k.conn.Close())
	}
	s.v4, s.v6 = nil, nil
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

// of returns the open socket of a family.
func (s *sockets) of(v6 bool) (*socket, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.v4
	if v6 {
		k = s.v6
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
	if k.batch = batchConn(ipv4.NewPacketConn(k.conn)); k.v6 {
		k.batch = ipv6.NewPacketConn(k.conn)
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
	_, err := unix.GetsockoptInt(fd, unix.SOL_UDP, unix.UDP_SEGMENT)
	k.gso.Store(err == nil)
	k.gro = unix.SetsockoptInt(fd, unix.SOL_UDP, unix.UDP_GRO, 1) == nil
	return nil
}

func (k *socket) port() uint16 { return k.conn.LocalAddr().(*net.UDPAddr).AddrPort().Port() }
