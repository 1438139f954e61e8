//go:build linux

package planetest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// probe is one packet of traceroute.
type probe struct {
	from, to netip.Addr
	proto    byte
	hops     byte
	number   uint16 // tells it from others: a port, or a sequence number
}

const traceroutePort = 33434

func (p probe) packet() []byte {
	var b []byte
	at := netip.AddrPortFrom(p.from, 50000+p.number)
	switch {
	case p.proto == protoUDP:
		b = udpPacket(at, netip.AddrPortFrom(p.to, traceroutePort+p.number), "how far?")
	case p.proto == protoTCP:
		b = synPacket(at, netip.AddrPortFrom(p.to, traceroutePort+p.number), flagsSyn)
	default:
		b = echoPacket(p.from, p.to, p.number)
	}
	return setHops(b, p.hops)
}

func setHops(packet []byte, hops byte) []byte {
	if packet[0]>>4 == 6 {
		packet[7] = hops
		return packet
	}
	packet[8], packet[10], packet[11] = hops, 0, 0
	binary.BigEndian.PutUint16(packet[10:], checksum(packet[:20]))
	return packet
}

// echoPacket asks for an echo.
func echoPacket(from, to netip.Addr, number uint16) []byte {
	var kind icmp.Type = ipv4.ICMPTypeEcho
	var pseudo []byte
	if to.Is6() {
		kind, pseudo = ipv6.ICMPTypeEchoRequest, icmp.IPv6PseudoHeader(from.AsSlice(), to.AsSlice())
	}
	b, err := (&icmp.Message{Type: kind, Body: &icmp.Echo{ID: 4343, Seq: int(number), Data: []byte("how far?")}}).Marshal(pseudo)
	if err != nil {
		panic(err) // a message of ours
	}
	return ipPacket(from, to, icmpOf(to), b)
}

// icmpOf is the number of ICMP in the family of a.
func icmpOf(a netip.Addr) byte {
	if a.Is6() {
		return 58
	}
	return 1
}

// report is an ICMP error that came to a peer.
type report struct {
	from       netip.Addr
	kind, code byte
	mtu        int    // of "too big"
	quote      []byte // the packet it is about, as far as it was quoted
}

func (r report) String() string {
	return fmt.Sprintf("%v says %d/%d about %x", r.from, r.kind, r.code, r.quote)
}

// reportOf reads an ICMP error to a peer. Its checksum must be right.
func reportOf(packet []byte, to netip.Addr) (report, bool) {
	if destinationOf(packet) != to || protocolOf(packet) != icmpOf(to) {
		return report{}, false
	}
	header, sum := 20, [][]byte(nil)
	if to.Is6() {
		header = 40
		sum = append(sum, pseudoHeader(sourceOf(packet), to, icmpOf(to), len(packet)-header))
	}
	if len(packet) < header+8 || checksum(append(sum, packet[header:])...) != 0 {
		return report{}, false
	}
	b := packet[header:]
	r := report{from: sourceOf(packet), kind: b[0], code: b[1], quote: append([]byte(nil), b[8:]...)}
	if to.Is6() {
		r.mtu = int(binary.BigEndian.Uint32(b[4:]))
		return r, r.kind < 128
	}
	r.mtu = int(binary.BigEndian.Uint16(b[6:]))
	return r, r.kind == 3 || r.kind == 11
}

// reportAbout sends a packet and waits for the error about it. It sends it
// again each second, as traceroute does: the kernel tells one peer no more than
// six at once and one a second (icmp_ratelimit).
func (w *world) reportAbout(packet []byte, wait time.Duration) (report, error) {
	reports := make(chan report, 1)
	from := sourceOf(packet)
	tap := func(b []byte) {
		if r, ok := reportOf(b, from); ok && isQuoted(r.quote, packet) {
			select {
			case reports <- r:
			default:
			}
		}
	}
	w.tap.Store(&tap)
	defer w.tap.Store(nil)
	late, again := time.After(wait), time.NewTicker(time.Second)
	defer again.Stop()
	for {
		w.peerOf(from).send(packet)
		select {
		case r := <-reports:
			return r, nil
		case <-again.C:
		case <-late:
			return report{}, errSilence
		}
	}
}

