package bind

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.zx2c4.com/wireguard/conn"
)

// freePort is a UDP port that nobody had a moment ago, in both families.
func freePort(t *testing.T) uint16 {
	t.Helper()
	p, port, err := openPair(0)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range p.sockets() {
		k.conn.Close()
	}
	return port
}

// called is a client that called port and takes answers from there only, and what
// reached us of it.
func called(t *testing.T, loopback string, port uint16, in <-chan arrived) (net.Conn, conn.Endpoint) {
	t.Helper()
	c, err := net.Dial("udp", net.JoinHostPort(loopback, fmt.Sprint(port)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if _, err := c.Write([]byte("call")); err != nil {
		t.Fatal(err)
	}
	return c, next(t, in).ep
}

// hears is what the client hears within a moment.
func hears(c net.Conn) string {
	b := make([]byte, 16)
	c.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
	n, _ := c.Read(b)
	return string(b[:n])
}

func TestAPeerIsAnsweredFromThePortThatItCalled(t *testing.T) {
	s := newSockets().(*sockets)
	further := freePort(t)
	if !s.listenFurther([]uint16{further}) {
		t.Error("another port is no change")
	}
	receivers, first, err := s.Open(0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if len(receivers) != 4 {
		t.Fatalf("%d receivers for two ports in two families", len(receivers))
	}
	for i, at := range []struct {
		loopback string
		port     uint16
	}{{"127.0.0.1", first}, {"::1", first}, {"127.0.0.1", further}, {"::1", further}} {
		t.Run(fmt.Sprintf("%s, further: %t", at.loopback, at.port == further), func(t *testing.T) {
			c, ep := called(t, at.loopback, at.port, collect(receivers[i]))
			if err := s.Send([][]byte{[]byte("answer")}, ep); err != nil {
				t.Fatal(err)
			}
			if got := hears(c); got != "answer" {
				t.Errorf("it heard %q", got)
			}
			// Also where the address that it called is gone meanwhile.
			if err := s.Send([][]byte{[]byte("again")}, ep.(*endpoint).fromAnywhere()); err != nil {
				t.Fatal(err)
			}
			if got := hears(c); got != "again" {
				t.Errorf("from any address of ours it heard %q", got)
			}
			if at.port == further {
				called := ep.(*endpoint)
				other := newEndpoint(called.to, called.src, 0, 0)
				if err := s.Send([][]byte{[]byte("wrong")}, other); err != nil {
					t.Fatal(err)
				}
				if got := hears(c); got != "" {
					t.Errorf("it heard %q of the other port: the test proves nothing", got)
				}
			}
		})
	}
}

func TestAFurtherPortThatIsTakenKeepsNobodyOut(t *testing.T) {
	taken, port, err := openPair(0)
	if err != nil {
		t.Fatal(err)
	}
	b := New(Config{Port: freePort(t), Logger: quiet})
	if changed, err := b.ListenFurther([]uint16{port}); !changed || err != nil {
		t.Errorf("another port: changed %t, %v", changed, err)
	}
	receivers, _, err := b.Open(0)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.NotOpen(); !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), fmt.Sprint(port)) {
		t.Errorf("told: %v", err)
	}
	if len(receivers) != 2 {
		t.Errorf("%d receivers", len(receivers))
	}
	for _, k := range taken.sockets() {
		k.conn.Close()
	}
	if changed, err := b.ListenFurther([]uint16{port}); changed || err != nil {
		t.Errorf("the same port: changed %t, %v", changed, err)
	}
	b.Close()
	if receivers, _, err = b.Open(0); err != nil || b.NotOpen() != nil || len(receivers) != 4 {
		t.Errorf("once it is free: %d receivers, %v, %v", len(receivers), err, b.NotOpen())
	}
	if changed, err := b.ListenFurther(nil); !changed || err != nil {
		t.Errorf("no port: changed %t, %v", changed, err)
	}
	b.Close()
	if receivers, _, err = b.Open(0); err != nil || len(receivers) != 2 {
		t.Errorf("given up: %d receivers, %v", len(receivers), err)
	}
	b.Close()
	if p, _, err := openPair(port); err != nil {
		t.Errorf("the port stays open: %v", err)
	} else {
		for _, k := range p.sockets() {
			k.conn.Close()
		}
	}
}

func TestPacketsToAPortThatWasGivenUpLeaveByTheFirst(t *testing.T) {
	s, _, _ := open(t)
	e := newEndpoint(s.v4.conn.LocalAddr().(*net.UDPAddr).AddrPort(), s.v4.conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr(), 0, 9)
	if k, err := s.of(e); err != nil || !slices.Contains(s.pair.sockets(), k) {
		t.Errorf("%v, %v", k, err)
	}
}
