//go:build linux

package planetest

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

func icmpFacts() []fact {
	return []fact{
		{"ICMP: a LAN host answers echo", func(t *testing.T, w *world, f family) { mustEcho(t, w, f.peers[0], f.lan) }},
		{"ICMP: a host beyond the LAN answers echo", func(t *testing.T, w *world, f family) { mustEcho(t, w, f.peers[0], f.outer) }},
		{"ICMP: our own tunnel address answers echo", func(t *testing.T, w *world, f family) { mustEcho(t, w, f.peers[0], f.own.Addr()) }},
		{"ICMP: two peers may use the same identifier", func(t *testing.T, w *world, f family) {
			for range 3 {
				mustEcho(t, w, f.peers[0], f.lan)
				mustEcho(t, w, f.peers[1], f.lan)
			}
		}},
		{"ICMP: a host that is not there is reported", echoNobody},
	}
}

// echoNobody asks for an address of the LAN that nobody has. The box finds out
// when nobody says that it has it.
func echoNobody(t *testing.T, w *world, f family) {
	nobody, kind, code := netip.MustParseAddr("192.168.77.99"), byte(3), byte(1)
	if f.lan.Is6() {
		nobody, kind, code = netip.MustParseAddr("fd77::99"), 1, 3
	}
	r, err := w.reportAbout(echoPacket(f.peers[0], nobody, 3000), patience)
	if err != nil || r.kind != kind || r.code != code || r.from != f.own.Addr() && r.from != f.box {
		t.Errorf("%v, %v; want the box to say %d/%d", r, err, kind, code)
	}
}

func mustEcho(t *testing.T, w *world, from, to netip.Addr) {
	t.Helper()
	if err := w.echo(from, to, patience); err != nil {
		t.Errorf("ping %v: %v", to, err)
	}
}

var errSilence = errors.New("no answer")

// echo pings once and waits for the answer. It does so by hand, because the
// module's PingConn misses an answer that comes before Read is called.
func (w *world) echo(from, to netip.Addr, wait time.Duration) error {
	var question, answer icmp.Type = ipv4.ICMPTypeEcho, ipv4.ICMPTypeEchoReply
	proto, header := 1, 20
	var pseudo []byte
	if to.Is6() {
		question, answer = ipv6.ICMPTypeEchoRequest, ipv6.ICMPTypeEchoReply
		proto, header = 58, 40
		pseudo = icmp.IPv6PseudoHeader(from.AsSlice(), to.AsSlice())
	}
	body := &icmp.Echo{ID: 4242, Seq: 7, Data: []byte("are you there?")}
	b, err := (&icmp.Message{Type: question, Body: body}).Marshal(pseudo)
	if err != nil {
		return err
	}
	answers := make(chan error, 10)
	tap := func(packet []byte) {
		if destinationOf(packet) != from || int(protocolOf(packet)) != proto {
			return
		}
		m, err := icmp.ParseMessage(proto, packet[header:])
		if err == nil && m.Type == answer {
			if e := m.Body.(*icmp.Echo); e.ID != body.ID || e.Seq != body.Seq || !bytes.Equal(e.Data, body.Data) || sourceOf(packet) != to {
				err = fmt.Errorf("%v answered %d/%d %q", sourceOf(packet), e.ID, e.Seq, e.Data)
			}
		} else if err == nil {
			err = fmt.Errorf("%v says %v", sourceOf(packet), m.Type)
		}
		select {
		case answers <- err:
		default:
		}
	}
	w.tap.Store(&tap)
	defer w.tap.Store(nil)
	w.peerOf(from).send(ipPacket(from, to, byte(proto), b))
	select {
	case err := <-answers:
		return err
	case <-time.After(wait):
		return errSilence
	}
}

func (w *world) peerOf(a netip.Addr) *peer {
	if w.peers[1].has(a) {
		return w.peers[1]
	}
	return w.peers[0]
}
