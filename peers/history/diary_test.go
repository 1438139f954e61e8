package history

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"homeward/peers"
)

func TestWhatRepeatsItselfIsCounted(t *testing.T) {
	d, now := newDiary(nil), time.Unix(1_800_000_000, 0)
	for i := range 48 { // two days, each hour
		d.add(Event{At: now.Add(time.Duration(i) * time.Hour), Kind: PortRenewed})
		d.add(Event{At: now.Add(time.Duration(i) * time.Hour), Kind: DeviceFirst, Peer: 1})
	}
	list, _ := d.find(Filter{Kinds: []Kind{PortRenewed}})
	if len(list) != 2 || list[0].Count != 24 || list[1].Count != 24 || list[0].Last.Sub(list[0].At) != 23*time.Hour {
		t.Errorf("%+v", list)
	}
	if list, _ := d.find(Filter{Kinds: []Kind{DeviceFirst}}); len(list) != 48 {
		t.Errorf("%d single events", len(list))
	}
}

func TestStrangersCannotFillTheDiary(t *testing.T) {
	d, now := newDiary(nil), time.Unix(1_800_000_000, 0)
	for i := range 5000 {
		d.add(Event{At: now, Kind: DeviceRefused, Cause: "unknown-key", Place: Coarse(netip.AddrFrom4([4]byte{203, byte(i >> 8), byte(i), 1}))})
	}
	if e := d.add(Event{At: now, Kind: DeviceRefused, Cause: "unknown-key", Place: "203.0.0.0/24"}); e.ID != 1 || e.Count != 2 {
		t.Errorf("a known place again: %+v", e)
	}
	d.add(Event{At: now, Kind: DeviceRefused, Cause: "disabled", Peer: 7, Place: "198.51.100.0/24"})
	list, _ := d.find(Filter{Limit: 500})
	if len(list) != maxStranger+2 || list[0].Peer != 7 || list[1].Place != "" || list[1].Count != 5000-maxStranger {
		t.Errorf("%d events: %+v", len(list), list[:2])
	}
}

func TestWhoGuessesPasswordsCannotFillTheDiary(t *testing.T) {
	d, now := newDiary(nil), time.Unix(1_800_000_000, 0)
	for i := range 5000 {
		place := Coarse(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1}))
		d.add(Event{At: now, Kind: LoginRefused, Cause: "password", Detail: "anna", Place: place})
		d.add(Event{At: now, Kind: LoginRefused, Cause: "token", Place: place})
	}
	list, _ := d.find(Filter{Limit: 500})
	if len(list) > 2*maxStranger+2 || len(list) < maxStranger {
		t.Errorf("%d events", len(list))
	}
	n := 0
	for _, e := range list {
		n += e.Count
		if e.Cause == "password" && e.Detail != "anna" || e.House() {
			t.Errorf("%+v", e)
		}
	}
	if n != 10_000 {
		t.Errorf("%d of 10,000 are counted", n)
	}
}

func TestTheDiaryIsBoundedByNumberAndAge(t *testing.T) {
	d, now := newDiary(nil), time.Unix(1_800_000_000, 0)
	for i := range 6000 {
		d.add(Event{At: now.Add(time.Duration(i) * time.Second), Kind: AdminAction, Detail: strings.Repeat("ä", 1000)})
	}
	if len(d.events) != maxEvents || len(d.dirty) != maxEvents || d.oldest() != 1001 {
		t.Errorf("%d events, %d unsaved, from %d", len(d.events), len(d.dirty), d.oldest())
	}
	if s := d.events[0].Detail; len(s) > maxText || !utf8.ValidString(s) {
		t.Errorf("a text of %d bytes", len(s))
	}
	d.add(Event{At: now.Add(10 * eventsKept), Kind: Started}) // by a clock that is not set yet
	if n := len(d.events); n != maxEvents {
		t.Errorf("%d events are left after one of a wrong time", n)
	}
	d.trim(now.Add(eventsKept + 4000*time.Second))
	if n := len(d.events); n != 2001 || len(d.dirty) != n {
		t.Errorf("%d events are left after 90 days, %d unsaved", n, len(d.dirty))
	}
}

func TestEventsAreFoundInPages(t *testing.T) {
	d, now := newDiary(nil), time.Unix(1_800_000_000, 0)
	for i := range 250 {
		d.add(Event{At: now.Add(time.Duration(i) * time.Minute), Kind: Kinds()[i%3], Peer: peers.ID(i % 2)})
	}
	var all []Event
	for f := (Filter{Peer: 1, Limit: 50}); ; {
		list, more := d.find(f)
		all = append(all, list...)
		if !more {
			break
		}
		f.Before = list[len(list)-1].ID
	}
	if len(all) != 125 || all[0].ID != 250 || all[124].ID != 2 {
		t.Errorf("%d events", len(all))
	}
	if list, more := d.find(Filter{Since: now.Add(240 * time.Minute)}); len(list) != 10 || more {
		t.Errorf("%d events since then, more: %v", len(list), more)
	}
}

func TestADevicesEventsCanHaveTheHousesBetweenThem(t *testing.T) {
	d, now := newDiary(nil), time.Unix(1_800_000_000, 0)
	for _, e := range []Event{{Kind: DeviceFirst, Peer: 1}, {Kind: DeviceFirst, Peer: 2}, {Kind: PortLost}, {Kind: PortRenewed}} {
		e.At = now
		d.add(e)
	}
	if list, _ := d.find(Filter{Peer: 1}); len(list) != 1 {
		t.Errorf("alone: %+v", list)
	}
	if list, _ := d.find(Filter{Peer: 1, House: true}); len(list) != 2 || list[0].Kind != PortLost || list[1].Peer != 1 {
		t.Errorf("with the house's: %+v", list)
	}
}

func TestASlowReaderLosesTheOldestAndHoldsUpNobody(t *testing.T) {
	var s Stream
	slow, quick := s.Subscribe(3), s.Subscribe(100)
	for i := range 10 {
		s.Publish(Event{Detail: fmt.Sprint(i)})
	}
	var got string
	for range 3 {
		got += (<-slow.C).Detail
	}
	if got != "789" || slow.Missed() != 7 || len(quick.C) != 10 || quick.Missed() != 0 {
		t.Errorf("slow: %q, missed %d; quick: %d", got, slow.Missed(), len(quick.C))
	}
	slow.Close()
	s.Publish(Event{})
	if len(slow.C) != 0 || len(quick.C) != 11 {
		t.Error("a closed subscription gets events")
	}
}

func TestCoarseAddressesAreNetworks(t *testing.T) {
	for in, want := range map[string]string{"203.0.113.77": "203.0.113.0/24", "::ffff:203.0.113.77": "203.0.113.0/24", "2001:db8:1:2::3": "2001:db8:1::/48", "fe80::1%eth0": "fe80::/48"} {
		if got := Coarse(netip.MustParseAddr(in)); got != want {
			t.Errorf("%s: %q", in, got)
		}
	}
	if got := Coarse(netip.Addr{}); got != "" {
		t.Errorf("no address: %q", got)
	}
}
