package netstack

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip/header"

	"homeward/tunnel/internal/plane"
)

// size is what the process holds, with the garbage gone.
func size() (heap, goroutines int) {
	runtime.GC()
	runtime.GC() // a second one empties the pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc), runtime.NumGoroutine()
}

// A device opens a hundred thousand connections and finishes none: half of them
// to a host that never answers, half to one whose answers it ignores.
func TestAFloodOfHalfOpenFlowsGoesAwayAndLeavesTheOthersAlone(t *testing.T) {
	if testing.Short() {
		t.Skip("takes as long as a dial is given")
	}
	server := listen(t, func(c *net.TCPConn) { io.Copy(c, c) })
	silent := netip.MustParseAddr("198.51.100.10")
	limits := DefaultLimits()
	w := newWorld(t, func(o *options) {
		o.limits = limits
		o.dial = func(ctx context.Context, network string, to netip.AddrPort) (net.Conn, error) {
			if to.Addr() == silent {
				ctx, cancel := context.WithTimeout(ctx, dialTimeout)
				defer cancel()
				<-ctx.Done()
				return nil, os.ErrDeadlineExceeded
			}
			return toLoopback(ctx, network, server)
		}
	})
	other, err := w.dialTCP(t, server)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	answers := func() {
		t.Helper()
		other.SetDeadline(time.Now().Add(patience))
		if _, err := other.Write([]byte("here")); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(other, make([]byte, 4)); err != nil {
			t.Fatalf("another device's connection: %v", err)
		}
	}
	answers()
	heap, goroutines := size()

	var flood sync.WaitGroup
	flood.Go(func() {
		for i := range 100_000 {
			to := silent
			if i%2 == 0 {
				to = away
			}
			w.device.Write([][]byte{tcpPacketOf(netip.MustParseAddr("10.66.0.3"), to, uint16(1024+i/2), 1, 0, header.TCPFlagSyn)}, 0)
		}
	})
	for range 5 {
		answers()
		if fresh, err := w.dialTCP(t, server); err != nil {
			t.Errorf("another device's new connection: %v", err)
		} else {
			fresh.Close()
		}
	}
	flood.Wait()
	answers()
	peakHeap, peakGoroutines := size()
	w.flows.mu.Lock()
	open, opening := w.flows.total[flowTCP], w.flows.total[flowDial]
	w.flows.mu.Unlock()
	t.Logf("at the end of the flood: %d flows (%d being dialled), %d KiB and %d goroutines more", open, opening, (peakHeap-heap)>>10, peakGoroutines-goroutines)
	if open > limits.TCPPerSource+1 || opening > limits.DialsPerSource {
		t.Errorf("%d flows, %d being dialled, above the limits of one device", open, opening)
	}
	if opening == 0 || open <= opening {
		t.Error("the flood opened nothing: the test proves nothing")
	}
	began := time.Now()
	for {
		h, g := size()
		if h <= heap+heap/20 && g <= goroutines+goroutines/20 {
			t.Logf("after %v: %d KiB and %d goroutines more than before", time.Since(began).Round(time.Second), (h-heap)>>10, g-goroutines)
			return
		}
		if time.Since(began) > time.Minute {
			t.Fatalf("a minute later: %d KiB (%d before), %d goroutines (%d before)", h>>10, heap>>10, g, goroutines)
		}
		time.Sleep(time.Second)
	}
}

