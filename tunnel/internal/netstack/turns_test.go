package netstack

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// rawPacket is a packet as one peer sends it to another: nothing of it is parsed.
func rawPacket(from, to string, proto byte, ports uint32, size int) *stack.PacketBuffer {
	src, dst := netip.MustParseAddr(from), netip.MustParseAddr(to)
	var b []byte
	if src.Is4() {
		b = make([]byte, header.IPv4MinimumSize, header.IPv4MinimumSize+size)
		b[0], b[9] = 0x45, proto
		copy(b[12:], src.AsSlice())
		copy(b[16:], dst.AsSlice())
	} else {
		b = make([]byte, header.IPv6MinimumSize, header.IPv6MinimumSize+size)
		b[0], b[6] = 0x60, proto
		copy(b[8:], src.AsSlice())
		copy(b[24:], dst.AsSlice())
	}
	b = append(b, make([]byte, size)...)
	binary.BigEndian.PutUint32(b[len(b)-size:], ports)
	return stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(b)})
}

const (
	icmpProto = byte(header.ICMPv4ProtocolNumber)
	udpProto  = byte(header.UDPProtocolNumber)
	tcpProto  = byte(header.TCPProtocolNumber)
)

func TestAnAnswerDoesNotWaitBehindADownload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		bulk := gsoPacket(1, 1, header.TCPFlagAck, make([]byte, 60000), 1000)
		answer := rawPacket("10.77.0.2", "10.77.0.3", udpProto, 7, 100)
		go func() { // as fast as it can
			for q.put(bulk) {
			}
		}()
		synctest.Wait()
		q.mu.Lock()
		waits := q.length
		q.mu.Unlock()
		if waits < queueBytes/60000 {
			t.Fatalf("only %d large packets wait", waits)
		}
		for round := range 3 {
			put := make(chan bool, 1)
			go func() { put <- q.put(answer) }()
			synctest.Wait()
			select {
			case <-put:
			default:
				t.Fatal("the answer waits for room, which the download has taken")
			}
			var out [8]*stack.PacketBuffer
			n := q.take(out[:], 128)
			at := slices.IndexFunc(out[:n], func(p *stack.PacketBuffer) bool { return p.Size() == answer.Size() })
			// Behind one turn of the download at most, which may begin with few bytes left.
			if at < 0 || at > 2 {
				t.Errorf("round %d: of %d packets, the answer is the one at %d", round, n, at)
			}
			synctest.Wait()
		}
		q.close()
	})
}

func TestFlowsThatHaveMuchToSayTakeTurns(t *testing.T) {
	q := newQueue()
	for _, f := range []struct {
		flow    uint32
		size, n int
	}{{1, 60000, 10}, {2, 1400, 150}, {3, 6000, 40}} {
		for range f.n {
			p := rawPacket("10.77.0.2", "10.77.0.3", udpProto, f.flow, f.size)
			q.put(p)
			p.DecRef()
		}
	}
	got := map[uint32]int{}
	var out [1]*stack.PacketBuffer
	for range 3 { // each has one turn
		for turn := 0; turn < turnBytes; turn += out[0].Size() {
			q.take(out[:], 1)
			b := out[0].AsSlices()[0]
			got[binary.BigEndian.Uint32(b[header.IPv4MinimumSize:])] += len(b)
		}
	}
	for flow := range uint32(3) {
		if n := got[flow+1]; n < turnBytes/2 || n > 2*turnBytes {
			t.Errorf("flow %d had %d bytes in three turns: %v", flow+1, n, got)
		}
	}
}

