package netstack

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

func TestNarrowPathsAreRememberedForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p paths
		far := netip.MustParseAddr("198.51.100.77")
		if _, known := p.to(far); known || p.narrow.Load() != 0 {
			t.Error("known before anybody said so")
		}
		p.learn(far, 1300)
		if mtu, known := p.to(far); mtu != 1300 || !known || p.narrow.Load() != 1 {
			t.Errorf("%d, %t", mtu, known)
		}
		time.Sleep(pathAge + time.Second)
		if _, known := p.to(far); known || p.narrow.Load() != 0 {
			t.Error("still known")
		}
	})
}

func TestNarrowPathsAreBounded(t *testing.T) {
	var p paths
	a := netip.MustParseAddr("2001:db8::1")
	for range 3 * mostPaths {
		p.learn(a, 1300)
		a = a.Next()
	}
	if n := len(p.known); n > mostPaths || int(p.narrow.Load()) != n {
		t.Errorf("%d are known, %d are counted, want %d at most", n, p.narrow.Load(), mostPaths)
	}
}

// Somebody who lies about what fits does not make us cut everything to crumbs.
func TestTinyMTUsAreNotBelieved(t *testing.T) {
	var p paths
	for s, want := range map[string]int{"198.51.100.77": leastMTU4, "2001:db8::1": 1280} {
		p.learn(netip.MustParseAddr(s), 1)
		if mtu, _ := p.to(netip.MustParseAddr(s)); mtu != want {
			t.Errorf("%s: %d, want %d", s, mtu, want)
		}
	}
}

// An error quotes a request as the peer sent it, although it went out under
// another identifier.
func TestAnErrorQuotesThePeersOwnRequest(t *testing.T) {
	request := []byte{8, 0, 0, 0, 0x12, 0x34, 0, 7, 'h', 'i'}
	binary.BigEndian.PutUint16(request[2:], ^checksum.Checksum(request, 0))
	sent := append([]byte(nil), request...) // under the identifier 0xbeef
	sent[2], sent[3], sent[4], sent[5] = 0, 0, 0xbe, 0xef
	binary.BigEndian.PutUint16(sent[2:], ^checksum.Checksum(sent, 0))
	header := make([]byte, 20)
	f := &flow{flowKey: flowKey{flowEcho, stack.TransportEndpointID{RemotePort: 0x1234}}, quote: append(header, make([]byte, echoHeader)...)}
	if got := f.quoteEcho(sent)[20:]; string(got) != string(request[:echoHeader]) {
		t.Errorf("got  %x\nwant %x", got, request[:echoHeader])
	}
}

func TestAHopIsTakenWithItsChecksum(t *testing.T) {
	for _, sum := range []uint16{0x0000, 0x1234, 0xfeff, 0xff00, 0xffff} {
		b := make([]byte, 20)
		b[0], b[8], b[4], b[5] = 0x45, 64, byte(sum>>8), byte(sum)
		binary.BigEndian.PutUint16(b[10:], ^checksum.Checksum(b, 0))
		hop(b)
		if b[8] != 63 || checksum.Checksum(b, 0) != 0xffff {
			t.Errorf("%x: TTL %d, sum %x", sum, b[8], checksum.Checksum(b, 0))
		}
	}
}
