package filter

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"
)

// modelReads reads a packet from a peer for the model: the question that a
// router and a host behind it would take it for. It knows only packets that may
// begin a flow; for others ok is false.
func modelReads(b []byte) (q ask, ok bool) {
	if len(b) < 20 {
		return q, false
	}
	switch {
	case b[0]>>4 == 4:
		h, total := int(b[0]%16)*4, int(b[2])*256+int(b[3])
		later := int(b[6]%32)*256+int(b[7]) != 0
		if h < 20 || total > len(b) || total < h || later || !optionsAreHarmless(b[20:h]) {
			return q, false
		}
		q.from, _ = netip.AddrFromSlice(b[12:16])
		q.to, _ = netip.AddrFromSlice(b[16:20])
		return modelUpper(q, b[9], b[h:total])
	case b[0]>>4 == 6 && len(b) >= 40:
		total := 40 + int(b[4])*256 + int(b[5])
		if total > len(b) {
			return q, false
		}
		q.from, _ = netip.AddrFromSlice(b[8:24])
		q.to, _ = netip.AddrFromSlice(b[24:40])
		return modelExtension(q, b[6], b[40:total])
	}
	return q, false
}

func optionsAreHarmless(b []byte) bool {
	if len(b) == 0 || b[0] == 0 {
		return true
	}
	if b[0] == 1 {
		return optionsAreHarmless(b[1:])
	}
	return b[0] != 131 && b[0] != 137 && len(b) > 1 && b[1] > 1 && int(b[1]) <= len(b) && optionsAreHarmless(b[b[1]:])
}

// modelExtension peels one extension header off.
func modelExtension(q ask, kind byte, b []byte) (ask, bool) {
	length := 8
	switch kind {
	case 0, 43, 60:
		if len(b) > 1 {
			length = 8 + int(b[1])*8
		}
	case 51:
		if len(b) > 1 {
			length = 8 + int(b[1])*4
		}
	case 44:
		if len(b) >= 8 && (b[2] != 0 || b[3]&^7 != 0) {
			return q, false
		}
	default:
		return modelUpper(q, kind, b)
	}
	if len(b) < length || kind == 43 && b[3] != 0 {
		return q, false
	}
	return modelExtension(q, b[0], b[length:])
}

func modelUpper(q ask, kind byte, b []byte) (ask, bool) {
	port := func() int { return int(b[2])*256 + int(b[3]) }
	switch {
	case kind == 6 && len(b) >= 20 && b[13]&4 == 0:
		q.proto, q.port = "tcp", port()
	case kind == 17 && len(b) >= 8:
		q.proto, q.port = "udp", port()
	case kind == 1 && q.to.Is4() && len(b) >= 8 && b[0] == 8, kind == 58 && q.to.Is6() && len(b) >= 8 && b[0] == 128:
		q.proto = "icmp"
	case !slices.Contains([]byte{1, 4, 6, 17, 41, 58}, kind):
		q.proto = "other"
	default:
		return q, false
	}
	return q, true
}

// poisoned is b with other bytes behind its end, which nobody may read.
func poisoned(b []byte, with byte) []byte {
	return append(bytes.Clone(b), bytes.Repeat([]byte{with}, 64)...)[:len(b)]
}

