//go:build linux

package planetest

import (
	"context"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"homeward/tunnel/internal/filter"
	"homeward/tunnel/internal/plane"
)

// accessFacts need a filter in front of the plane.
func accessFacts() []fact {
	return []fact{
		{"access: home only, internet only, nothing at all", accessKinds},
		{"access: one port of one host", accessChosen},
		{"access: names are looked up whatever is granted", accessNames},
		{"access: a change ends open connections at both ends, and nobody else's", accessChange},
		{"access: a peer that may reaches another one, which may not reach it", accessPeers},
		{"access: the generated matrix, with controls", accessMatrix},
		{"access: between two peers the box is a hop, too", accessPeersHop},
		{"access: the box's own services, only those granted and only to whom they are", accessBox},
		{"access: an unreachable port is reported through the filter", accessUnreachable},
	}
}

// wide is what lets the other facts be true behind the filter.
func wide() filter.Access {
	a := filter.Everything()
	a.Box = []filter.Service{{}} // facts open other ports than DNS
	return a
}

// newGuard makes a filter that knows both peers and where the box is at home.
func newGuard(t *testing.T) *filter.Filter {
	t.Helper()
	var own []netip.Prefix
	h := filter.Host{Addresses: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/8"), netip.MustParsePrefix("::1/128")}}
	for _, f := range families() {
		bits := 24
		if f.box.Is6() {
			bits = 64
		}
		own = append(own, f.own)
		h.Addresses = append(h.Addresses, f.own, netip.PrefixFrom(f.box, bits), netip.PrefixFrom(f.other, bits))
	}
	guard, err := filter.New(filter.Config{Addresses: own})
	if err != nil {
		t.Fatal(err)
	}
	guard.SetHost(h)
	grant(t, guard, nil, wide(), wide())
	return guard
}

// grant sets what the two peers may reach, as the tunnel does it.
func grant(t *testing.T, guard *filter.Filter, p plane.Plane, access ...filter.Access) {
	t.Helper()
	var list []filter.Peer
	for i, a := range access {
		peer := filter.Peer{ID: filter.ID{byte(i + 1)}, Access: a}
		for _, f := range families() {
			peer.Addresses = append(peer.Addresses, f.peers[i])
		}
		list = append(list, peer)
	}
	if err := guard.SetPeers(list); err != nil {
		t.Fatal(err)
	}
	if p == nil {
		return
	}
	var users []netip.Addr
	for i, a := range access {
		if len(a.Box) > 0 {
			users = append(users, list[i].Addresses...)
		}
	}
	if err := p.(plane.BoxOpener).OpenBox(users); err != nil {
		t.Fatal(err)
	}
	p.(plane.FlowJudge).CutFlowsUnless(guard.Allows)
}

// reaches says whether a peer gets through to a port that is there.
func (w *world) reaches(t *testing.T, peer int, to netip.AddrPort, wait time.Duration) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	defer cancel()
	c, err := w.peers[peer].DialContextTCPAddrPort(ctx, to)
	if err != nil {
		return false
	}
	c.Close()
	return true
}

func (w *world) mustReach(t *testing.T, to netip.AddrPort, want bool, why string) {
	t.Helper()
	wait := impatience
	if want {
		wait = patience
	}
	if got := w.reaches(t, 0, to, wait); got != want {
		t.Errorf("%s: %v reached = %t", why, to, got)
	}
	if !want && !w.reaches(t, 1, to, patience) {
		t.Errorf("%s: the peer that may reach %v does not: the test proves nothing", why, to)
	}
}

func accessKinds(t *testing.T, w *world, f family) {
	defer grant(t, w.guard, w.plane, wide(), wide())
	home := netip.AddrPortFrom(f.lan, w.lan.ear(t, f.lan).port)
	far := netip.AddrPortFrom(f.outer, w.lan.ear(t, f.outer).port)
	for _, c := range []struct {
		name      string
		access    filter.Access
		home, far bool
	}{
		{"home only", filter.HomeOnly(), true, false},
		{"internet only", filter.InternetOnly(), false, true},
		{"everything", filter.Everything(), true, true},
		{"nothing", filter.Access{}, false, false},
	} {
		grant(t, w.guard, w.plane, c.access, wide())
		w.mustReach(t, home, c.home, c.name)
		w.mustReach(t, far, c.far, c.name)
	}
}

func accessChosen(t *testing.T, w *world, f family) {
	defer grant(t, w.guard, w.plane, wide(), wide())
	port, other := w.lan.ear(t, f.lan).port, w.lan.ear(t, f.lan).port
	tcp := filter.Service{Protocol: filter.TCP, Ports: []filter.PortRange{filter.Port(port)}}
	grant(t, w.guard, w.plane, filter.Chosen(filter.Rule{To: filter.Range{First: f.lan, Last: f.lan}, Service: tcp}), wide())
	w.mustReach(t, netip.AddrPortFrom(f.lan, port), true, "the port")
	w.mustReach(t, netip.AddrPortFrom(f.lan, other), false, "another port")
	if err := w.echo(f.peers[0], f.lan, impatience); err == nil {
		t.Error("ping gets through")
	}
}