// TestFlowsKeepTheirOrderAndNothingIsLost compares with a slow model: a list of each
// flow's packets.
func TestFlowsKeepTheirOrderAndNothingIsLost(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 200 {
		q := newQueue()
		const flows = 6 // fewer than there are places, and some of them share one
		model := map[int][]int{}
		number, inside, bytes := 0, 0, 0
		take := func() {
			var out [16]*stack.PacketBuffer
			n := q.take(out[:1+r.IntN(16)], 1+r.IntN(200))
			if n == 0 {
				t.Fatalf("round %d: nothing, of %d packets", round, inside)
			}
			for _, p := range out[:n] {
				b := p.AsSlices()[0]
				flow, seen := int(binary.BigEndian.Uint32(b[header.IPv4MinimumSize:])), int(binary.BigEndian.Uint32(b[header.IPv4MinimumSize+4:]))
				if len(model[flow]) == 0 || model[flow][0] != seen {
					t.Fatalf("round %d: packet %d of flow %d, but %v was next", round, seen, flow, model[flow])
				}
				model[flow] = model[flow][1:]
				inside--
				bytes -= p.Size()
			}
			if inside != q.length || bytes != q.bytes {
				t.Fatalf("round %d: %d packets of %d bytes, the queue says %d of %d", round, inside, bytes, q.length, q.bytes)
			}
		}
		for range 400 {
			flow := r.IntN(flows)
			p := rawPacket("10.77.0.2", "10.77.0.3", udpProto, uint32(flow), 8+r.IntN(1+r.IntN(60000)))
			binary.BigEndian.PutUint32(p.AsSlices()[0][header.IPv4MinimumSize+4:], uint32(number))
			for q.fullLocked(q.flows.of(p)) || r.IntN(3) == 0 && inside > 0 {
				take()
			}
			q.put(p)
			model[flow] = append(model[flow], number)
			number, inside, bytes = number+1, inside+1, bytes+p.Size()
		}
		for inside > 0 {
			take()
		}
	}
}

func TestWhatBelongsTogetherIsOneFlow(t *testing.T) {
	q := newQueue()
	flow := func(p *stack.PacketBuffer) int { defer p.DecRef(); return q.flows.of(p) }
	same := func(what string, a, b *stack.PacketBuffer) {
		t.Helper()
		if flow(a) != flow(b) {
			t.Errorf("%s: two flows", what)
		}
	}
	same("two packets of a stream", rawPacket("fd00::2", "fd00::3", tcpProto, 7<<16|8, 40), rawPacket("fd00::2", "fd00::3", tcpProto, 7<<16|8, 400))
	same("two echoes, with other checksums", rawPacket("10.0.0.1", "10.0.0.2", icmpProto, 0x08001111, 64), rawPacket("10.0.0.1", "10.0.0.2", icmpProto, 0x08002222, 64))
	same("packets that are too short", rawPacket("10.0.0.1", "10.0.0.2", udpProto, 1, 4), rawPacket("10.0.0.1", "10.0.0.2", udpProto, 1, 4))
	parsed := gsoPacket(80, 1, header.TCPFlagAck, make([]byte, 10), 100)
	whole := parsed.ToView()
	same("a packet of the stack and the same one as it is passed on", parsed.Clone(), stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithView(whole)}))
	// By chance, 1 in 256 each: all of them, never.
	places := map[int]bool{}
	for n := range uint32(16) {
		places[flow(rawPacket("10.0.0.1", "10.0.0.2", udpProto, n, 40))] = true
		places[flow(rawPacket("fd00::2", "fd00::3", udpProto, n, 40))] = true
	}
	if len(places) < 16 {
		t.Errorf("32 flows have only %d places", len(places))
	}
	for _, b := range [][]byte{nil, {0x45}, {0x60, 0}, make([]byte, 19)} {
		q.flows.of(stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(b)})) // does not panic
	}
}

func TestAFullQueueIsClosedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		p := gsoPacket(1, 1, header.TCPFlagAck, make([]byte, 60000), 1000)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for q.put(p) {
			}
		}()
		time.Sleep(time.Second)
		q.close()
		<-ended
		if q.length != 0 || q.bytes != 0 {
			t.Errorf("%d packets of %d bytes are left", q.length, q.bytes)
		}
	})
}
