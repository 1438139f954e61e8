package netstack

import (
	"bytes"
	"encoding/binary"
	"testing"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// gsoPacket is what the stack hands over: one packet of a stream, of any size,
// without its checksum.
func gsoPacket(port uint16, seq uint32, flags header.TCPFlags, payload []byte, mss int) *stack.PacketBuffer {
	src, dst := tcpip.AddrFrom4([4]byte{198, 51, 100, 9}), tcpip.AddrFrom4([4]byte{10, 66, 0, 2})
	p := stack.NewPacketBuffer(stack.PacketBufferOptions{ReserveHeaderBytes: 40, Payload: buffer.MakeWithData(payload)})
	t := header.TCP(p.TransportHeader().Push(20))
	t.Encode(&header.TCPFields{SrcPort: 80, DstPort: port, SeqNum: seq, AckNum: 7, DataOffset: 20, Flags: flags, WindowSize: 9})
	ip := header.IPv4(p.NetworkHeader().Push(20))
	ip.Encode(&header.IPv4Fields{TotalLength: uint16(40 + len(payload)), TTL: 64, Protocol: 6, SrcAddr: src, DstAddr: dst})
	p.GSOOptions = stack.GSO{Type: stack.GSOTCPv4, NeedsCsum: true, MSS: uint16(mss), L3HdrLen: 20}
	return p
}

func TestStreamsOfTheStackAreJoinedAndCutInTheirOrder(t *testing.T) {
	const mss = 100
	text := make([]byte, 1000)
	for i := range text {
		text[i] = byte(i)
	}
	q := newQueue()
	push := header.TCPFlagAck | header.TCPFlagPsh
	for _, p := range []*stack.PacketBuffer{
		gsoPacket(1, 0, header.TCPFlagSyn|header.TCPFlagAck, nil, 0),
		gsoPacket(1, 1, push, text[:250], mss),
		gsoPacket(2, 1, push, text[:10], mss),
		gsoPacket(1, 251, push, text[250:500], mss), // with the one before last: 5 whole segments
		gsoPacket(2, 11, header.TCPFlagAck, nil, mss),
		gsoPacket(2, 11, push, text[10:20], mss), // not past the acknowledgement
		gsoPacket(1, 501, header.TCPFlagFin|header.TCPFlagAck, nil, mss),
		gsoPacket(1, 251, push, text[250:300], mss), // again
	} {
		q.put(p)
		p.DecRef()
	}
	var c cutter
	c.fill(q)
	type seen struct {
		port  uint16
		seq   uint32
		n     int
		flags header.TCPFlags
	}
	var got []seen
	bufs, sizes := [][]byte{make([]byte, 2000), make([]byte, 2000), make([]byte, 2000)}, make([]int, 3)
	for !c.empty() {
		for i := range c.handOut(bufs, sizes, 16) {
			b := bufs[i][16:][:sizes[i]]
			ip, tc := header.IPv4(b), header.TCP(b[20:])
			if !ip.IsChecksumValid() || int(ip.TotalLength()) != len(b) || !tc.IsChecksumValid(ip.SourceAddress(), ip.DestinationAddress(), checksum.Checksum(tc.Payload(), 0), uint16(len(tc.Payload()))) {
				t.Errorf("a wrong checksum or length: %x", b)
			}
			if from := max(int(tc.SequenceNumber())-1, 0); !bytes.Equal(tc.Payload(), text[from:from+len(tc.Payload())]) {
				t.Errorf("at %d there is %x", from, tc.Payload())
			}
			got = append(got, seen{tc.DestinationPort(), binary.BigEndian.Uint32(b[24:]), len(tc.Payload()), tc.Flags()})
		}
	}
	a := header.TCPFlagAck
	want := []seen{
		{1, 0, 0, header.TCPFlagSyn | a},
		{1, 1, 100, a}, {1, 101, 100, a}, {1, 201, 100, a}, {1, 301, 100, a}, {1, 401, 100, push},
		{1, 501, 0, header.TCPFlagFin | a}, {1, 251, 50, push},
		{2, 1, 10, push}, {2, 11, 0, a}, {2, 11, 10, push},
	}
	if len(got) != len(want) {
		t.Fatalf("%v, want\n%v", got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("segment %d: %v, want %v", i, got[i], want[i])
		}
	}
}

func TestAFullQueueMakesTheStackWait(t *testing.T) {
	q := newQueue()
	p := gsoPacket(1, 1, header.TCPFlagAck, make([]byte, 60000), 1000)
	defer p.DecRef()
	n := 0
	for ; !func() bool { q.mu.Lock(); defer q.mu.Unlock(); return q.fullLocked(q.flows.of(p)) }(); n++ {
		q.put(p)
	}
	if n*60000 > 2*queueBytes {
		t.Errorf("%d large packets wait", n)
	}
	put := make(chan bool)
	go func() { put <- q.put(p) }()
	select {
	case <-put:
		t.Error("put into a full queue")
	default:
	}
	var c cutter
	if c.fill(q); c.n != 2 { // 60 segments each, of 128
		t.Errorf("took %d", c.n)
	}
	if !<-put {
		t.Error("not put although there is room")
	}
	c.release()
	q.close()
	if q.put(p) || c.fill(q) {
		t.Error("a closed queue takes or gives")
	}
}
