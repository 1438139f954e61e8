//go:build linux

package planetest

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

func refusalFacts() []fact {
	return []fact{
		{"the box's services are out of reach by any of its addresses", boxIsSealed},
		{"the box does not answer echo but on the tunnel's address", boxIsSilent},
		{"metadata services are out of reach", metadataIsSealed},
		{"multicast does not leave the tunnel", multicastStays},
		{"a peer does not reach another peer", peersAreApart},
		{"the LAN opens no flows to peers", peersAreSealed},
		{"nothing is accepted from a source outside of the tunnel", sourcesAreChecked},
	}
}

func boxIsSealed(t *testing.T, w *world, f family) {
	e := w.box.ear(t, netip.Addr{})
	w.lan.reach(t, e, f.box)
	a := netip.MustParseAddr
	targets := []netip.Addr{f.box, f.other, f.own.Addr()}
	if f.box.Is4() {
		targets = append(targets, a("127.0.0.1"), a("127.9.9.9"), a("0.0.0.0"), a("192.168.77.255"), a("192.168.77.0"), a("255.255.255.255"), a("10.66.0.255"), a("10.66.0.0"))
	} else {
		targets = append(targets, a("::1"), a("::"), a("::ffff:127.0.0.1"), a("::ffff:192.168.77.10"), a("::127.0.0.1"), a("::192.168.77.10"),
			a("64:ff9b::127.0.0.1"), a("64:ff9b::192.168.77.10"), a("fd66::"), a("ff02::1"))
		targets = append(targets, linkLocal(t, "lan0"))
	}
	w.peers[0].attack(t, f.peers[0], targets, e.port)
	e.quiet(t, "from a peer")
	w.lan.reach(t, e, f.box) // it was there all the time
}

// linkLocal is the box's link-local address on an interface.
func linkLocal(t *testing.T, name string) netip.Addr {
	t.Helper()
	i, err := net.InterfaceByName(name)
	if err != nil {
		t.Fatal(err)
	}
	addrs, err := i.Addrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is6() && p.Addr().IsLinkLocalUnicast() {
			return p.Addr().WithZone("")
		}
	}
	t.Fatalf("%s has no link-local address", name)
	return netip.Addr{}
}

func boxIsSilent(t *testing.T, w *world, f family) {
	mustEcho(t, w, f.peers[0], f.own.Addr())
	for _, a := range []netip.Addr{f.box, f.other} {
		if err := w.echo(f.peers[0], a, impatience); err == nil {
			t.Errorf("%v answered", a)
		}
	}
}

func metadataIsSealed(t *testing.T, w *world, f family) {
	e := w.lan.ear(t, f.metadata)
	w.box.reach(t, e, f.metadata)
	w.peers[0].attack(t, f.peers[0], []netip.Addr{f.metadata}, e.port)
	e.quiet(t, "from a peer")
}

func multicastStays(t *testing.T, w *world, f family) {
	group, network := netip.MustParseAddr("239.77.7.7"), "udp4"
	if f.lan.Is6() {
		group, network = netip.MustParseAddr("ff15::77"), "udp6"
	}
	var c *net.UDPConn
	err := w.lan.do(func() error {
		i, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		c, err = net.ListenMulticastUDP(network, i, &net.UDPAddr{IP: group.AsSlice(), Port: 7777})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	to := netip.AddrPortFrom(group, 7777)
	hear := func(wait time.Duration) error {
		c.SetReadDeadline(time.Now().Add(wait))
		_, _, err := c.ReadFromUDP(make([]byte, 100))
		return err
	}
	control := w.box.listenPacket(t, netip.AddrPortFrom(f.box, 0))
	i, err := net.InterfaceByName("lan0")
	if err != nil {
		t.Fatal(err)
	}
	if f.lan.Is4() {
		err = ipv4.NewPacketConn(control).SetMulticastInterface(i)
	} else {
		err = ipv6.NewPacketConn(control).SetMulticastInterface(i)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := control.WriteToUDPAddrPort([]byte("x"), to); err != nil {
		t.Fatal(err)
	}
	if err := hear(patience); err != nil {
		t.Fatalf("from the box: %v: the test proves nothing", err)
	}
	w.peers[0].send(udpPacket(netip.AddrPortFrom(f.peers[0], 41000), to, "x"))
	if err := hear(impatience); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("from a peer: err = %v, want silence", err)
	}
}

func peersAreApart(t *testing.T, w *world, f family) {
	e := w.peers[1].ear(t, f.peers[1])
	from := netip.AddrPortFrom(f.peers[0], 43000)
	direct := udpPacket(from, netip.AddrPortFrom(f.peers[1], e.port), "control")
	e.hears(t, "past the plane", func() error {
		_, err := w.peers[1].device.Write([][]byte{direct}, 0)
		return err
	})
	w.peers[0].attack(t, f.peers[0], []netip.Addr{f.peers[1]}, e.port)
	e.quiet(t, "from another peer")
	if err := w.echo(f.peers[0], f.peers[1], impatience); err == nil {
		t.Error("echo was answered")
	}
}

func peersAreSealed(t *testing.T, w *world, f family) {
	e := w.peers[0].ear(t, f.peers[0])
	direct := udpPacket(netip.AddrPortFrom(f.lan, 43000), netip.AddrPortFrom(f.peers[0], e.port), "control")
	e.hears(t, "past the plane", func() error {
		_, err := w.peers[0].device.Write([][]byte{direct}, 0)
		return err
	})
	to := netip.AddrPortFrom(f.peers[0], e.port)
	for _, network := range []string{"udp", "tcp"} {
		if err := w.lan.knock(briefly(t), network, to); err == nil && network == "tcp" {
			t.Errorf("%v was accepted", to)
		}
	}
	e.quiet(t, "from the LAN")
}

func sourcesAreChecked(t *testing.T, w *world, f family) {
	e := w.lan.ear(t, f.outer)
	to := netip.AddrPortFrom(f.outer, e.port)
	send := func(from netip.Addr) {
		w.peers[0].send(udpPacket(netip.AddrPortFrom(from, 44000), to, from.String()))
	}
	e.hears(t, "from a peer's own address", func() error { send(f.peers[0]); return nil })
	stranger := netip.MustParseAddr("198.51.100.9")
	if f.lan.Is6() {
		stranger = netip.MustParseAddr("2001:db8:99::9")
	}
	for _, from := range []netip.Addr{f.lan, f.box, f.own.Addr(), f.metadata, stranger} {
		send(from)
	}
	e.quiet(t, "from a source that is not a peer's")
}
