package selftest

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// A NAT between the phone and the box that forgets after forgets seconds.
const (
	nat4, behindNAT = "203.0.113.5", "192.168.1.100"
	forgets         = 4
)

// behindNAT makes a namespace whose way out is a NAT, which is the outside.
func (w *world) behindNAT() space {
	w.Helper()
	inner := newSpace(w.T)
	veth(w.T, w.outside, "nat0", inner, "eth0")
	w.outside.address(w.T, "nat0", "192.168.1.1/24")
	inner.address(w.T, "eth0", behindNAT+"/24")
	inner.run(w.T, "ip", "route", "add", "default", "via", "192.168.1.1")
	w.outside.address(w.T, "eth0", nat4+"/24")
	w.outside.sysctl(w.T, "ipv4/ip_forward", "1")
	w.outside.run(w.T, "nft", "add table ip nat")
	w.outside.run(w.T, "nft", "add chain ip nat out { type nat hook postrouting priority 100; }")
	w.outside.run(w.T, "nft", "add rule ip nat out ip saddr 192.168.1.0/24 oifname eth0 meta l4proto udp snat to "+nat4+":20000-60000 random")
	for _, key := range []string{"nf_conntrack_udp_timeout", "nf_conntrack_udp_timeout_stream"} {
		w.outside.sysctl(w.T, "netfilter/"+key, fmt.Sprint(forgets))
	}
	return inner
}

// Behind a NAT a phone is reached as long as it keeps the NAT awake. When the NAT has
// forgotten it, it comes from another port, and the box answers there at once.
func TestAPhoneBehindANATThatForgets(t *testing.T) {
	onBothPlanes(t, func(w *world) {
		t := w.T
		p := w.newPhoneAt(w.behindNAT(), 2, box4)
		w.letIn(p)
		p.about("persistent_keepalive_interval", 1)
		p.reachesHome("at first")
		first := w.seen(p).Endpoint
		if first.Addr() != netip.MustParseAddr(nat4) {
			t.Fatalf("the box sees the phone at %v: there is no NAT", first)
		}
		// The LAN host answers late: the way to the phone must have stayed open.
		if err := p.lateAnswer(2 * forgets * time.Second); err != nil {
			t.Errorf("with keepalive: %v", err)
		}
		if now := w.seen(p).Endpoint; now != first {
			t.Errorf("with keepalive, the phone moved from %v to %v", first, now)
		}
		p.about("persistent_keepalive_interval", 0)
		w.eventually("without keepalive, the NAT forgets the phone", func() bool {
			time.Sleep(2 * forgets * time.Second)
			before := w.seen(p).Endpoint
			p.reaches(netip.MustParseAddr(lan4), "from another port")
			return w.seen(p).Endpoint != before
		})
	})
}

// lateAnswer asks the LAN host for an answer that comes after a while.
func (p *phone) lateAnswer(after time.Duration) error {
	l := p.w.lan.listenPacket(p.w.T, lan4+":0")
	defer l.Close()
	c, err := p.net.DialUDPAddrPort(netip.AddrPort{}, netip.MustParseAddrPort(l.LocalAddr().String()))
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.Write([]byte("when?")); err != nil {
		return err
	}
	l.SetReadDeadline(time.Now().Add(patience))
	_, from, err := l.ReadFromUDPAddrPort(make([]byte, 100))
	if err != nil {
		return fmt.Errorf("the question did not arrive: %w", err)
	}
	time.Sleep(after)
	// More than one, since a single one may be lost.
	for range 5 {
		if _, err := l.WriteToUDPAddrPort([]byte("now"), from); err != nil {
			return err
		}
	}
	c.SetReadDeadline(time.Now().Add(patience))
	if _, err := c.Read(make([]byte, 100)); err != nil {
		return fmt.Errorf("no answer after %v: %w", after, err)
	}
	return nil
}
