package tunnel

import (
	"encoding/binary"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/configs/secret"
)

// many peers are those of a large house.
const many = 1000

// manyPeers are peers that nobody has the keys of, each with two addresses, and
// the tunnel's networks for them.
func manyPeers(n int) (list []Peer, own []netip.Prefix) {
	own = []netip.Prefix{netip.MustParsePrefix("10.66.7.1/16"), netip.MustParsePrefix("fd00:66:7::1/64")}
	list = make([]Peer, n)
	for i := range list {
		binary.BigEndian.PutUint32(list[i].PublicKey[4:], uint32(i)+1)
		list[i].PresharedKey = secret.NewKey(wgtypes.Key{0: 1, 1: byte(i), 2: byte(i >> 8)})
		four, six := own[0].Addr().As4(), own[1].Addr().As16()
		four[2], four[3] = byte(i>>8)+8, byte(i)
		six[14], six[15] = byte(i>>8)+8, byte(i)
		list[i].Addresses = []netip.Addr{netip.AddrFrom4(four), netip.AddrFrom16(six)}
	}
	return list, own
}

// A phone that is in asks one question after another, while peers come by the
// hundred: none is lost, and it need not shake hands again.
func TestPeersThatComeDisturbNobody(t *testing.T) {
	cfg := testConfig(t)
	list, own := manyPeers(many)
	cfg.Addresses = own
	upstream := resolver(t)
	cfg.Resolvers = func() []netip.AddrPort { return []netip.AddrPort{upstream} }
	tun := runTunnel(t, cfg)
	anna := newPhone(t, cfg, "10.66.7.2", "fd00:66:7::2")
	all := append([]Peer{anna.peer}, list...)
	if err := tun.SetPeers(all[:many/2]); err != nil {
		t.Fatal(err)
	}
	home := own[1].Addr()
	if _, err := anna.ask(t, home, "nas.home.", patience); err != nil {
		t.Fatal(err)
	}
	before := handshake(t, tun, anna.peer)
	step := 1
	if raceDetector {
		step = 20
	}
	var adding sync.WaitGroup
	var done atomic.Bool
	adding.Go(func() {
		defer done.Store(true)
		for n := many / 2; n < len(all); n += step {
			if err := tun.SetPeers(all[:n]); err != nil {
				t.Error(err)
				return
			}
		}
		if err := tun.SetPeers(all); err != nil {
			t.Error(err)
		}
	})
	asked, slowest := 0, time.Duration(0)
	for !done.Load() || asked < 20 {
		began := time.Now()
		asked++
		if _, err := anna.ask(t, home, "nas.home.", patience); err != nil {
			t.Errorf("question %d: %v", asked, err)
			break
		}
		slowest = max(slowest, time.Since(began))
	}
	adding.Wait()
	t.Logf("%d questions, the slowest answer after %v", asked, slowest)
	if after := handshake(t, tun, anna.peer); !after.Equal(before) {
		t.Errorf("the phone had to shake hands again: %v, then %v", before, after)
	}
	if n := len(tun.Peers()); n != len(all) {
		t.Errorf("%d peers, want %d", n, len(all))
	}
}
