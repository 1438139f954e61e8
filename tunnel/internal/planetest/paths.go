//go:build linux

package planetest

import (
	"bytes"
	"encoding/binary"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func pathFacts() []fact {
	return []fact{
		{"path: what is too large for a router behind the box is reported, with what fits", pathTooBig},
		{"path: what may be cut up arrives", pathFragments},
		{"path: TCP goes on where less fits than into the tunnel", pathTCP},
		{"traceroute: a router behind the box is found, and the end of the way", pathHops},
	}
}

// uncut forbids routers to cut a packet up, as IPv6 always does.
func uncut(packet []byte) []byte {
	if packet[0]>>4 == 4 {
		packet[6] |= 0x40
		packet[10], packet[11] = 0, 0
		binary.BigEndian.PutUint16(packet[10:], checksum(packet[:20]))
	}
	return packet
}

// sized is a packet of so many bytes, by UDP or as a request for an echo.
func sized(from, to netip.AddrPort, proto byte, size int) []byte {
	header := 28
	if to.Addr().Is6() {
		header = 48
	}
	if proto == protoUDP {
		return udpPacket(from, to, strings.Repeat("x", size-header))
	}
	b := echoPacket(from.Addr(), to.Addr(), from.Port())
	short := len(b)
	b = append(b, make([]byte, size-short)...) // zeros, which checksums don't count
	if to.Addr().Is4() {
		binary.BigEndian.PutUint16(b[2:], uint16(size))
		b[10], b[11] = 0, 0
		binary.BigEndian.PutUint16(b[10:], checksum(b[:20]))
		return b
	}
	binary.BigEndian.PutUint16(b[4:], uint16(size-40))
	icmp := b[40:]
	icmp[2], icmp[3] = 0, 0
	binary.BigEndian.PutUint16(icmp[2:], checksum(pseudoHeader(from.Addr(), to.Addr(), 58, len(icmp)), icmp))
	return b
}

// answered sends a packet until it has an answer from where it went.
func (w *world) answered(packet []byte, wait time.Duration) error {
	answers := make(chan struct{}, 1)
	from, to := sourceOf(packet), destinationOf(packet)
	tap := func(b []byte) {
		if destinationOf(b) != from || sourceOf(b) != to {
			return
		}
		if _, _, _, reply := read(b); reply || isFragment(b) {
			select {
			case answers <- struct{}{}:
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
		case <-answers:
			return nil
		case <-again.C:
		case <-late:
			return errSilence
		}
	}
}

// isFragment says whether a packet is one of several.
func isFragment(b []byte) bool {
	return b[0]>>4 == 4 && binary.BigEndian.Uint16(b[6:])&0x3fff != 0 || b[0]>>4 == 6 && b[6] == 44
}

func pathTooBig(t *testing.T, w *world, f family) {
	to := echoPackets(t, w.far.listenPacket(t, netip.AddrPortFrom(f.far, 0)))
	for i, proto := range []byte{protoUDP, icmpOf(f.far)} {
		// The second one may be reported by the box, which knows it then.
		for again := range 2 {
			from := netip.AddrPortFrom(f.peers[0], uint16(53000+10*i+again))
			r, err := w.reportAbout(uncut(sized(from, to, proto, narrow+40)), patience)
			kind, code := byte(3), byte(4)
			if f.far.Is6() {
				kind, code = 2, 0
			}
			if err != nil || r.kind != kind || r.code != code || r.mtu != narrow || r.from != f.lan && r.from != f.own.Addr() {
				t.Errorf("protocol %d: %v with MTU %d, %v; want %d/%d with %d from %v", proto, r, r.mtu, err, kind, code, narrow, f.lan)
			}
		}
		if err := w.answered(uncut(sized(netip.AddrPortFrom(f.peers[0], uint16(53005+10*i)), to, proto, narrow)), patience); err != nil {
			t.Errorf("protocol %d: what just fits: %v", proto, err)
		}
	}
	// It is about that host alone.
	near := echoPackets(t, w.lan.listenPacket(t, netip.AddrPortFrom(f.lan, 0)))
	if err := w.answered(uncut(sized(netip.AddrPortFrom(f.peers[0], 53100), near, protoUDP, mtu)), patience); err != nil {
		t.Errorf("as much as the tunnel holds, to the LAN: %v", err)
	}
}

func pathFragments(t *testing.T, w *world, f family) {
	if f.far.Is6() {
		t.Skip("routers cut nothing of IPv6, and the peer's stack here does not learn to cut smaller")
	}
	to := echoPackets(t, w.far.listenPacket(t, netip.AddrPortFrom(f.far, 0)))
	c, err := w.peers[0].DialUDPAddrPort(netip.AddrPort{}, to)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	// More than fits into the tunnel: the peer cuts it, and so nobody may forbid it.
	q := bytes.Repeat([]byte("fragment"), 400)
	got, err := ask(c, q, again)
	for range patience / again { // the first may be what teaches those on the way
		if err == nil {
			break
		}
		got, err = ask(c, q, again)
	}
	if err != nil || !bytes.Equal(got, q) {
		t.Errorf("%d bytes: got %d, %v", len(q), len(got), err)
	}
	if err := w.answered(sized(netip.AddrPortFrom(f.peers[0], 53200), to, protoUDP, narrow+40), patience); err != nil {
		t.Errorf("one that a router may cut: %v", err)
	}
}

func pathTCP(t *testing.T, w *world, f family) {
	l := w.far.listen(t, netip.AddrPortFrom(f.far, 0))
	serve(t, l, echo)
	c, err := w.peers[0].DialContextTCPAddrPort(soon(t), addrPort(l))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(2 * patience))
	sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<14)
	go func() {
		c.Write(sent)
		c.CloseWrite()
	}()
	if got, err := io.ReadAll(c); err != nil || !bytes.Equal(got, sent) {
		t.Errorf("got %d of %d bytes, %v", len(got), len(sent), err)
	}
}

