package segment

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
)

// slowSum is the checksum as RFC 1071 says it.
func slowSum(b []byte, sum uint16) uint16 {
	s := uint32(sum)
	for i, v := range b {
		if i%2 == 0 {
			s += uint32(v) << 8
		} else {
			s += uint32(v)
		}
		s = s&0xffff + s>>16
	}
	return uint16(s&0xffff + s>>16)
}

func TestSumIsTheInternetsChecksum(t *testing.T) {
	b := make([]byte, 300)
	for i := range b {
		b[i] = byte(rand.Int())
	}
	for n := range b {
		start := uint16(rand.Int())
		if got, want := Sum(b[:n], start), slowSum(b[:n], start); got != want && got+want != 0xffff { // two zeros
			t.Fatalf("%d bytes: %x, want %x", n, got, want)
		}
	}
	if got := Sum(bytes.Repeat([]byte{0xff}, 64), 0xffff); got != 0xffff {
		t.Errorf("all ones: %x", got)
	}
}

// packet is a TCP packet as the slow model sees it.
type packet struct {
	v6      bool
	stream  byte
	seq     uint32
	flags   byte
	tos     byte
	id      uint16
	df      bool
	ack     uint32
	options []byte
	payload []byte
}

func (p packet) bytes() []byte {
	ip := 20
	if p.v6 {
		ip = 40
	}
	b := make([]byte, ip+20+len(p.options)+len(p.payload))
	if p.v6 {
		b[0], b[1] = 0x60|p.tos>>4, p.tos<<4
		binary.BigEndian.PutUint16(b[4:], uint16(len(b)-40))
		b[6], b[7], b[23], b[39] = 6, 64, p.stream, 9
	} else {
		b[0], b[1], b[8], b[9], b[12], b[15], b[16], b[19] = 0x45, p.tos, 64, 6, 10, p.stream, 10, 9
		binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
		binary.BigEndian.PutUint16(b[4:], p.id)
		if p.df {
			b[6] = 0x40
		}
		binary.BigEndian.PutUint16(b[10:], ^slowSum(b[:20], 0))
	}
	t := b[ip:]
	t[0], t[3], t[12], t[13] = 1, 80, byte(20+len(p.options))<<2, p.flags
	binary.BigEndian.PutUint32(t[4:], p.seq)
	binary.BigEndian.PutUint32(t[8:], p.ack)
	copy(t[20:], p.options)
	copy(t[20+len(p.options):], p.payload)
	binary.BigEndian.PutUint16(t[16:], ^slowSum(t, slowPseudo(b, ip)))
	return b
}

func slowPseudo(b []byte, ip int) uint16 {
	from := 12
	if ip == 40 {
		from = 8
	}
	return slowSum([]byte{0, 6, byte((len(b) - ip) >> 8), byte(len(b) - ip)}, slowSum(b[from:ip], 0))
}

// script makes a batch of packets out of any bytes: mostly a few streams, each
// in order.
func script(b []byte) []packet {
	var list []packet
	seq, id := map[byte]uint32{}, map[byte]uint16{}
	for ; len(b) >= 3 && len(list) < Batch; b = b[3:] {
		p := packet{stream: b[0] & 3, v6: b[0]&4 != 0, flags: ack, df: b[0]&8 == 0, ack: uint32(len(list))}
		size := 100
		switch b[1] >> 5 {
		case 1:
			size = int(b[1] & 31)
		case 2:
			size = 101 + int(b[1]&31)
		case 3:
			p.flags |= psh
		case 4:
			p.flags = b[2]
		case 5:
			p.tos = b[1] & 3
		case 6:
			p.options = []byte("\x01\x01\x08\x0a12345678")
			p.options[11] = b[2]
		}
		k := b[0] & 7
		p.seq, p.id = seq[k]+0xfffffe00, id[k] // wraps around early
		if b[0]&0xf0 == 0xf0 {
			p.seq += uint32(b[2])
		}
		p.payload = make([]byte, size)
		for i := range p.payload {
			p.payload[i] = byte(i) + b[2] + byte(len(list))
		}
		seq[k] += uint32(size)
		id[k]++
		list = append(list, p)
	}
	return list
}

