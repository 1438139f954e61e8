package netstack

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	wgnetstack "golang.zx2c4.com/wireguard/tun/netstack"

	"homeward/tunnel/internal/plane"
)

const (
	patience = time.Minute
	again    = 2 * time.Second // after which what may get lost is sent once more
)

// world is a plane with one peer's stack on the other end of the wire. What
// the peer calls 198.51.100.9 is this machine's loopback.
type world struct {
	*Plane
	peer *wgnetstack.Net
}

var away = netip.MustParseAddr("198.51.100.9")

func toLoopback(ctx context.Context, network string, to netip.AddrPort) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), to.Port()).String())
}

func newWorld(t *testing.T, change func(*options)) *world {
	t.Helper()
	cfg := plane.Config{Addresses: prefixes("10.66.0.1/24", "fd66::1/64"), MTU: 1412, Logger: slog.New(slog.DiscardHandler)}
	o := options{limits: DefaultLimits(), dialable: func(netip.Addr) error { return nil }, dial: toLoopback}
	if change != nil {
		change(&o)
	}
	p, err := open(cfg, o)
	if err != nil {
		t.Fatal(err)
	}
	dev, stack, err := wgnetstack.CreateNetTUN([]netip.Addr{netip.MustParseAddr("10.66.0.2"), netip.MustParseAddr("fd66::2")}, nil, cfg.MTU)
	if err != nil {
		t.Fatal(err)
	}
	var pumps sync.WaitGroup
	pump := func(from, to interface {
		Read([][]byte, []int, int) (int, error)
		Write([][]byte, int) (int, error)
		BatchSize() int
	}) {
		bufs, sizes := make([][]byte, from.BatchSize()), make([]int, from.BatchSize())
		for i := range bufs {
			bufs[i] = make([]byte, 65535)
		}
		for {
			n, err := from.Read(bufs, sizes, 0)
			if err != nil {
				return
			}
			for i := range n {
				to.Write([][]byte{bufs[i][:sizes[i]]}, 0)
			}
		}
	}
	pumps.Go(func() { pump(dev, p.device) })
	pumps.Go(func() { pump(p.device, dev) })
	t.Cleanup(func() {
		p.device.Close()
		p.Close()
		dev.Close()
		pumps.Wait()
		if p.flows.total != (counts{}) {
			t.Errorf("flows left: %v", p.flows.total)
		}
	})
	return &world{p, stack}
}

// listen is a TCP server on loopback. It returns what the peer has to dial.
func listen(t *testing.T, serve func(*net.TCPConn)) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				serve(c.(*net.TCPConn))
			})
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return netip.AddrPortFrom(away, l.Addr().(*net.TCPAddr).AddrPort().Port())
}

func (w *world) dialTCP(t *testing.T, to netip.AddrPort) (interface {
	net.Conn
	CloseWrite() error
}, error) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := w.peer.DialContextTCPAddrPort(ctx, to)
	if err != nil {
		return nil, err
	}
	c.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { c.Close() })
	return c, nil
}

func TestHalfCloseAndDataBothWays(t *testing.T) {
	big := bytes.Repeat([]byte("homeward"), 1<<17)
	w := newWorld(t, nil)
	to := listen(t, func(c *net.TCPConn) {
		got, err := io.ReadAll(c) // ends when the peer closes its half
		if err != nil || !bytes.Equal(got, big) {
			t.Errorf("the server got %d bytes, %v", len(got), err)
		}
		c.Write(got)
	})
	c, err := w.dialTCP(t, to)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		c.Write(big)
		c.CloseWrite()
	}()
	if got, err := io.ReadAll(c); err != nil || !bytes.Equal(got, big) {
		t.Errorf("the peer got %d bytes, %v", len(got), err)
	}
}

func TestAResetOfTheServerReachesThePeer(t *testing.T) {
	w := newWorld(t, nil)
	to := listen(t, func(c *net.TCPConn) {
		io.ReadFull(c, make([]byte, 1))
		c.SetLinger(0)
	})
	c, err := w.dialTCP(t, to)
	if err != nil {
		t.Fatal(err)
	}
	c.Write([]byte("x"))
	if _, err := io.ReadAll(c); err == nil {
		t.Error("the peer saw a normal end")
	}
}

func TestAFailedDialLooksLikeIt(t *testing.T) {
	for _, c := range []struct {
		name  string
		err   error
		quick bool // the peer gets an answer
	}{
		{"closed port", syscall.ECONNREFUSED, true},
		{"host down", syscall.EHOSTUNREACH, true},
		{"no route", syscall.ENETUNREACH, true},
		{"no answer", context.DeadlineExceeded, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			dialled := make(chan struct{}, 16)
			w := newWorld(t, func(o *options) {
				o.dial = func(context.Context, string, netip.AddrPort) (net.Conn, error) {
					dialled <- struct{}{}
					return nil, c.err
				}
			})
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			ended := make(chan error, 1)
			go func() {
				_, err := w.peer.DialContextTCPAddrPort(ctx, netip.AddrPortFrom(away, 80))
				ended <- err
			}()
			<-dialled
			if !c.quick {
				<-dialled // the SYN that is sent again is taken again
				cancel()
			}
			if err := <-ended; err == nil || (ctx.Err() == nil) != c.quick {
				t.Errorf("the peer's dial: %v", err)
			}
		})
	}
}

