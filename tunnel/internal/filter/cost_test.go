package filter

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"golang.zx2c4.com/wireguard/tun"
)

// sink takes and gives packets without touching them.
type sink struct {
	tun.Device
	n, size int
}

func (s *sink) Write(bufs [][]byte, _ int) (int, error) { return len(bufs), nil }
func (s *sink) Read(bufs [][]byte, sizes []int, _ int) (int, error) {
	for i := range s.n {
		sizes[i] = s.size
	}
	return s.n, nil
}

// busy is a filter with many peers and flows, and batches of packets of known
// flows in both directions.
func busy(t testing.TB, f family, n, flows int) (d tun.Device, up, down [][]byte, sizes []int) {
	t.Helper()
	w := newWorld(t, Limits{}, Everything(), Everything())
	start := time.Now()
	w.clock = func() time.Duration { return time.Since(start) } // reading it is a part of the cost
	s := &sink{n: n}
	d = w.Wrap(s)
	for i := range flows {
		me, to := at(f.anna, uint16(20000+i)), at(f.home, 443)
		w.up(tcp(me, to, tcpSYN))
		w.down(tcp(to, me, tcpSYN|tcpACK))
		w.up(tcp(me, to, tcpACK))
	}
	sizes = make([]int, n)
	for i := range n {
		me, to := at(f.anna, uint16(20000+i*7%flows)), at(f.home, 443)
		u, b := ip(me.Addr(), to.Addr(), 6, tcpBody(me.Port(), to.Port(), tcpACK, 1300)), ip(to.Addr(), me.Addr(), 6, tcpBody(to.Port(), me.Port(), tcpACK, 1300))
		up, down = append(up, append(make([]byte, offset), u...)), append(down, append(make([]byte, offset), b...))
		s.size = len(b)
	}
	return d, up, down, sizes
}

func BenchmarkEstablished(b *testing.B) {
	for _, f := range families {
		for _, n := range []int{1, 8, 128} {
			for _, flows := range []int{1, 1000} {
				d, up, down, sizes := busy(b, f, n, flows)
				for name, one := range map[string]func(){
					"from peer": func() { d.Write(up, offset) },
					"to peer":   func() { d.Read(down, sizes, offset) },
				} {
					b.Run(fmt.Sprintf("%s %s/batch of %d/%d flows", f.name, name, n, flows), func(b *testing.B) {
						b.ReportAllocs()
						for b.Loop() {
							one()
						}
						b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/packet")
					})
				}
			}
		}
	}
}

func TestAPacketOfAKnownFlowAllocatesNothing(t *testing.T) {
	for _, f := range families {
		d, up, down, sizes := busy(t, f, 128, 100)
		if n := testing.AllocsPerRun(100, func() { d.Write(up, offset) }); n != 0 {
			t.Errorf("%s: %v allocations for a batch from a peer", f.name, n)
		}
		if n := testing.AllocsPerRun(100, func() { d.Read(down, sizes, offset) }); n != 0 {
			t.Errorf("%s: %v allocations for a batch to a peer", f.name, n)
		}
		if sizes[0] == 0 || sizes[127] == 0 {
			t.Error("the packets were dropped: the test proves nothing")
		}
	}
}

// A flood must not cost more than what it floods.
func BenchmarkRefused(b *testing.B) {
	for _, f := range families {
		w := newWorld(b, Limits{}, HomeOnly(), Access{})
		d := w.Wrap(&sink{})
		up := [][]byte{append(make([]byte, offset), knock(f.anna, f.far)...)}
		b.Run(f.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				d.Write(up, offset)
			}
		})
	}
}

func BenchmarkNewFlow(b *testing.B) {
	for _, f := range families {
		w := newWorld(b, Limits{}, Everything(), Access{})
		w.front = w.Wrap(&sink{})
		b.Run(f.name, func(b *testing.B) {
			b.ReportAllocs()
			w.flood(b.N, f.anna, f.home, 17)
		})
	}
}

func BenchmarkThousandPeers(b *testing.B) {
	list := thousand()
	w := newWorld(b, Limits{}, Everything(), Access{})
	b.Run("set", func(b *testing.B) {
		for b.Loop() {
			if err := w.SetPeers(list); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("snapshot", func(b *testing.B) {
		for b.Loop() {
			w.Snapshot()
		}
	})
}

func thousand() []Peer {
	var list []Peer
	for i := range 1000 {
		four, six := families[0].own.As4(), families[1].own.As16()
		four[2], four[3] = 1+byte(i>>8), byte(i)
		six[14], six[15] = 1+byte(i>>8), byte(i)
		list = append(list, Peer{ID: ID{byte(i), byte(i >> 8)}, Addresses: []netip.Addr{netip.AddrFrom4(four), netip.AddrFrom16(six)}, Access: Everything()})
	}
	return list
}
