package bind

import (
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"golang.zx2c4.com/wireguard/conn"
	wgdevice "golang.zx2c4.com/wireguard/device"
)

func TestCallsAreToldApartAndBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		own := publicKey(t)
		e := newEvidence(own)
		begun := time.Now()
		call := func(where string, number uint32) {
			b := datagram(1, wgdevice.MessageInitiationSize, number, own)
			e.received([][]byte{b}, []int{len(b)}, []conn.Endpoint{from(where)})
		}
		answer := func(where string) {
			e.sending([][]byte{datagram(2, wgdevice.MessageResponseSize, 7, own)}, from(where))
		}
		for n := range 3 {
			call("203.0.113.9:4000", uint32(n))
			answer("203.0.113.9:4000")
			time.Sleep(5 * time.Second)
		}
		call("203.0.113.9:4001", 9)
		answer("203.0.113.10:1") // of another
		list := e.callsSince(begun)
		if len(list) != 2 || list[0].From.Port() != 4001 || list[0].Tries != 1 || list[0].Answers != 0 {
			t.Fatalf("calls: %+v", list)
		}
		if c := list[1]; c.Tries != 3 || c.Answers != 3 || c.Last.Sub(c.First) != 10*time.Second || c.Message[4] != 2 {
			t.Errorf("somebody who tried three times: %+v", c)
		}
		if list := e.callsSince(time.Now()); len(list) != 1 {
			t.Errorf("since now: %+v", list)
		}
		time.Sleep(time.Minute)
		call("203.0.113.9:4000", 9)
		if c := e.callsSince(begun)[0]; c.Tries != 1 || c.Answers != 0 || !c.First.Equal(time.Now()) {
			t.Errorf("a minute later it is another call: %+v", c)
		}
		for n := range 1000 {
			call(netip.AddrPortFrom(netip.MustParseAddr("198.51.100.1"), uint16(n)).String(), 1)
		}
		if list := e.callsSince(begun); len(list) != maxCalls {
			t.Errorf("%d calls are remembered, want %d", len(list), maxCalls)
		}
	})
}

// What a call costs, next to the seal that is checked before.
func BenchmarkInitiations(b *testing.B) {
	for _, sources := range []int{1, 1000} {
		b.Run(fmt.Sprintf("%d sources", sources), func(b *testing.B) {
			var k [32]byte
			k[0] = 9
			e := newEvidence(k)
			m := datagram(1, wgdevice.MessageInitiationSize, 1, k)
			eps := make([]conn.Endpoint, sources)
			for i := range eps {
				eps[i] = from(fmt.Sprintf("203.0.113.9:%d", 1000+i))
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				e.received([][]byte{m}, []int{len(m)}, []conn.Endpoint{eps[i%sources]})
			}
		})
	}
}