func TestAcceptingWaitsForTheDial(t *testing.T) {
	dialling, go_ := make(chan struct{}), make(chan struct{})
	w := newWorld(t, func(o *options) {
		o.dial = func(ctx context.Context, network string, to netip.AddrPort) (net.Conn, error) {
			close(dialling)
			<-go_
			return toLoopback(ctx, network, to)
		}
	})
	to := listen(t, func(*net.TCPConn) {})
	connected := make(chan error, 1)
	go func() {
		_, err := w.dialTCP(t, to)
		connected <- err
	}()
	<-dialling
	select {
	case err := <-connected:
		t.Errorf("the peer's dial ended before ours: %v", err)
	default:
	}
	close(go_)
	if err := <-connected; err != nil {
		t.Error(err)
	}
}

func TestRefusedAddressesAreNotDialled(t *testing.T) {
	w := newWorld(t, func(o *options) {
		o.dialable = testPolicy().dialable
		o.dial = func(_ context.Context, network string, to netip.AddrPort) (net.Conn, error) {
			t.Errorf("dialled %s %v", network, to)
			return nil, errNotDialable
		}
	})
	for _, to := range []string{"10.66.0.1:80", "10.66.0.9:80", "192.168.7.10:80", "[fd66::1]:80", "[fd00:ec2::254]:80"} {
		if _, err := w.dialTCP(t, netip.MustParseAddrPort(to)); err == nil {
			t.Errorf("%s was accepted", to)
		}
	}
}

func TestUDPBothWays(t *testing.T) {
	w := newWorld(t, nil)
	server, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	go func() {
		b := make([]byte, 1<<16)
		for {
			n, from, err := server.ReadFrom(b)
			if err != nil {
				return
			}
			server.WriteTo(b[:n], from)
		}
	}()
	c, err := w.peer.DialUDPAddrPort(netip.AddrPort{}, netip.AddrPortFrom(away, server.LocalAddr().(*net.UDPAddr).AddrPort().Port()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	for _, size := range []int{1, 1000, 5000} { // the last one in fragments
		want := bytes.Repeat([]byte{byte(size)}, size)
		c.Write(want)
		got := make([]byte, 1<<16)
		if n, err := c.Read(got); err != nil || !bytes.Equal(got[:n], want) {
			t.Errorf("%d bytes came back as %d, %v", size, n, err)
		}
	}
}

func TestCutEndsOpenFlowsAndDials(t *testing.T) {
	w := newWorld(t, nil)
	ended := make(chan error, 1)
	to := listen(t, func(c *net.TCPConn) {
		_, err := io.ReadAll(c)
		ended <- err
	})
	c, err := w.dialTCP(t, to)
	if err != nil {
		t.Fatal(err)
	}
	w.CutFlows([]netip.Addr{netip.MustParseAddr("10.66.0.2")})
	if _, err := io.ReadAll(c); err == nil {
		t.Error("the peer saw a normal end")
	}
	if err := <-ended; !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the server's end = %v, want a reset", err)
	}
}

func TestCloseEndsADial(t *testing.T) {
	dialling := make(chan struct{})
	w := newWorld(t, func(o *options) {
		o.dial = func(ctx context.Context, _ string, _ netip.AddrPort) (net.Conn, error) {
			close(dialling)
			<-ctx.Done()
			return nil, ctx.Err()
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go w.peer.DialContextTCPAddrPort(ctx, netip.AddrPortFrom(away, 80))
	<-dialling
	w.device.Close()
	w.Close()
}

// A peer that sends a SYN and nothing more holds a flow in its handshake.
func TestCloseEndsAHandshakeThatThePeerLeft(t *testing.T) {
	others := goleak.IgnoreCurrent()
	connected := make(chan struct{})
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p, err := open(plane.Config{Addresses: prefixes("10.66.0.1/24"), MTU: 1412, Logger: slog.New(slog.DiscardHandler)}, options{
		limits:   DefaultLimits(),
		dialable: func(netip.Addr) error { return nil },
		dial: func(ctx context.Context, _ string, _ netip.AddrPort) (net.Conn, error) {
			defer close(connected)
			return new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	p.device.Write([][]byte{synPacket()}, 0)
	<-connected
	// The SYN-ACK says that the handshake is under way.
	buf, sizes := [][]byte{make([]byte, 2000)}, []int{0}
	if n, err := p.device.Read(buf, sizes, 0); n != 1 || err != nil || buf[0][33]&0x12 != 0x12 {
		t.Fatalf("read %d, %v, %x", n, err, buf[0][:sizes[0]])
	}
	p.device.Close()
	p.Close()
	goleak.VerifyNone(t, others)
}

func TestNothingRunsAfterClose(t *testing.T) {
	others := goleak.IgnoreCurrent()
	p, err := Open(plane.Config{Addresses: prefixes("10.66.0.1/24", "fd66::1/64"), MTU: 1412, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	p.device.Close()
	p.Close()
	goleak.VerifyNone(t, others)
}
