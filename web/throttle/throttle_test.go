package throttle

import (
	"net/netip"
	"testing"
	"time"
)

func TestOneMachineIsOnePlace(t *testing.T) {
	same := [][2]string{{"2001:db8::1", "2001:db8::ffff:1"}, {"::ffff:192.168.1.7", "192.168.1.7"}, {"fe80::1%eth0", "fe80::2%eth1"}}
	other := [][2]string{{"2001:db8::1", "2001:db8:0:1::1"}, {"192.168.1.7", "192.168.1.8"}}
	at := func(s string) netip.Prefix { return Place(netip.MustParseAddr(s)) }
	for _, p := range same {
		if at(p[0]) != at(p[1]) {
			t.Errorf("%s and %s are two places", p[0], p[1])
		}
	}
	for _, p := range other {
		if at(p[0]) == at(p[1]) {
			t.Errorf("%s and %s are one place", p[0], p[1])
		}
	}
}

func TestPlacesAreBoundedAndTheQuietestIsForgotten(t *testing.T) {
	const tries = 10
	here := netip.MustParseAddr("192.168.1.4")
	th := New(func() time.Time { return time.Unix(1, 0) }, tries, time.Minute)
	for range tries {
		th.Take(here)
	}
	for i := range MaxPlaces - 1 {
		th.Take(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
	}
	if _, wait := th.Take(here); wait == 0 {
		t.Error("forgotten although there is room")
	}
	for i := range 2 * MaxPlaces {
		th.Take(netip.AddrFrom4([4]byte{11, byte(i >> 16), byte(i >> 8), byte(i)}))
	}
	if len(th.places) != MaxPlaces || th.recent.Len() != MaxPlaces {
		t.Errorf("%d places, %d in the list", len(th.places), th.recent.Len())
	}
}