const room = 16 // before each packet

// check joins a batch, cuts what was joined, and compares with what there was.
func check(t *testing.T, list []packet) (joined int) {
	t.Helper()
	batch, original := make([][]byte, len(list)), make([][]byte, len(list))
	for i, p := range list {
		original[i] = p.bytes()
		batch[i] = append(make([]byte, room), original[i]...)
	}
	var runs Runs
	runs.Find(batch, room)
	seen := map[int]bool{}
	last := map[string]int{} // of each stream
	for i := range runs.List {
		r := &runs.List[i]
		var places []int
		for at, n := r.First, 0; n < r.Count; n++ {
			places = append(places, at)
			at = runs.Next(at)
		}
		for _, at := range places {
			stream := fmt.Sprint(list[at].v6, list[at].stream)
			if before, known := last[stream]; seen[at] || known && before > at {
				t.Fatalf("packet %d of stream %s comes twice or after packet %d", at, stream, before)
			}
			seen[at], last[stream] = true, at
		}
		joined += len(places) - 1
		if len(places) == 1 {
			if !bytes.Equal(batch[r.First][room:], original[r.First]) {
				t.Fatalf("packet %d has changed", r.First)
			}
			continue
		}
		checkRun(t, r, list, batch, places)
	}
	if len(seen) != len(list) {
		t.Fatalf("%d of %d packets", len(seen), len(list))
	}
	return joined
}

// checkRun cuts a joined packet: what comes out is what went in, with the
// headers of the last.
func checkRun(t *testing.T, r *Run, list []packet, batch [][]byte, places []int) {
	t.Helper()
	var payload [][]byte
	for _, at := range places {
		payload = append(payload, batch[at][room+r.HeaderLen():])
	}
	first, newest := batch[r.First][room:], list[places[len(places)-1]]
	r.Merge(first, batch[r.Last][room:])
	if r.IPLen() == 20 && slowSum(first[:20], 0) != 0xffff {
		t.Fatal("the joined packet's IP checksum is wrong")
	}
	whole := append(bytes.Clone(first[:r.HeaderLen()]), bytes.Join(payload, nil)...)
	if len(whole) != r.Size || binary.BigEndian.Uint16(whole[r.IPLen()+16:]) != slowPseudo(whole, r.IPLen()) {
		t.Fatalf("the joined packet has %d bytes, not %d, or a wrong sum of the pseudo header", len(whole), r.Size)
	}
	var c Large
	if !c.Begin(first[:r.IPLen()], first[r.IPLen():r.HeaderLen()], payload, r.MSS) {
		t.Fatal("the joined packet cannot be cut")
	}
	b := make([]byte, 2000)
	for i, at := range places {
		if n := c.Count(); n != len(places)-i {
			t.Fatalf("%d segments are left, not %d", n, len(places)-i)
		}
		want := list[at]
		want.ack, want.options = newest.ack, newest.options
		if !want.v6 { // numbered from the first
			want.id = list[r.First].id + uint16(i)
		}
		if n := c.Next(b); !bytes.Equal(b[:n], want.bytes()) {
			t.Fatalf("segment %d of packet %d:\n%x, want\n%x", i, at, b[:n], want.bytes())
		}
	}
	if n := c.Next(b); n != 0 {
		t.Fatalf("a segment of %d bytes too many", n)
	}
}

