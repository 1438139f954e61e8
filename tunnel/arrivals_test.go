package tunnel

import (
	"testing"
	"time"
)

// How a device shows that cannot come in is seen from outside.
func TestArrivalsTellWhoComesInAndWhoDoesNot(t *testing.T) {
	cfg := testConfig(t)
	tun := runTunnel(t, cfg)
	anna, stranger, lost := newPhone(t, cfg, "10.66.7.2"), newPhone(t, cfg, "10.66.7.3"), newPhone(t, cfg, "10.66.7.4")
	forgotten := lost.peer
	forgotten.PresharedKey = newKey(t) // the phone has another one
	if err := tun.SetPeers([]Peer{anna.peer, forgotten}); err != nil {
		t.Fatal(err)
	}
	home := cfg.Addresses[0].Addr()
	count := func(c ArrivalClass) uint64 { return tun.Status().Arrivals.Classes[c].Count }
	// until asks again and again: a phone's first packets may get lost.
	until := func(p *phone, class ArrivalClass) {
		t.Helper()
		for end := time.Now().Add(patience); count(class) == 0; {
			if _, err := p.ask(t, home, "nas.home.", 300*time.Millisecond); time.Now().After(end) {
				t.Fatalf("asking for a name: %v; %+v", err, tun.Status().Arrivals)
			}
		}
	}
	until(stranger, Initiation)
	if n := count(Answered); n != 0 {
		t.Errorf("%d answers to a device that we don't know", n)
	}
	until(lost, Answered)
	if n := count(Data); n != 0 {
		t.Errorf("%d packets of data from a device with another preshared key", n)
	}
	until(anna, Data) // there is no resolver, but its packets come in
	if n := count(StrayData); n != 0 {
		t.Errorf("%d packets of sessions that we don't know", n)
	}
	if s := tun.Status().Arrivals.Sources; len(s) != 1 || !s[0].Addr.IsLoopback() || s[0].Classes[Data].Count == 0 {
		t.Errorf("sources: %+v", s)
	}
}
