package bind

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
	"golang.zx2c4.com/wireguard/conn"
)

// open opens sockets on a port of the kernel's choice.
func open(t *testing.T) (*sockets, []conn.ReceiveFunc, uint16) {
	t.Helper()
	s := newSockets().(*sockets)
	receivers, port, err := s.Open(0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, receivers, port
}

// arrived is one datagram as it came out.
type arrived struct {
	b  []byte
	ep conn.Endpoint
}

// collect receives until the receiver ends.
func collect(receive conn.ReceiveFunc) <-chan arrived {
	out := make(chan arrived, 4096)
	go func() {
		defer close(out)
		bufs, sizes, eps := make([][]byte, 7), make([]int, 7), make([]conn.Endpoint, 7) // fewer than a message has
		for i := range bufs {
			bufs[i] = make([]byte, 65535)
		}
		for {
			n, err := receive(bufs, sizes, eps)
			if err != nil {
				return
			}
			for i := range n {
				out <- arrived{bytes.Clone(bufs[i][:sizes[i]]), eps[i]}
			}
		}
	}()
	return out
}

func next(t *testing.T, in <-chan arrived) arrived {
	t.Helper()
	select {
	case a := <-in:
		return a
	case <-time.After(time.Minute):
		t.Fatal("nothing arrived")
		return arrived{}
	}
}

// random makes packets as they come: mostly of one size.
func random(n int, sizes func() int) [][]byte {
	packets := make([][]byte, n)
	for i := range packets {
		packets[i] = make([]byte, sizes())
		for j := range packets[i] {
			packets[i][j] = byte(rand.Int())
		}
	}
	return packets
}

func TestPacketsArriveAsTheyWereSent(t *testing.T) {
	for family, loopback := range map[string]string{"IPv4": "127.0.0.1", "IPv6": "::1"} {
		for _, gso := range []bool{true, false} {
			for name, sizes := range map[string]func() int{
				"full":   func() int { return 1452 },
				"small":  func() int { return 32 },
				"mixed":  func() int { return 32 + rand.IntN(3)*710 },
				"any":    func() int { return 1 + rand.IntN(1500) },
				"larger": func() int { return 9000 },
			} {
				t.Run(fmt.Sprintf("%s, joined: %t, %s", family, gso, name), func(t *testing.T) {
					one, _, _ := open(t)
					_, receivers, port := open(t)
					i := 0
					if family == "IPv6" {
						i = 1
					}
					in := collect(receivers[i])
					to, err := one.ParseEndpoint(netip.AddrPortFrom(netip.MustParseAddr(loopback), port).String())
					if err != nil {
						t.Fatal(err)
					}
					one.v4.gso.Store(gso && one.v4.gso.Load())
					one.v6.gso.Store(gso && one.v6.gso.Load())
					for range 3 {
						sent := random(1+rand.IntN(conn.IdealBatchSize), sizes)
						if err := one.Send(sent, to); err != nil {
							t.Fatal(err)
						}
						for j, want := range sent {
							got := next(t, in)
							if !bytes.Equal(got.b, want) {
								t.Fatalf("packet %d: %d bytes arrived instead of %d", j, len(got.b), len(want))
							}
							if p := one.of2(i).port(); got.ep.DstToString() != netip.AddrPortFrom(netip.MustParseAddr(loopback), p).String() {
								t.Fatalf("from %s", got.ep.DstToString())
							}
						}
					}
				})
			}
		}
	}
}

func (s *sockets) of2(i int) *socket { return []*socket{s.v4, s.v6}[i] }

func TestJoinedMessagesStayBelowWhatTheKernelTakesApart(t *testing.T) {
	o := newSender()
	e := newEndpoint(netip.MustParseAddrPort("[fd00::1]:1"), netip.Addr{}, 0, 0)
	for _, size := range []int{1452, 1424, 32, 9000, 65000} {
		var packets [][]byte
		for range conn.IdealBatchSize {
			packets = append(packets, make([]byte, size))
		}
		sent := 0
		for i, m := range o.pack(packets, e, true) {
			n := int(m.Iovlen)
			sent += n
			if whole := 18 + 40 + 8 + n*size; n > 1 && whole > 65535 || n > 64 {
				t.Errorf("message %d of packets of %d bytes has %d: %d bytes in all", i, size, n, whole)
			}
			if n == 1 && size < 30000 && sent < len(packets) {
				t.Errorf("packets of %d bytes are not joined", size)
			}
		}
		if sent != len(packets) {
			t.Errorf("%d packets of %d bytes", sent, size)
		}
	}
}

func TestAnswersLeaveFromTheAddressThatWasCalled(t *testing.T) {
	s, receivers, port := open(t)
	in := collect(receivers[0])
	c, err := net.Dial("udp", fmt.Sprintf("127.0.0.77:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.Write([]byte("call"))
	got := next(t, in)
	if got.ep.SrcIP() != netip.MustParseAddr("127.0.0.77") {
		t.Errorf("called %v", got.ep.SrcIP())
	}
	answer := func() string {
		if err := s.Send([][]byte{[]byte("answer"), []byte("answer")}, got.ep); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 10)
		c.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		n, _ := c.Read(b) // a connected socket takes answers from whom it called only
		return string(b[:n])
	}
	if a := answer(); a != "answer" {
		t.Errorf("answered %q", a)
	}
	got.ep.ClearSrc()
	if answer(); got.ep.SrcIP().IsValid() {
		t.Error("the source is not given up")
	}
	c.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	for b := make([]byte, 10); ; {
		if _, err := c.Read(b); err != nil {
			break
		}
	}
	if a := answer(); a != "" {
		t.Errorf("answered %q from another address: the test proves nothing", a)
	}
}

func TestASourceThatIsGoneIsGivenUp(t *testing.T) {
	s := newSockets().(*sockets)
	b := wrap(s, Config{Logger: quiet})
	if _, _, err := b.Open(0); err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	_, receivers, port := open(t)
	in := collect(receivers[0])
	e := newEndpoint(netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port), netip.MustParseAddr("192.0.2.77"), 0, 0)
	if err := s.Send([][]byte{[]byte("x")}, e); err == nil {
		t.Fatal("sent from an address that is not ours: the test proves nothing")
	}
	if err := b.Send([][]byte{[]byte("x")}, e); err != nil {
		t.Error(err)
	}
	if got := next(t, in); string(got.b) != "x" {
		t.Errorf("arrived: %q", got.b)
	}
}

func TestReceivingEndsWhenTheSocketIsClosed(t *testing.T) {
	s, receivers, _ := open(t)
	ended := make(chan error)
	for _, r := range receivers {
		go func() {
			_, err := r([][]byte{make([]byte, 100)}, make([]int, 1), make([]conn.Endpoint, 1))
			ended <- err
		}()
	}
	time.Sleep(10 * time.Millisecond)
	s.Close()
	for range receivers {
		if err := <-ended; !errors.Is(err, net.ErrClosed) {
			t.Errorf("ended with %v", err)
		}
	}
	if err := s.Send([][]byte{{1}}, newEndpoint(netip.MustParseAddrPort("127.0.0.1:9"), netip.Addr{}, 0, 0)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("sending: %v", err)
	}
	if _, _, err := s.Open(0); err != nil {
		t.Errorf("opening again: %v", err)
	}
}

// Joined packets that are larger than the path takes are refused by the kernel,
// single ones it makes fragments of.
func TestLargerPacketsThanThePathTakesArrive(t *testing.T) {
	if os.Getenv("HOMEWARD_TEST_UNIT") != "" || os.Getuid() != 0 {
		t.Skip("needs root for a network namespace: run scripts/test as root")
	}
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the namespace goes with the thread
		done <- throughNarrowPath(t)
	}()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func throughNarrowPath(t *testing.T) error {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return err
	}
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	if err := errors.Join(netlink.LinkSetMTU(lo, 1300), netlink.LinkSetUp(lo)); err != nil {
		return err
	}
	one := newSockets().(*sockets)
	if _, _, err := one.Open(0); err != nil {
		return err
	}
	defer one.Close()
	two := newSockets().(*sockets)
	receivers, port, err := two.Open(0)
	if err != nil {
		return err
	}
	defer two.Close()
	in := collect(receivers[0])
	sent := random(20, func() int { return 1452 })
	to := newEndpoint(netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port), netip.Addr{}, 0, 0)
	o := newSender()
	if err := o.sendAll(one.v4, o.pack(sent, to, true)); !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.EMSGSIZE) {
		return fmt.Errorf("the kernel takes joined packets (%v): the test proves nothing", err)
	}
	if err := one.Send(sent, to); err != nil {
		return err
	}
	for i, want := range sent {
		if got := next(t, in); !bytes.Equal(got.b, want) {
			return fmt.Errorf("packet %d: %d bytes arrived instead of %d", i, len(got.b), len(want))
		}
	}
	if !one.v4.gso.Load() {
		return errors.New("packets are never joined again")
	}
	return nil
}