// isQuoted says whether what an error quotes is the packet that was sent, by
// its addresses and by what a client knows its own packets by: ports or an
// identifier and a number.
func isQuoted(quote, packet []byte) bool {
	header := 20
	if packet[0]>>4 == 6 {
		header = 40
	}
	if len(quote) < header+8 || protocolOf(quote) != protocolOf(packet) ||
		sourceOf(quote) != sourceOf(packet) || destinationOf(quote) != destinationOf(packet) {
		return false
	}
	q, p := quote[header:], packet[header:]
	if protocolOf(packet) == icmpOf(sourceOf(packet)) {
		return string(q[4:8]) == string(p[4:8])
	}
	return string(q[:4]) == string(p[:4])
}

func hopFacts() []fact {
	return []fact{
		{"traceroute: the box is the first hop, by UDP, TCP and echo", boxIsFirstHop},
		{"traceroute: nobody answers for a multicast or about an error", hopsStaySilent},
	}
}

func boxIsFirstHop(t *testing.T, w *world, f family) {
	number := uint16(0)
	for _, to := range []netip.Addr{f.lan, f.outer} {
		for _, proto := range []byte{protoUDP, protoTCP, icmpOf(to)} {
			number++
			p := probe{f.peers[0], to, proto, 1, number}
			r, err := w.reportAbout(p.packet(), patience)
			want := report{from: f.own.Addr(), kind: 11}
			if to.Is6() {
				want.kind = 3
			}
			if err != nil || r.from != want.from || r.kind != want.kind || r.code != 0 {
				t.Errorf("protocol %d to %v: %v, %v; want %v to say %d/0", proto, to, r, err, want.from, want.kind)
			}
		}
	}
	// Our own address is no hop but the end of the way.
	p := probe{f.peers[0], f.own.Addr(), icmpOf(f.lan), 1, 99}
	if r, err := w.reportAbout(p.packet(), impatience); !errors.Is(err, errSilence) {
		t.Errorf("a packet to the box itself: %v", r)
	}
	mustEcho(t, w, f.peers[0], f.own.Addr())
}

func hopsStaySilent(t *testing.T, w *world, f family) {
	group := netip.MustParseAddr("239.7.7.7")
	errorAbout := []byte{11, 0, 0, 0, 0, 0, 0, 0}
	if f.lan.Is6() {
		group, errorAbout[0] = netip.MustParseAddr("ff15::77"), 3
	}
	about := append(errorAbout, udpPacket(netip.AddrPortFrom(f.lan, 1), netip.AddrPortFrom(f.peers[0], 2), "x")...)
	var pseudo []byte
	if f.lan.Is6() {
		pseudo = pseudoHeader(f.peers[0], f.lan, 58, len(about))
	}
	binary.BigEndian.PutUint16(about[2:], checksum(pseudo, about))
	for name, b := range map[string][]byte{
		"a multicast": setHops(udpPacket(netip.AddrPortFrom(f.peers[0], 51000), netip.AddrPortFrom(group, 1900), "x"), 1),
		"an error":    setHops(ipPacket(f.peers[0], f.lan, icmpOf(f.lan), about), 1),
	} {
		if r, err := w.reportAbout(b, impatience); !errors.Is(err, errSilence) {
			t.Errorf("%s: %v", name, r)
		}
	}
}

// accessPeersHop needs a filter in front: without one, peers are apart.
func accessPeersHop(t *testing.T, w *world, f family) {
	defer grant(t, w.guard, w.plane, wide(), wide())
	meddling := wide()
	meddling.Peers = true
	grant(t, w.guard, w.plane, meddling, wide())
	r, err := w.reportAbout(probe{f.peers[0], f.peers[1], protoUDP, 1, 1}.packet(), patience)
	if err != nil || r.from != f.own.Addr() {
		t.Errorf("%v, %v; want %v to report", r, err, f.own.Addr())
	}
	arrived := make(chan []byte, 10)
	tap := func(b []byte) {
		if destinationOf(b) == f.peers[1] && protocolOf(b) == protoUDP {
			select {
			case arrived <- append([]byte(nil), b...):
			default:
			}
		}
	}
	w.tap.Store(&tap)
	defer w.tap.Store(nil)
	sent := probe{f.peers[0], f.peers[1], protoUDP, 2, 2}.packet()
	w.peers[0].send(sent)
	select {
	case b := <-arrived:
		if want := setHops(sent, 1); string(b) != string(want) {
			t.Errorf("arrived as\n%x, want\n%x", b, want)
		}
	case <-time.After(patience):
		t.Error("with two hops it did not arrive")
	}
}
