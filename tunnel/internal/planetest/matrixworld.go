//go:build linux

package planetest

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// arrival says what came to a target.
type arrival struct {
	proto byte
	addr  netip.Addr
	port  uint16 // zero for an echo request
}

// answer says what came back to a peer.
type answer struct {
	arrival
	to     netip.Addr
	number uint16 // the port, or the sequence number, that it answers to
}

// witness writes down what came where.
type witness struct {
	mu       sync.Mutex // guards what follows
	arrived  map[arrival]bool
	answered map[answer]bool
}

func newWitness() *witness {
	return &witness{arrived: map[arrival]bool{}, answered: map[answer]bool{}}
}

func (w *witness) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.arrived)
	clear(w.answered)
}

func (w *witness) hasArrived(a arrival) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.arrived[a]
}

func (w *witness) wasAnswered(a answer) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.answered[a]
}

// at notes a first packet that came to where it wanted to: a datagram, a SYN or
// an echo request.
func (w *witness) at(packet []byte) {
	a, _, first, _ := read(packet)
	if !first {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.arrived[a] = true
}

// back notes an answer to a peer.
func (w *witness) back(packet []byte) {
	to, from, _, reply := read(packet)
	if !reply {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answered[answer{from, to.addr, to.port}] = true
}

// read says from where to where a packet goes, and whether it may be the first
// of a flow, or an answer to one. Of an echo, to has the sequence number in
// answers.
func read(packet []byte) (to, from arrival, first, reply bool) {
	if len(packet) < 20 || packet[0]>>4 == 6 && len(packet) < 40 {
		return
	}
	header := 20
	if packet[0]>>4 == 6 {
		header = 40
	}
	proto, b := protocolOf(packet), packet[header:]
	if len(b) < 8 {
		return
	}
	port := func(at int) uint16 { return uint16(b[at])<<8 | uint16(b[at+1]) }
	to, from = arrival{proto, destinationOf(packet), 0}, arrival{proto, sourceOf(packet), 0}
	switch {
	case proto == protoUDP:
		from.port, to.port, first, reply = port(0), port(2), true, true
	case proto == protoTCP && len(b) >= 20:
		from.port, to.port = port(0), port(2)
		first, reply = b[13]&flagsSynAck == flagsSyn, b[13]&flagsSynAck == flagsSynAck
	case proto == 1:
		if first, reply = b[0] == 8, b[0] == 0; reply {
			to.port = port(6)
		}
	case proto == 58:
		if first, reply = b[0] == 128, b[0] == 129; reply {
			to.port = port(6)
		}
	}
	return to, from, first, reply
}

// listenOnAll makes somebody answer at every target that is not a peer, and
// watches the LAN host's interface.
func (w *world) listenOnAll(t *testing.T, f family, all []target, seen *witness) {
	t.Helper()
	var packets []*net.UDPConn
	var streams []net.Listener
	var dwellers [2][]netip.Addr // of the LAN host and the box
	for _, x := range all {
		switch x.at {
		case onLAN:
			if x.addr != f.lan && x.addr != f.outer && x.addr != f.metadata {
				up(t, w.lan, "lo", single(x.addr))
				route(t, w.box, single(x.addr), f.lan)
			}
			dwellers[0] = append(dwellers[0], x.addr)
		case inBox:
			dwellers[1] = append(dwellers[1], x.addr)
		}
	}
	for i, h := range []host{w.lan, w.box} {
		err := h.do(func() error {
			var errs []error
			for _, port := range matrixPorts {
				if i == 1 && port == dnsPort {
					continue // the plane's, on the tunnel's address
				}
				for _, a := range dwellers[i] { // one each, so that the answer comes from there
					c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(a, port)))
					packets, errs = append(packets, c), append(errs, err)
				}
				l, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
				streams, errs = append(streams, l), append(errs, err)
			}
			return errors.Join(errs...)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	own := netip.AddrPortFrom(f.own.Addr(), dnsPort)
	pc, err := w.plane.ListenPacket(own)
	if err != nil {
		t.Fatal(err)
	}
	l, err := w.plane.Listen(own)
	if err != nil {
		t.Fatal(err)
	}
	streams = append(streams, l)
	var answering sync.WaitGroup
	for _, c := range append([]net.PacketConn{pc}, asPacketConns(packets)...) {
		answering.Go(func() {
			b := make([]byte, 2000)
			for {
				n, from, err := c.ReadFrom(b)
				if errors.Is(err, net.ErrClosed) {
					return
				}
				if err != nil {
					continue // an earlier answer was not wanted any more
				}
				if to, err := netip.ParseAddrPort(c.LocalAddr().String()); err == nil && c != pc {
					seen.mu.Lock()
					seen.arrived[arrival{protoUDP, to.Addr().Unmap(), to.Port()}] = true
					seen.mu.Unlock()
				}
				c.WriteTo(b[:n], from)
			}
		})
	}
	for _, l := range streams {
		answering.Go(func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				c.Close()
			}
		})
	}
	stop := w.lan.sniff(t, "eth0", seen.at)
	t.Cleanup(func() {
		stop()
		pc.Close()
		for _, c := range packets {
			c.Close()
		}
		for _, l := range streams {
			l.Close()
		}
		answering.Wait()
	})
}

func asPacketConns(all []*net.UDPConn) []net.PacketConn {
	var out []net.PacketConn
	for _, c := range all {
		out = append(out, c)
	}
	return out
}

// sniff hands every IP packet on an interface to see, until stop is called.
func (h host) sniff(t *testing.T, name string, see func(packet []byte)) (stop func()) {
	t.Helper()
	var file *os.File
	err := h.do(func() error {
		i, err := net.InterfaceByName(name)
		if err != nil {
			return err
		}
		const all = unix.ETH_P_ALL<<8&0xff00 | unix.ETH_P_ALL>>8 // in the network's order
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, all)
		if err != nil {
			return err
		}
		file = os.NewFile(uintptr(fd), "packets of "+name)
		return errors.Join(
			unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: i.Index}),
			unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 16<<20),
		)
	})
	if err != nil {
		t.Fatalf("watching %s: %v", name, err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 65536)
		for {
			n, err := file.Read(b)
			if err != nil {
				return
			}
			see(b[:n])
		}
	}()
	return func() { file.Close(); <-done }
}

// eventually waits for something, and says whether it came true.
func eventually(wait time.Duration, is func() bool) bool {
	for end := time.Now().Add(wait); ; time.Sleep(time.Millisecond) {
		if is() {
			return true
		}
		if time.Now().After(end) {
			return false
		}
	}
}
