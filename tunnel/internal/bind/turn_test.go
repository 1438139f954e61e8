package bind

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.zx2c4.com/wireguard/conn"
)

// opened is a bind on loopback whose packets are read until the test ends.
func opened(t *testing.T) (*Bind, netip.AddrPort) {
	t.Helper()
	c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	at := c.LocalAddr().(*net.UDPAddr).AddrPort()
	c.Close()
	b := New(Config{Port: at.Port(), Logger: quiet})
	receivers, _, err := b.Open(0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	for _, r := range receivers {
		go func() { // ends with the bind
			packets, sizes, eps := [][]byte{make([]byte, 65535)}, []int{0}, make([]conn.Endpoint, 1)
			for {
				n, err := r(packets, sizes, eps)
				if err != nil {
					return
				}
				for _, size := range sizes[:n] {
					if size != 0 {
						t.Errorf("the device gets %d bytes of ours", size)
					}
				}
			}
		}()
	}
	return b, at
}

func TestWhetherTheRouterTurnsPacketsRoundIsSeen(t *testing.T) {
	b, at := opened(t)
	if !b.Turns(t.Context(), at) {
		t.Error("a datagram that comes back is not recognised")
	}
	deaf, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	elsewhere := deaf.LocalAddr().(*net.UDPAddr).AddrPort()
	begun := time.Now()
	if b.Turns(t.Context(), elsewhere) {
		t.Error("a datagram that went elsewhere is taken for one that came back")
	}
	if took := time.Since(begun); took < patience/2 || took > 5*patience {
		t.Errorf("that took %v", took)
	}
	// What another one saw of ours on its way is another secret.
	token := make([]byte, 100)
	n, _, err := deaf.ReadFrom(token)
	if err != nil || n != 32 || b.probe.token.is(token[:n]) {
		t.Errorf("on its way: %d bytes, %v: the one that proves that we receive must never leave", n, err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if b.Turns(gone, elsewhere) {
		t.Error("that nobody waits for")
	}
}