func TestStreamsAreJoinedAndCut(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(i int, p *packet)
		want int // joined away, of 40 packets
	}{
		"one stream":          {func(int, *packet) {}, 39},
		"four streams, mixed": {func(i int, p *packet) { p.stream, p.seq = byte(i%4), uint32(i/4)*100 }, 36},
		"a push in the middle": {func(i int, p *packet) {
			if i == 20 {
				p.flags |= psh
			}
		}, 38},
		"a gap":                       {func(i int, p *packet) { p.seq += uint32(i / 20) }, 38},
		"congestion was met":          {func(i int, p *packet) { p.tos = byte(i/20) * 3 }, 38},
		"an end":                      {func(i int, p *packet) { p.flags |= byte(i/39) * fin }, 38},
		"other timestamps":            {func(i int, p *packet) { p.options = []byte(fmt.Sprintf("\x01\x01\x08\x0a%08d", i)) }, 39},
		"other options":               {func(i int, p *packet) { p.options = []byte(fmt.Sprintf("\x01\x01\x05\x0a%08d", i)) }, 0},
		"without don't fragment":      {func(i int, p *packet) { p.df, p.id = false, uint16(i) }, 39},
		"numbers that don't follow":   {func(i int, p *packet) { p.df, p.id = false, uint16(2*i) }, 0},
		"IPv6":                        {func(_ int, p *packet) { p.v6 = true }, 39},
		"acknowledgements in between": {func(i int, p *packet) { p.ack = uint32(i) * 1000 }, 39},
		"nothing to carry":            {func(_ int, p *packet) { p.payload = nil }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			list := make([]packet, 40)
			for i := range list {
				list[i] = packet{seq: uint32(i) * 100, flags: ack, df: true, payload: bytes.Repeat([]byte{byte(i)}, 100)}
				c.edit(i, &list[i])
			}
			if got := check(t, list); got != c.want {
				t.Errorf("%d packets are joined away, not %d", got, c.want)
			}
		})
	}
}

func TestAJoinedPacketStaysBelow64KiB(t *testing.T) {
	list := make([]packet, Batch)
	for i := range list {
		list[i] = packet{seq: uint32(i) * 1400, flags: ack, df: true, payload: make([]byte, 1400)}
	}
	if got := check(t, list); got != Batch-3 {
		t.Errorf("%d are joined away", got)
	}
}

func TestWhatIsNoPlainTCPStaysAsItIs(t *testing.T) {
	plain := packet{flags: ack, df: true, payload: make([]byte, 100)}.bytes()
	change := func(edit func(b []byte)) []byte {
		b := bytes.Clone(plain)
		edit(b)
		return b
	}
	for name, b := range map[string][]byte{
		"nothing":            {},
		"a byte":             {0x45},
		"UDP":                change(func(b []byte) { b[9] = 17 }),
		"IP options":         change(func(b []byte) { b[0] = 0x46 }),
		"a fragment":         change(func(b []byte) { b[6], b[7] = 0x20, 1 }),
		"longer than it is":  change(func(b []byte) { b[3]++ }),
		"shorter than it is": change(func(b []byte) { b[3]-- }),
		"a header too long":  change(func(b []byte) { b[32] = 0xf0; binary.BigEndian.PutUint16(b[2:], 50) })[:50],
		"a header too short": change(func(b []byte) { b[32] = 0x40 }),
	} {
		t.Run(name, func(t *testing.T) {
			batch := [][]byte{bytes.Clone(b), bytes.Clone(b)}
			var runs Runs
			if runs.Find(batch, 0); len(runs.List) != 2 || runs.List[0].MSS != 0 || !bytes.Equal(batch[0], b) {
				t.Errorf("%+v", runs.List)
			}
		})
	}
}

func TestOnlyTCPIsCut(t *testing.T) {
	p := packet{flags: ack, df: true, payload: make([]byte, 100)}.bytes()
	var c Large
	for name, ok := range map[string]bool{
		"no MSS":          c.Begin(p[:20], p[20:40], nil, 0),
		"half a header":   c.Begin(p[:20], p[20:39], nil, 100),
		"no TCP header":   c.Begin(p[:20], nil, nil, 100),
		"no IP header":    c.Begin(nil, p[20:40], nil, 100),
		"of another kind": c.Begin(make([]byte, 20), p[20:40], nil, 100),
	} {
		if ok {
			t.Error(name)
		}
	}
	if !c.Begin(p[:20], p[20:40], [][]byte{p[40:]}, 30) || c.Next(make([]byte, 69)) != 0 || c.Next(make([]byte, 70)) != 70 {
		t.Error("a segment has its size in a buffer that just takes it")
	}
}

