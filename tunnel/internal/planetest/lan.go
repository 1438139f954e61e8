//go:build linux

package planetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// family is IPv4 or IPv6: every fact has to be true for both.
type family struct {
	name     string
	own      netip.Prefix // the plane's address with the tunnel's prefix length
	peers    [2]netip.Addr
	box      netip.Addr   // on the LAN
	other    netip.Addr   // another one of the box's
	lan      netip.Addr   // the LAN host
	metadata netip.Addr   // lives on the LAN host, too
	outer    netip.Addr   // lives on the LAN host, and is no address of the LAN
	far      netip.Addr   // lives behind the LAN host, which is a router to it
	beyond   netip.Prefix // the LAN host's address there
}

func families() []family {
	a, p := netip.MustParseAddr, netip.MustParsePrefix
	return []family{
		{
			name: "IPv4", own: p("10.66.0.1/24"), peers: [2]netip.Addr{a("10.66.0.2"), a("10.66.0.3")},
			box: a("192.168.77.10"), other: a("10.77.1.1"), lan: a("192.168.77.20"),
			metadata: a("169.254.169.254"), outer: a("203.0.113.5"),
			far: a("198.51.100.77"), beyond: p("198.51.100.1/24"),
		},
		{
			name: "IPv6", own: p("fd66::1/64"), peers: [2]netip.Addr{a("fd66::2"), a("fd66::3")},
			box: a("fd77::10"), other: a("fd78::1"), lan: a("fd77::20"),
			metadata: a("fd00:ec2::254"), outer: a("2001:db8:5::5"),
			far: a("2001:db8:77ff::77"), beyond: p("2001:db8:77ff::1/64"),
		},
	}
}

// host is a network namespace.
type host struct{ ns netns.NsHandle }

// do runs f inside the namespace. Its thread ends with it.
func (h host) do(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked
		err := netns.Set(h.ns)
		if err == nil {
			err = f()
		}
		done <- err
	}()
	return <-done
}

func (h host) listen(t *testing.T, at netip.AddrPort) net.Listener {
	t.Helper()
	var l net.Listener
	if err := h.do(func() (err error) { l, err = net.Listen("tcp", at.String()); return }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func (h host) listenPacket(t *testing.T, at netip.AddrPort) *net.UDPConn {
	t.Helper()
	var c *net.UDPConn
	if err := h.do(func() (err error) { c, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(at)); return }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func (h host) dial(ctx context.Context, network string, to netip.AddrPort) (net.Conn, error) {
	var c net.Conn
	err := h.do(func() (err error) { c, err = (&net.Dialer{}).DialContext(ctx, network, to.String()); return })
	return c, err
}

// newLAN makes the box's interfaces and the LAN host behind one of them. It is
// called once in a process: nothing of it goes away before the process does.
func newLAN(t *testing.T) (box, lan host) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("making the LAN: %v", err)
		}
	}
	here, err := netns.Get()
	must(err)
	box = host{here}
	made := make(chan error)
	go func() {
		runtime.LockOSThread() // the thread is in the other namespace: it must not go on
		var err error
		lan.ns, err = netns.New()
		made <- err
	}()
	must(<-made)

	must(netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "lan0"}, PeerName: "eth0", PeerNamespace: netlink.NsFd(lan.ns)}))
	must(netlink.LinkAdd(&netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "other0"}}))
	up(t, box, "lo")
	up(t, lan, "lo")
	for _, f := range families() {
		bits := 24
		if f.box.Is6() {
			bits = 64
		}
		up(t, box, "lan0", netip.PrefixFrom(f.box, bits))
		up(t, box, "other0", netip.PrefixFrom(f.other, bits))
		up(t, lan, "eth0", netip.PrefixFrom(f.lan, bits))
		up(t, lan, "lo", single(f.metadata), single(f.outer))
		for _, far := range []netip.Addr{f.metadata, f.outer} {
			route(t, box, single(far), f.lan)
		}
		route(t, lan, f.own.Masked(), f.box)
	}
	// As systemd sets it everywhere: ping without rights.
	must(os.WriteFile("/proc/sys/net/ipv4/ping_group_range", []byte("0 2147483647"), 0))
	return box, lan
}