func FuzzPacketsFromPeers(f *testing.F) {
	four, six := families[0], families[1]
	for _, fam := range families {
		q := udp(at(fam.anna, 4000), at(fam.home, 4711))
		f.Add(q)                                                // allowed by most
		f.Add(udp(at(fam.anna, 4000), at(fam.own, 53)))         // DNS
		f.Add(tcp(at(fam.anna, 4000), at(fam.box, 22), tcpSYN)) // the box
		f.Add(knock(fam.anna, fam.bert))                        // another peer
		f.Add(echo(fam.anna, fam.far, false, 7))                // ping
		f.Add(echo(fam.anna, fam.far, true, 7))                 // an answer to nothing
		f.Add(unreachable(fam.anna, fam.home, q))               // an error about nothing
		f.Add(pieces(long(fam, 4000), 7, 1392)[0])              // first fragment
		f.Add(pieces(long(fam, 4000), 7, 1392)[1])              // later fragment
		f.Add(pieces(long(fam, 4000), 7, 8)[0])                 // tiny first fragment
		f.Add(ip(fam.anna, fam.home, 41, q))                    // a packet in a packet
		f.Add(q[:len(q)-5])                                     // cut off
		f.Add(ip(fam.anna, fam.home, 6, make([]byte, 20)))      // TCP without a data offset
		f.Add(ip(fam.stranger, fam.home, 17, udpBody(1, 2, 3))) // spoofed
	}
	b := knock(six.anna, six.home)
	f.Add(extended(b, []byte{0, 60, 44, 51}, make([]byte, 8), make([]byte, 8), make([]byte, 8), []byte{0, 4, 23: 0}))                  // a long chain
	f.Add(extended(b, []byte{43}, []byte{0, 2, 0, 1, 23: 0}))                                                                          // source route
	f.Add(extended(b, []byte{60}, []byte{0, 255, 0, 0, 0, 0, 0, 0}))                                                                   // a length beyond the end
	f.Add(append([]byte{0x46, 0, 0, 36, 0, 0, 0, 0, 64, 17, 0, 0, 10, 66, 0, 2, 192, 168, 77, 20, 131, 3, 4, 0}, udpBody(1, 2, 4)...)) // loose source route
	f.Add(ip(six.anna, addr("64:ff9b::7f00:1"), 17, udpBody(1, 2, 3)))                                                                 // disguised
	f.Add(ip(four.anna, four.multicast, 17, udpBody(1, 2, 3)))
	f.Fuzz(func(t *testing.T, b []byte) {
		for name, a := range accesses() {
			w, again := newWorld(t, Limits{}, a, Access{}), newWorld(t, Limits{}, a, Access{})
			var s session
			s.begin(w.Filter)
			x := poisoned(b, 0x00)
			got := s.judge(x, fromPeer)
			s.end()
			if !bytes.Equal(x, b) {
				t.Fatal("the filter has changed the packet")
			}
			s = session{}
			s.begin(again.Filter)
			if second := s.judge(poisoned(b, 0xff), fromPeer); second != got {
				t.Fatalf("what is behind the packet's end counts: %v, then %v", got, second)
			}
			s.end()
			if got != passed {
				continue
			}
			q, ok := modelReads(b)
			if !ok {
				t.Fatalf("%s: passed what the model cannot read", name)
			}
			if bert := q.from.As16()[15] == 3; bert {
				a = Access{}
			}
			if !modelAllows(a, q) {
				t.Fatalf("%s: passed: %v", name, q)
			}
		}
	})
}

func FuzzPacketsToPeers(f *testing.F) {
	var questions, answers [][]byte
	for _, fam := range families {
		me := at(fam.anna, 4000)
		questions = append(questions, udp(me, at(fam.home, 99)), tcp(me, at(fam.home, 80), tcpSYN), echo(fam.anna, fam.home, false, 77), long(fam, 3000))
		answers = append(answers, udp(at(fam.home, 99), me), tcp(at(fam.home, 80), me, tcpSYN|tcpACK), echo(fam.home, fam.anna, true, 77))
		f.Add(knock(fam.home, fam.anna))                                                       // out of the blue
		f.Add(unreachable(fam.far, fam.anna, questions[len(questions)-4]))                     // about a question
		f.Add(unreachable(fam.far, fam.anna, questions[len(questions)-3][:len(questions[0])])) // cut off
		f.Add(unreachable(fam.far, fam.anna, answers[len(answers)-2]))                         // about an answer
		f.Add(pieces(ip(fam.home, fam.anna, 17, udpBody(99, 4000, 3000)), 1, 1000)[0])         // a long answer
		f.Add(unreachable(fam.far, fam.anna, pieces(long(fam, 3000), 3, 800)[0]))              // about a fragment
		f.Add(unreachable(fam.far, fam.anna, unreachable(fam.anna, fam.home, questions[0])))   // about an error
	}
	for _, b := range answers {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		w := newWorld(t, Limits{}, Everything(), Everything())
		for _, q := range questions {
			w.passes("a question", w.up(q))
		}
		var s session
		s.begin(w.Filter)
		x := poisoned(b, 0xff)
		got := s.judge(x, toPeer)
		s.end()
		if !bytes.Equal(x, b) {
			t.Fatal("the filter has changed the packet")
		}
		if got != passed {
			return
		}
		to, rest := b[16:20], b[12:]
		if b[0]>>4 == 6 {
			to, rest = b[24:40], b[8:]
		}
		anna, home := families[0].anna, families[0].home
		if len(to) == 16 {
			anna, home = families[1].anna, families[1].home
		}
		if !bytes.Equal(to, anna.AsSlice()) {
			t.Fatal("passed to somebody who asked nothing")
		}
		// An answer comes from home and has an open port of the peer's; an error
		// quotes both addresses and the port.
		for _, must := range [][]byte{home.AsSlice(), anna.AsSlice()} {
			if !bytes.Contains(rest, must) {
				t.Fatalf("passed without %v", must)
			}
		}
		if !bytes.Contains(rest, binary.BigEndian.AppendUint16(nil, 4000)) && !bytes.Contains(rest, []byte{0, 77}) {
			t.Fatal("passed without a port that is open")
		}
	})
}