// Without a bound for each device, the flood is what the plane holds: the
// control of the test above.
func TestWithoutLimitsAFloodIsHeld(t *testing.T) {
	p, err := open(plane.Config{Addresses: prefixes("10.66.0.1/24"), MTU: 1412, Logger: slog.New(slog.DiscardHandler)}, options{
		limits:   Limits{Dials: 1e6, DialsPerSource: 1e6, TCP: 1e6, TCPPerSource: 1e6, Buffer: 1 << 20},
		dialable: func(netip.Addr) error { return nil },
		dial: func(ctx context.Context, _ string, _ netip.AddrPort) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { p.device.Close(); p.Close() }()
	const n = 3000
	for i := range n {
		p.device.Write([][]byte{tcpPacketOf(netip.MustParseAddr("10.66.0.3"), away, uint16(1024+i), 1, 0, header.TCPFlagSyn)}, 0)
	}
	p.flows.mu.Lock()
	defer p.flows.mu.Unlock()
	if got := p.flows.total[flowDial]; got != n {
		t.Errorf("%d flows being dialled, want %d", got, n)
	}
}

// A device sends a hundred thousand datagrams, each from another port, to one
// who never answers.
func TestAFloodOfDatagramsGoesAwayAndLeavesTheOthersAlone(t *testing.T) {
	if testing.Short() {
		t.Skip("takes as long as a datagram's answer is waited for")
	}
	sink, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	limits := DefaultLimits()
	w := newWorld(t, func(o *options) { o.limits = limits })
	server := echoDatagrams(t)
	other, err := w.peer.DialUDPAddrPort(netip.AddrPort{}, server)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	answers := func() {
		t.Helper()
		b := make([]byte, 10)
		for range patience / again { // the flood fills the queues, in which a datagram may be lost
			other.SetDeadline(time.Now().Add(again))
			if _, err := other.Write([]byte("here")); err != nil {
				t.Fatal(err)
			}
			if n, err := other.Read(b); err == nil && string(b[:n]) == "here" {
				return
			}
		}
		t.Fatal("another device's flow gets no answer")
	}
	answers()
	haveHad(2 * limits.UDPPerSource)
	heap, goroutines := size()
	to := netip.AddrPortFrom(away, sink.LocalAddr().(*net.UDPAddr).AddrPort().Port())
	for i := range 100_000 {
		from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 66, 0, 3}), uint16(i%64000+1024))
		w.device.Write([][]byte{udpPacketOf(from, to, "flood")}, 0)
		if i%20_000 == 0 {
			answers()
		}
	}
	answers()
	peakHeap, peakGoroutines := size()
	w.flows.mu.Lock()
	open := w.flows.total[flowUDP]
	w.flows.mu.Unlock()
	each := (peakHeap - heap) / open
	t.Logf("at the end of the flood: %d flows, %d KiB more, %d bytes each, and %d goroutines more", open, (peakHeap-heap)>>10, each, peakGoroutines-goroutines)
	if open > limits.UDPPerSource+1 {
		t.Errorf("%d flows, above the limit of one device", open)
	}
	if open < limits.UDPPerSource {
		t.Error("the flood opened less than it may: the test proves nothing")
	}
	if each > 16<<10 {
		t.Errorf("a flow that waits holds %d bytes", each)
	}
	began := time.Now()
	for {
		h, g := size()
		if h <= heap+heap/20 && g <= goroutines+goroutines/20 {
			t.Logf("after %v: %d KiB and %d goroutines more than before", time.Since(began).Round(time.Second), (h-heap)>>10, g-goroutines)
			return
		}
		if time.Since(began) > time.Minute {
			t.Fatalf("a minute later: %d KiB (%d before), %d goroutines (%d before)", h>>10, heap>>10, g, goroutines)
		}
		time.Sleep(time.Second)
	}
}

// echoDatagrams answers datagrams with themselves on loopback. It returns what
// the peer has to dial.
func echoDatagrams(t *testing.T) netip.AddrPort {
	t.Helper()
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		b := make([]byte, 2000)
		for {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			c.WriteTo(b[:n], from)
		}
	})
	t.Cleanup(func() { c.Close(); wg.Wait() })
	return netip.AddrPortFrom(away, c.LocalAddr().(*net.UDPAddr).AddrPort().Port())
}

// haveHad starts so many goroutines and ends them: the runtime keeps half a
// KiB of each for the next one, for ever.
func haveHad(n int) {
	var all sync.WaitGroup
	end := make(chan struct{})
	for range n {
		all.Go(func() { <-end })
	}
	close(end)
	all.Wait()
}