func accessNames(t *testing.T, w *world, f family) {
	defer grant(t, w.guard, w.plane, wide(), wide())
	grant(t, w.guard, w.plane, filter.Access{}, filter.Access{})
	ownUDP(t, w, f)
	ownTCP(t, w, f)
	mustEcho(t, w, f.peers[0], f.own.Addr())
}

func accessChange(t *testing.T, w *world, f family) {
	defer grant(t, w.guard, w.plane, wide(), wide())
	l := w.lan.listen(t, netip.AddrPortFrom(f.lan, 0))
	var outer [2]net.Conn
	for i, p := range w.peers {
		inner, err := p.DialContextTCPAddrPort(soon(t), addrPort(l))
		if err != nil {
			t.Fatal(err)
		}
		defer inner.Close()
		if outer[i], err = l.Accept(); err != nil {
			t.Fatal(err)
		}
		defer outer[i].Close()
		outer[i].SetDeadline(time.Now().Add(patience))
		inner.SetDeadline(time.Now().Add(patience))
		go io.Copy(inner, inner) // ends with inner
	}
	say := func(i int) error {
		if _, err := io.WriteString(outer[i], "hello"); err != nil {
			return err
		}
		_, err := io.ReadFull(outer[i], make([]byte, 5))
		return err
	}
	for i := range outer {
		if err := say(i); err != nil {
			t.Fatalf("before: peer %d: %v", i, err)
		}
	}
	grant(t, w.guard, w.plane, filter.InternetOnly(), wide())
	if err := say(1); err != nil {
		t.Errorf("the other peer's: %v", err)
	}
	outer[0].SetDeadline(time.Now().Add(time.Second))
	if err := say(0); err == nil {
		t.Error("the connection goes on")
	}
}

func accessPeers(t *testing.T, w *world, f family) {
	defer grant(t, w.guard, w.plane, wide(), wide())
	there, back := w.peers[1].ear(t, f.peers[1]), w.peers[0].ear(t, f.peers[0])
	meddling := wide()
	meddling.Peers = true
	grant(t, w.guard, w.plane, meddling, wide())
	to := netip.AddrPortFrom(f.peers[1], there.port)
	there.hears(t, "tcp to a peer", func() error {
		c, err := w.peers[0].DialContextTCPAddrPort(soon(t), to)
		if err == nil {
			c.Close()
		}
		return err
	})
	there.hears(t, "udp to a peer", func() error {
		w.peers[0].send(udpPacket(netip.AddrPortFrom(f.peers[0], 47000), to, "knock"))
		return nil
	})
	mustEcho(t, w, f.peers[0], f.peers[1])
	w.peers[1].attack(t, f.peers[1], []netip.Addr{f.peers[0]}, back.port)
	back.quiet(t, "the other way")
	grant(t, w.guard, w.plane, wide(), wide())
	w.peers[0].attack(t, f.peers[0], []netip.Addr{f.peers[1]}, there.port)
	there.quiet(t, "after the grant was taken back")
}

func accessBox(t *testing.T, w *world, f family) {
	defer grant(t, w.guard, w.plane, wide(), wide())
	e, other := w.box.ear(t, netip.Addr{}), w.box.ear(t, netip.Addr{})
	w.lan.reach(t, other, f.box)
	nas := filter.Everything()
	nas.Box = []filter.Service{{Protocol: filter.TCP, Ports: []filter.PortRange{filter.Port(e.port)}}}
	grant(t, w.guard, w.plane, nas, filter.Everything())
	for _, a := range []netip.Addr{f.box, f.other} {
		to := netip.AddrPortFrom(a, e.port)
		e.hears(t, "the service", func() error {
			c, err := w.peers[0].DialContextTCPAddrPort(soon(t), to)
			if err == nil {
				c.Close()
			}
			return err
		})
		w.peers[0].send(udpPacket(netip.AddrPortFrom(f.peers[0], 48000), to, "by another protocol"))
		w.peers[0].attack(t, f.peers[0], []netip.Addr{a}, other.port)
		w.peers[1].attack(t, f.peers[1], []netip.Addr{a}, e.port)
	}
	e.quiet(t, "what is not granted")
	other.quiet(t, "another port")
	grant(t, w.guard, w.plane, filter.Everything(), filter.Everything())
	w.peers[0].attack(t, f.peers[0], []netip.Addr{f.box, f.other}, e.port)
	e.quiet(t, "after the grant was taken back")
}

func accessUnreachable(t *testing.T, w *world, f family) {
	closed := w.lan.listenPacket(t, netip.AddrPortFrom(f.lan, 0))
	to := closed.LocalAddr().(*net.UDPAddr).AddrPort()
	closed.Close()
	kind := byte(1)
	if f.lan.Is6() {
		kind = 58
	}
	reports := make(chan struct{}, 10)
	tap := func(packet []byte) {
		if destinationOf(packet) == f.peers[0] && protocolOf(packet) == kind {
			select {
			case reports <- struct{}{}:
			default:
			}
		}
	}
	w.tap.Store(&tap)
	defer w.tap.Store(nil)
	for range patience / again { // the first may only make the flow
		w.peers[0].send(udpPacket(netip.AddrPortFrom(f.peers[0], 46000), to, "anybody?"))
		select {
		case <-reports:
			return
		case <-time.After(again):
		}
	}
	t.Error("nobody says that the port is closed")
}