func TestAPacketWithoutPayloadGetsItsChecksum(t *testing.T) {
	want := packet{v6: true, flags: ack | fin | psh}.bytes()
	b := bytes.Clone(want)
	b[56], b[57] = 1, 2
	var c Large
	out := make([]byte, 100)
	if !c.Begin(b[:40], b[40:], nil, 1400) || c.Count() != 1 {
		t.Fatal("it is no segment")
	}
	if n := c.Next(out); !bytes.Equal(out[:n], want) || c.Next(out) != 0 {
		t.Errorf("%x, want %x", out[:n], want)
	}
}

// Pieces of the stack's may begin anywhere; checksums count in pairs of bytes.
func TestPiecesOfAnyLengthAreCutTheSame(t *testing.T) {
	payload := make([]byte, 3000)
	for i := range payload {
		payload[i] = byte(rand.Int())
	}
	for _, v6 := range []bool{false, true} {
		whole := packet{v6: v6, flags: ack, seq: 0xfffffff0, id: 0xffff, payload: payload}.bytes()
		ip := len(whole) - len(payload) - tcpMin
		for range 50 {
			var pieces [][]byte
			for rest := payload; len(rest) > 0; {
				n := min(1+rand.IntN(700), len(rest))
				pieces, rest = append(pieces, rest[:n]), rest[n:]
			}
			const mss = 999
			var c Large
			if !c.Begin(whole[:ip], whole[ip:ip+tcpMin], pieces, mss) {
				t.Fatal("it is no TCP packet")
			}
			for at := 0; at < len(payload); at += mss {
				want := packet{v6: v6, flags: ack, seq: 0xfffffff0 + uint32(at), id: uint16(0xffff + at/mss), payload: payload[at:min(at+mss, len(payload))]}.bytes()
				got := make([]byte, 2000)
				if n := c.Next(got); !bytes.Equal(got[:n], want) {
					t.Fatalf("at %d: %x, want %x", at, got[:n], want)
				}
			}
		}
	}
}

func FuzzJoinAndCut(f *testing.F) {
	f.Add(bytes.Repeat([]byte{0, 0, 0}, 90))
	f.Add(bytes.Repeat([]byte{0, 0, 0, 1, 0, 1, 5, 0xc0, 3}, 30))
	f.Add(bytes.Repeat([]byte{0, 0xc0, 7, 0, 0x60, 0, 0xf0, 0, 1, 8, 0x21, 0, 0, 0x80, 0x11}, 20))
	f.Fuzz(func(t *testing.T, b []byte) { check(t, script(b)) })
}

func FuzzFindTakesAnything(f *testing.F) {
	p := packet{flags: ack, df: true, payload: make([]byte, 10)}.bytes()
	f.Add(p, p)
	f.Add(packet{v6: true, flags: ack, payload: make([]byte, 10)}.bytes(), p)
	f.Fuzz(func(t *testing.T, a, b []byte) {
		var runs Runs
		runs.Find([][]byte{a, b, a, b}, 0)
		n := 0
		for i := range runs.List {
			n += runs.List[i].Count
		}
		if n != 4 {
			t.Fatalf("%d of 4 packets", n)
		}
	})
}

func BenchmarkSum(b *testing.B) {
	p := make([]byte, 1372)
	b.SetBytes(int64(len(p)))
	for b.Loop() {
		Sum(p, 0)
	}
}

// More buffers than fit into a core's cache, as in the device.
func BenchmarkCut(b *testing.B) {
	const size, mss = 61740, 1372
	whole := packet{flags: ack, df: true, payload: make([]byte, size)}.bytes()
	room := make([]byte, 8<<20)
	b.SetBytes(size)
	at := 0
	for b.Loop() {
		var c Large
		c.Begin(whole[:20], whole[20:40], [][]byte{whole[40:]}, mss)
		for c.Count() > 0 {
			c.Next(room[at:][:4096])
			at = (at + 4096) % len(room)
		}
	}
}
