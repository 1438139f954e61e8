package tunnel

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"
)

// A thousand peers make adding one more no matter of noticing. The bound is
// loose: without the race detector it takes 2 ms.
func TestAddingAPeerToAThousandIsQuick(t *testing.T) {
	cfg := testConfig(t)
	cfg.Addresses = []netip.Prefix{netip.MustParsePrefix("10.66.7.1/16")}
	tun := runTunnel(t, cfg)
	all := make([]Peer, 1010)
	for i := range all {
		binary.BigEndian.PutUint32(all[i].PublicKey[4:], uint32(i)+1)
		all[i].Addresses = []netip.Addr{netip.AddrFrom4([4]byte{10, 66, byte(i>>8) + 8, byte(i)})}
	}
	best := time.Hour
	for n := 1000; n <= len(all); n++ {
		began := time.Now()
		if err := tun.SetPeers(all[:n]); err != nil {
			t.Fatal(err)
		}
		best = min(best, time.Since(began))
	}
	if best > 30*time.Millisecond {
		t.Errorf("it takes %v", best)
	}
	if n := len(tun.Peers()); n != len(all) {
		t.Errorf("%d peers", n)
	}
}
