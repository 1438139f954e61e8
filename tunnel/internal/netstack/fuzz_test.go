package netstack

import (
	"context"
	"encoding/binary"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"syscall"
	"testing"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"

	"homeward/tunnel/internal/plane"
)

// fuzzPlane is a plane on which every dial is refused, and that knows a narrow
// place on the way to two hosts.
func fuzzPlane(f *testing.F) *Plane {
	f.Helper()
	own := prefixes("10.66.0.1/24", "fd66::1/64")
	p, err := open(plane.Config{Addresses: own, MTU: 1412, Logger: slog.New(slog.DiscardHandler), Guarded: true}, options{
		limits:   Limits{Dials: 64, DialsPerSource: 64, TCP: 64, TCPPerSource: 64, UDP: 64, UDPPerSource: 64, Echoes: 8, EchoesPerSource: 8, Buffer: 1 << 16},
		dialable: testPolicy().dialable,
		dial: func(context.Context, string, netip.AddrPort) (net.Conn, error) {
			return nil, syscall.ECONNREFUSED
		},
		rawEcho: func(netip.Addr) (echoWay, error) { return nil, syscall.EPERM },
	})
	if err != nil {
		f.Fatal(err)
	}
	// No ping of a fuzzer's choice leaves the machine.
	p.pings.ways = []func(netip.Addr) (echoWay, error){func(netip.Addr) (echoWay, error) { return nil, syscall.EHOSTUNREACH }}
	p.paths.learn(netip.MustParseAddr("198.51.100.9"), 600)
	p.paths.learn(netip.MustParseAddr("2001:db8::9"), 1280)
	f.Cleanup(func() { p.device.Close(); p.Close() })
	return p
}

// wellFormed says what is wrong with a packet to a peer, or "".
func wellFormed(b []byte) string {
	switch header.IPVersion(b) {
	case header.IPv4Version:
		h := header.IPv4(b)
		if len(b) < header.IPv4MinimumSize || int(h.HeaderLength()) > len(b) || int(h.TotalLength()) != len(b) {
			return "lengths"
		}
		if h.CalculateChecksum() != 0xffff {
			return "the header's checksum"
		}
		if h.TransportProtocol() == header.ICMPv4ProtocolNumber && h.FragmentOffset() == 0 && !h.More() && checksum.Checksum(h.Payload(), 0) != 0xffff {
			return "the ICMP checksum"
		}
	case header.IPv6Version:
		if len(b) < header.IPv6MinimumSize || int(header.IPv6(b).PayloadLength())+header.IPv6MinimumSize != len(b) {
			return "lengths"
		}
	default:
		return "the version"
	}
	return ""
}

// Whatever a peer sends, the plane stands, keeps its bounds and answers in whole
// packets.
func FuzzPacketsFromPeers(f *testing.F) {
	p := fuzzPlane(f)
	wrong := make(chan string, 1)
	go func() { // ends with the device
		bufs, sizes := make([][]byte, p.device.BatchSize()), make([]int, p.device.BatchSize())
		for i := range bufs {
			bufs[i] = make([]byte, 65535)
		}
		for {
			n, err := p.device.Read(bufs, sizes, 0)
			if err != nil {
				return
			}
			for i := range n {
				b := bufs[i][:sizes[i]]
				// What goes from peer to peer is as wrong as it came.
				if src := header.IPVersion(b); src == header.IPv4Version && p.device.isPeer(netip.AddrFrom4([4]byte(b[12:16]))) ||
					src == header.IPv6Version && p.device.isPeer(netip.AddrFrom16([16]byte(b[8:24]))) {
					continue
				}
				if what := wellFormed(b); what != "" {
					select {
					case wrong <- what:
					default:
					}
				}
			}
		}
	}()
	anna, bert := netip.MustParseAddr("10.66.0.2"), netip.MustParseAddr("10.66.0.3")
	f.Add(synPacket())
	f.Add(udpPacketOf(netip.AddrPortFrom(anna, 40000), netip.AddrPortFrom(away, 53), "a name"))
	f.Add(udpPacketOf(netip.AddrPortFrom(anna, 40000), netip.AddrPortFrom(bert, 53), "to another peer"))
	f.Add(udpPacketOf(netip.AddrPortFrom(anna, 40000), netip.AddrPortFrom(away, 9), string(make([]byte, 1300)))) // more than fits there
	for _, change := range []func(b []byte){
		func(b []byte) { b[8] = 1 },             // no hop left
		func(b []byte) { b[8] = 0 },             //
		func(b []byte) { b[0] = 0x4f },          // options beyond the end
		func(b []byte) { b[0] = 0x41 },          // a header that is too short
		func(b []byte) { b[6] = 0x20 },          // a first fragment
		func(b []byte) { b[7] = 0x10 },          // a later one
		func(b []byte) { b[9] = 1; b[20] = 8 },  // a request for an echo
		func(b []byte) { b[9] = 1; b[20] = 11 }, // an error, which nobody may answer
		func(b []byte) { b[24], b[25] = 0, 3 },  // UDP of less than its header
		func(b []byte) { b[2], b[3] = 0xff, 0xff },
	} {
		b := udpPacketOf(netip.AddrPortFrom(anna, 40000), netip.AddrPortFrom(away, 33434), "how far?")
		change(b)
		f.Add(b)
	}
	six := make([]byte, 60)
	six[0], six[6], six[7] = 0x60, 17, 1
	binary.BigEndian.PutUint16(six[4:], 20)
	to := netip.MustParseAddr("2001:db8::9").As16()
	copy(six[24:], to[:])
	f.Add(six)
	for _, next := range []byte{0, 43, 44, 58, 60, 59} { // headers that are followed
		b := append([]byte(nil), six...)
		b[6] = next
		f.Add(b)
	}
	f.Add(append(append([]byte(nil), six...), make([]byte, 1350)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 65535 {
			return
		}
		b = append(make([]byte, 0, 65535), b...) // the device joins packets in place
		switch {                                 // WireGuard has checked whose it is
		case header.IPVersion(b) == header.IPv4Version && len(b) >= header.IPv4MinimumSize:
			from := anna.As4()
			copy(b[12:], from[:])
		case header.IPVersion(b) == header.IPv6Version && len(b) >= header.IPv6MinimumSize:
			from := netip.MustParseAddr("fd66::2").As16()
			copy(b[8:], from[:])
		}
		written := make(chan error, 1)
		go func() { _, err := p.device.Write([][]byte{b}, 0); written <- err }()
		select {
		case err := <-written:
			if err != nil {
				t.Fatal(err)
			}
		case <-time.After(patience):
			stacks := make([]byte, 1<<20)
			t.Fatalf("it hangs:\n%s", stacks[:runtime.Stack(stacks, true)])
		}
		p.flows.mu.Lock()
		open := p.flows.total
		p.flows.mu.Unlock()
		for kind, n := range open {
			if n < 0 || n > 64 {
				t.Errorf("%d flows of kind %d", n, kind)
			}
		}
		select {
		case what := <-wrong:
			t.Errorf("an answer is wrong by %s", what)
		default:
		}
	})
}