// narrow is what fits into the link behind the LAN host.
const narrow = 1300

// newFar makes a host behind the LAN host, on a link into which less fits than
// into the tunnel. Like newLAN it is called once.
func newFar(t *testing.T, box, lan host) (far host) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("making the host behind the LAN: %v", err)
		}
	}
	made := make(chan error)
	go func() {
		runtime.LockOSThread() // as in newLAN
		var err error
		far.ns, err = netns.New()
		made <- err
	}()
	must(<-made)
	must(lan.do(func() error {
		here, err := netns.Get()
		if err != nil {
			return err
		}
		defer here.Close()
		return netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "far0", MTU: narrow}, PeerName: "eth0", PeerNamespace: netlink.NsFd(far.ns), PeerMTU: narrow})
	}))
	for _, h := range []host{lan, far} {
		must(h.do(func() error {
			return errors.Join(
				os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0),
				os.WriteFile("/proc/sys/net/ipv6/conf/all/forwarding", []byte("1"), 0),
				// Tests ask faster than people.
				os.WriteFile("/proc/sys/net/ipv4/icmp_ratelimit", []byte("0"), 0),
				os.WriteFile("/proc/sys/net/ipv6/icmp/ratelimit", []byte("0"), 0),
			)
		}))
	}
	up(t, far, "lo")
	for _, f := range families() {
		up(t, lan, "far0", f.beyond)
		up(t, far, "eth0", netip.PrefixFrom(f.far, f.beyond.Bits()))
		route(t, box, f.beyond.Masked(), f.lan)
		home := netip.PrefixFrom(f.box, f.beyond.Bits()).Masked()
		route(t, far, home, f.beyond.Addr())
	}
	return far
}

func single(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// up brings an interface up and adds addresses.
func up(t *testing.T, h host, name string, addrs ...netip.Prefix) {
	t.Helper()
	err := h.do(func() error {
		l, err := netlink.LinkByName(name)
		if err != nil {
			return err
		}
		for _, a := range addrs {
			if err := netlink.AddrAdd(l, &netlink.Addr{IPNet: ipNet(a), Flags: unix.IFA_F_NODAD}); err != nil {
				return fmt.Errorf("adding %v: %w", a, err)
			}
		}
		return netlink.LinkSetUp(l)
	})
	if err != nil {
		t.Fatalf("bringing up %s: %v", name, err)
	}
}

func route(t *testing.T, h host, to netip.Prefix, via netip.Addr) {
	t.Helper()
	if err := h.do(func() error { return netlink.RouteAdd(&netlink.Route{Dst: ipNet(to), Gw: via.AsSlice()}) }); err != nil {
		t.Fatalf("adding the route to %v: %v", to, err)
	}
}

// Uplink makes an interface that default routes of both families go out by.
// Nobody is behind it.
func Uplink(t *testing.T, name string) {
	t.Helper()
	other := name + "-far" // so that there is a carrier
	if err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: name}, PeerName: other}); err != nil {
		t.Fatalf("making %s: %v", name, err)
	}
	here, err := netns.Get()
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []string{name, other} { // no link-local addresses, which come when they like
		if err := os.WriteFile("/proc/sys/net/ipv6/conf/"+n+"/addr_gen_mode", []byte("1"), 0); err != nil {
			t.Fatal(err)
		}
	}
	up(t, host{here}, other)
	up(t, host{here}, name, netip.MustParsePrefix("192.0.2.2/24"), netip.MustParsePrefix("2001:db8:2::2/64"))
	for to, via := range map[string]string{"0.0.0.0/0": "192.0.2.1", "::/0": "2001:db8:2::1"} {
		route(t, host{here}, netip.MustParsePrefix(to), netip.MustParseAddr(via))
	}
	// The kernel goes on by itself for a moment: carrier, then addresses.
	for before := Host(t); ; {
		time.Sleep(impatience)
		now := Host(t)
		if maps.Equal(before, now) && strings.Contains(now["link "+name], "running") {
			return
		}
		if before = now; t.Context().Err() != nil {
			t.Fatalf("%s does not settle", name)
		}
	}
}