func pathHops(t *testing.T, w *world, f family) {
	w.secondHop(t, f, probe{f.peers[0], f.far, protoUDP, 2, 200})
	unreachable := message{3, 3}
	if f.far.Is6() {
		unreachable = message{1, 4}
	}
	r, err := w.reportAbout(probe{f.peers[0], f.far, protoUDP, 3, 201}.packet(), patience)
	if err != nil || r.from != f.far || (message{r.kind, r.code}) != unreachable {
		t.Errorf("with three hops: %v, %v; want %v to say %v", r, err, f.far, unreachable)
	}
	echoHops(t, w, f)
}

func echoHops(t *testing.T, w *world, f family) {
	w.secondHop(t, f, probe{f.peers[0], f.far, icmpOf(f.far), 2, 202})
	if err := w.answered(probe{f.peers[0], f.far, icmpOf(f.far), 3, 203}.packet(), patience); err != nil {
		t.Errorf("echo with three hops: %v", err)
	}
	// What came before does not hold back what comes with more hops.
	w.secondHop(t, f, probe{f.peers[0], f.far, icmpOf(f.far), 2, 204})
	mustEcho(t, w, f.peers[0], f.far)
}

// secondHop sends a probe that ends at the router behind the box.
func (w *world) secondHop(t *testing.T, f family, p probe) {
	t.Helper()
	exceeded := message{11, 0}
	if f.far.Is6() {
		exceeded = message{3, 0}
	}
	r, err := w.reportAbout(p.packet(), patience)
	if err != nil || r.from != f.lan || (message{r.kind, r.code}) != exceeded {
		t.Errorf("protocol %d with two hops: %v, %v; want %v to say %v", p.proto, r, err, f.lan, exceeded)
	}
}

// message is a type and a code of ICMP.
type message struct{ kind, code byte }
