package netstack

import (
	"net/netip"
	"testing"

	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

func keyOf(kind flowKind, from, to string) flowKey {
	f, o := netip.MustParseAddrPort(from), netip.MustParseAddrPort(to)
	return flowKey{kind, stack.TransportEndpointID{
		RemoteAddress: stackAddr(f.Addr()), RemotePort: f.Port(), LocalAddress: stackAddr(o.Addr()), LocalPort: o.Port(),
	}}
}

const web = "198.51.100.9:80"

func TestLimitsHoldInTotalAndPerSource(t *testing.T) {
	limits := Limits{Dials: 3, DialsPerSource: 2, TCP: 5, TCPPerSource: 3, UDP: 3, UDPPerSource: 2, Echoes: 1, EchoesPerSource: 1}
	anna, bert, carl := "10.66.0.2:", "10.66.0.3:", "10.66.0.4:"
	for _, c := range []struct {
		name    string
		begin   []flowKey
		dialled bool // each flow's connection stands before the next begins
		want    []bool
	}{
		{"UDP of one source", []flowKey{keyOf(flowUDP, anna+"1", web), keyOf(flowUDP, anna+"2", web), keyOf(flowUDP, anna+"3", web), keyOf(flowUDP, bert+"1", web)}, false, []bool{true, true, false, true}},
		{"UDP in total", []flowKey{keyOf(flowUDP, anna+"1", web), keyOf(flowUDP, anna+"2", web), keyOf(flowUDP, bert+"1", web), keyOf(flowUDP, bert+"2", web)}, false, []bool{true, true, true, false}},
		{"dials of one source", []flowKey{keyOf(flowTCP, anna+"1", web), keyOf(flowTCP, anna+"2", web), keyOf(flowTCP, anna+"3", web), keyOf(flowTCP, bert+"1", web)}, false, []bool{true, true, false, true}},
		{"dials in total", []flowKey{keyOf(flowTCP, anna+"1", web), keyOf(flowTCP, bert+"1", web), keyOf(flowTCP, carl+"1", web), keyOf(flowTCP, carl+"2", web)}, false, []bool{true, true, true, false}},
		{"connections of one source", []flowKey{keyOf(flowTCP, anna+"1", web), keyOf(flowTCP, anna+"2", web), keyOf(flowTCP, anna+"3", web), keyOf(flowTCP, anna+"4", web)}, true, []bool{true, true, true, false}},
		{"kinds are counted apart", []flowKey{keyOf(flowTCP, anna+"1", web), keyOf(flowUDP, anna+"1", web), keyOf(flowEcho, anna+"1", web)}, false, []bool{true, true, true}},
		{"the same flow twice", []flowKey{keyOf(flowUDP, anna+"1", web), keyOf(flowUDP, anna+"1", web)}, false, []bool{true, false}},
	} {
		t.Run(c.name, func(t *testing.T) {
			table := newFlows(limits)
			var begun []*flow
			for i, key := range c.begin {
				f := table.begin(key, nil)
				if (f != nil) != c.want[i] {
					t.Fatalf("flow %d: begun = %t, want %t", i, f != nil, c.want[i])
				}
				if f != nil {
					begun = append(begun, f)
					if c.dialled {
						f.dialled()
					}
				}
			}
			for _, f := range begun {
				f.end()
			}
			if table.total != (counts{}) || len(table.bySource) != 0 || len(table.all) != 0 {
				t.Errorf("left: %v %v %v", table.total, table.bySource, table.all)
			}
		})
	}
}

func TestCutEndsOneSourcesFlowsOnly(t *testing.T) {
	table := newFlows(DefaultLimits())
	anna, bert := table.begin(keyOf(flowUDP, "10.66.0.2:1", web), nil), table.begin(keyOf(flowUDP, "10.66.0.3:1", web), nil)
	aborted := 0
	anna.onCut(func() { aborted++ })
	bert.onCut(func() { t.Error("the other peer's flow was cut") })
	table.cut([]netip.Addr{anna.source()})
	table.cut([]netip.Addr{anna.source()})
	if aborted != 1 || anna.ctx.Err() == nil || bert.ctx.Err() != nil {
		t.Errorf("aborted %d times, contexts: %v, %v", aborted, anna.ctx.Err(), bert.ctx.Err())
	}
	anna.onCut(func() { aborted++ })
	if aborted != 2 {
		t.Error("what comes after the cut is not aborted at once")
	}
	bert.onCut(nil)
	anna.end()
	bert.end()
}

func TestNoFlowBeginsAfterClose(t *testing.T) {
	table := newFlows(DefaultLimits())
	table.close()
	if table.begin(keyOf(flowUDP, "10.66.0.2:1", web), nil) != nil {
		t.Error("a flow has begun")
	}
}

func TestLimitsFollowTheMemory(t *testing.T) {
	usual := DefaultLimits()
	for memory, want := range map[int64]Limits{
		0: usual, 256 << 20: usual, 8 << 20: LimitsFor(64 << 20), 1 << 40: LimitsFor(1 << 30),
	} {
		if got := LimitsFor(memory); got != want {
			t.Errorf("for %d bytes: %+v, want %+v", memory, got, want)
		}
	}
	small, large := LimitsFor(64<<20), LimitsFor(1<<30)
	if small.TCP != usual.TCP/4 || small.DialsPerSource != usual.DialsPerSource/4 || small.Buffer != 1<<20 ||
		large.UDP != 4*usual.UDP || large.Buffer != usual.Buffer {
		t.Errorf("small %+v, large %+v", small, large)
	}
}
