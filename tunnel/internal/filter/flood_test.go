package filter

import (
	"encoding/binary"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"time"
)

// flood sends n packets that each begin a flow of their own.
func (w *world) flood(n int, from netip.Addr, to netip.Addr, proto byte) {
	body := tcpBody(0, 0, tcpSYN, 0)
	if proto == 17 {
		body = udpBody(0, 0, 4)
	}
	b := append(make([]byte, offset), ip(from, to, proto, body)...)
	ports := b[len(b)-len(body):]
	for i := range n {
		binary.BigEndian.PutUint16(ports, uint16(i))
		binary.BigEndian.PutUint16(ports[2:], uint16(1000+i>>16))
		w.front.Write([][]byte{b}, offset)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestAFloodStaysWithinBoundsAndGoesAway(t *testing.T) {
	const n = 100_000
	both(t, Everything(), Everything(), func(w *world, f family) {
		w.wire = nil
		w.front = w.Wrap(&sink{})
		w.flood(10, f.anna, f.home, 6)
		before := heap()
		for _, proto := range []byte{6, 17} {
			w.flood(n, f.anna, f.home, proto)
			s := w.Snapshot()
			if s.Flows > DefaultLimits().PerPeerHalfOpen {
				t.Errorf("%d flows are open", s.Flows)
			}
			if got := s.Peers[0].FromPeer.Packets; got < n {
				t.Errorf("only %d packets passed: a flood must not lock its own peer out", got)
			}
		}
		if grown := int64(heap()) - int64(before); grown > 1<<20 {
			t.Errorf("%d bytes more are in use at the peak", grown)
		}
		w.now += time.Minute + touchEvery
		w.sweep()
		if s := w.Snapshot(); s.Flows != 0 || s.Peers[0].Flows != 0 {
			t.Errorf("flows are left: %+v", s)
		}
		if grown := int64(heap()) - int64(before); grown > 64<<10 {
			t.Errorf("%d bytes more are in use afterwards", grown)
		}
		runtime.KeepAlive(w)
	})
}

func TestAFloodOfOnePeerLeavesTheOthersAndItsOwnConnectionsAlone(t *testing.T) {
	for _, f := range families {
		t.Run(f.name, func(t *testing.T) {
			w := newWorld(t, Limits{Total: 200, PerPeer: 150, PerPeerHalfOpen: 50}, Everything(), Everything())
			w.passes("anna", w.connected(at(f.anna, 4000), at(f.far, 443)))
			w.passes("bert", w.connected(at(f.bert, 4000), at(f.far, 443)))
			w.passes("bert asks", w.up(udp(at(f.bert, 4000), at(f.far, 99))))
			w.flood(1000, f.anna, f.home, 6)
			w.flood(1000, f.anna, f.home, 17)
			w.passes("anna", w.goesOn(at(f.anna, 4000), at(f.far, 443)))
			w.passes("bert", w.goesOn(at(f.bert, 4000), at(f.far, 443)))
			w.passes("bert is answered", w.down(udp(at(f.far, 99), at(f.bert, 4000))))
			w.passes("bert, anew", w.connected(at(f.bert, 4001), at(f.far, 443)))
		})
	}
}

func TestWithoutLimitsTheFloodWouldFillTheTable(t *testing.T) {
	// The control: it is the limits that hold the floods above.
	w := newWorld(t, Limits{Total: 1 << 20, PerPeer: 1 << 20, PerPeerHalfOpen: 1 << 20}, Everything(), Everything())
	w.flood(5000, families[0].anna, families[0].home, 17)
	if n := w.Snapshot().Flows; n != 5000 {
		t.Errorf("%d flows are open, want 5000", n)
	}
}

func TestTheOldestUnansweredFlowGoesFirst(t *testing.T) {
	for _, f := range families {
		w := newWorld(t, Limits{Total: 1000, PerPeer: 1000, PerPeerHalfOpen: 2}, Everything(), Everything())
		w.passes("a datagram", w.up(udp(at(f.anna, 1), at(f.far, 99))))
		w.now += 5 * time.Second
		w.passes("a SYN", w.up(tcp(at(f.anna, 2), at(f.far, 80), tcpSYN)))
		w.now += 5 * time.Second
		w.passes("a name", w.up(udp(at(f.anna, 3), at(f.own, 53))))
		w.dropped("the datagram's answer", w.down(udp(at(f.far, 99), at(f.anna, 1))))
		w.now += 5 * time.Second
		w.passes("another SYN", w.up(tcp(at(f.anna, 4), at(f.far, 80), tcpSYN)))
		w.dropped("the SYN's answer", w.down(tcp(at(f.far, 80), at(f.anna, 2), tcpSYN|tcpACK)))
		w.passes("the name's answer", w.down(udp(at(f.own, 53), at(f.anna, 3))))
	}
}

func TestTheTableGivesItsMemoryBack(t *testing.T) {
	w := newWorld(t, Limits{Total: 1 << 20, PerPeer: 1 << 20, PerPeerHalfOpen: 1 << 20}, Everything(), Everything())
	w.front = w.Wrap(&sink{})
	f := families[1]
	w.flood(10, f.anna, f.home, 17)
	before := heap()
	w.flood(60_000, f.anna, f.home, 17)
	if grown := int64(heap()) - int64(before); grown < 5<<20 {
		t.Errorf("only %d bytes more are in use at the peak: the test proves nothing", grown)
	}
	w.now += time.Minute + touchEvery
	w.sweep()

	if grown := int64(heap()) - int64(before); grown > 64<<10 {
		t.Errorf("%d bytes more are in use afterwards", grown)
	}
	runtime.KeepAlive(w)
}

func TestWhenAllIsFullTheLargestPeerGivesWay(t *testing.T) {
	for _, f := range families {
		w := newWorld(t, Limits{Total: 100, PerPeer: 1000, PerPeerHalfOpen: 1000}, Everything(), Everything())
		w.flood(500, f.anna, f.home, 17)
		if s := w.Snapshot(); s.Flows != 100 || s.Peers[0].Drops.Total() != 0 {
			t.Errorf("%d flows are open, want 100; dropped: %v", s.Flows, w.drops())
		}
		for i := range uint16(40) {
			w.passes("bert", w.connected(at(f.bert, 4000+i), at(f.far, 443)))
		}
		s := w.Snapshot()
		if s.Peers[0].Flows != 60 || s.Peers[1].Flows != 40 || s.Flows != 100 {
			t.Errorf("open: %d and %d, in all %d", s.Peers[0].Flows, s.Peers[1].Flows, s.Flows)
		}
	}
}

func TestEstablishedConnectionsAreNotGivenUpForNewOnes(t *testing.T) {
	for _, f := range families {
		w := newWorld(t, Limits{Total: 1000, PerPeer: 20, PerPeerHalfOpen: 10}, Everything(), Everything())
		for i := range uint16(20) {
			w.passes("a connection", w.connected(at(f.anna, 4000+i), at(f.far, 443)))
		}
		w.dropped("one too many", w.up(tcp(at(f.anna, 5000), at(f.far, 443), tcpSYN)))
		if n := w.Snapshot().Peers[0].Drops.Of(Full); n != 1 {
			t.Errorf("%d drops are counted as full, want 1", n)
		}
		w.now += spare + 2*time.Second
		for i := range uint16(19) {
			w.passes("the busy ones", w.goesOn(at(f.anna, 4001+i), at(f.far, 443)))
		}
		w.passes("when one was quiet", w.up(tcp(at(f.anna, 5000), at(f.far, 443), tcpSYN)))
		w.dropped("that one", w.down(tcp(at(f.far, 443), at(f.anna, 4000), tcpACK)))
	}
}

// Everything at once, for the race detector; the totals have to add up.
func TestManyHandsAtOnce(t *testing.T) {
	f := families[0]
	fl, err := New(Config{Addresses: tunnelNets, Limits: Limits{Total: 300, PerPeer: 250, PerPeerHalfOpen: 200}})
	if err != nil {
		t.Fatal(err)
	}
	fl.SetHost(Host{Addresses: hostNets})
	d := fl.Wrap(&sink{})
	var all sync.WaitGroup
	for i, from := range []netip.Addr{f.anna, f.bert} {
		all.Go(func() {
			for n := range 3000 {
				to := []netip.Addr{f.home, f.far, f.bert, f.anna}[n%4]
				d.Write([][]byte{append(make([]byte, offset), udp(at(from, uint16(n)), at(to, uint16(i)))...)}, offset)
			}
		})
	}
	all.Go(func() {
		for n := range 3000 {
			var s session
			s.begin(fl)
			s.judge(udp(at(f.home, 0), at(f.anna, uint16(n))), toPeer)
			s.judge(udp(at(f.bert, 0), at(f.anna, uint16(n))), toPeer)
			s.end()
		}
	})
	all.Go(func() {
		for n := range 200 {
			two := peersWith(all0(n), Everything())
			if err := fl.SetPeers(two[n%2:]); err != nil {
				t.Error(err)
			}
			fl.SetHost(Host{Addresses: hostNets[n%2:]})
			fl.Snapshot()
			fl.sweep()
		}
	})
	all.Wait()
	sum := 0
	for _, p := range fl.Snapshot().Peers {
		sum += p.Flows
	}
	if s := fl.Snapshot(); s.Flows != sum || sum > 302 {
		t.Errorf("%d flows in all, %d of the peers", s.Flows, sum)
	}
	if err := fl.SetPeers(nil); err != nil {
		t.Fatal(err)
	}
	if s := fl.Snapshot(); s.Flows != 0 {
		t.Errorf("%d flows are open without peers", s.Flows)
	}
}

func all0(n int) Access {
	if n%3 == 0 {
		return all()
	}
	return HomeOnly()
}
