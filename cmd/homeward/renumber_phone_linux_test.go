package main

import (
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.zx2c4.com/wireguard/conn"
	wireguard "golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/tun/tuntest"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
)

// internet is a namespace beyond the box's router, in which phones are.
type internet struct {
	t   *testing.T
	ns  netns.NsHandle
	box netip.Addr // by which the box is reached from there
}

// newInternet connects the box's namespace with another one.
func newInternet(t *testing.T) *internet {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("making the internet: %v", err)
		}
	}
	n := &internet{t: t, box: netip.MustParseAddr("192.168.60.2")}
	must(elsewhere(func() (err error) {
		n.ns, err = netns.New()
		return err
	}))
	t.Cleanup(func() { n.ns.Close() })
	must(netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "uplink0"}, PeerName: "eth0", PeerNamespace: netlink.NsFd(n.ns)}))
	there, err := netlink.NewHandleAt(n.ns)
	must(err)
	defer there.Close()
	network := func(a string, bits int) *net.IPNet {
		return &net.IPNet{IP: net.ParseIP(a).To4(), Mask: net.CIDRMask(bits, 32)}
	}
	uplink, err := netlink.LinkByName("uplink0")
	must(err)
	must(netlink.AddrAdd(uplink, &netlink.Addr{IPNet: network("192.168.60.2", 24)}))
	must(netlink.LinkSetUp(uplink))
	eth, err := there.LinkByName("eth0")
	must(err)
	lo, err := there.LinkByName("lo")
	must(err)
	must(there.AddrAdd(eth, &netlink.Addr{IPNet: network("192.168.60.1", 24)}))
	must(there.AddrAdd(lo, &netlink.Addr{IPNet: network("198.51.100.7", 32)}))
	must(there.LinkSetUp(lo))
	must(there.LinkSetUp(eth))
	must(there.RouteAdd(&netlink.Route{LinkIndex: eth.Attrs().Index, Dst: network("192.168.60.2", 32), Src: net.ParseIP("198.51.100.7")}))
	must(netlink.RouteAdd(&netlink.Route{LinkIndex: uplink.Attrs().Index, Gw: net.ParseIP("192.168.60.1")}))
	return n
}

// elsewhere runs f in a thread that may go to another namespace, and ends then.
func elsewhere(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		done <- f()
	}()
	return <-done
}

// boundIn opens its sockets in another namespace, whoever opens them: a device does so
// on a thread of its own when it hears that its interface is up.
type boundIn struct {
	conn.Bind
	ns netns.NsHandle
}

// Open implements conn.Bind.
func (b boundIn) Open(port uint16) (fns []conn.ReceiveFunc, actual uint16, err error) {
	err = elsewhere(func() error {
		if err := netns.Set(b.ns); err != nil {
			return err
		}
		fns, actual, err = b.Bind.Open(port)
		return err
	})
	return fns, actual, err
}

// phone uses a code in the internet, and pings through the tunnel until hangUp.
func (n *internet) phone(code string) (hangUp func()) {
	n.t.Helper()
	value := func(name string) string {
		return strings.TrimSpace(strings.TrimPrefix(lineOf(code, name+" = "), name+" = "))
	}
	key := func(name string) string {
		k, err := wgtypes.ParseKey(value(name))
		if err != nil {
			n.t.Fatalf("%s: %v", name, err)
		}
		return hex.EncodeToString(k[:])
	}
	own := netip.MustParsePrefix(strings.Split(value("Address"), ",")[0]).Addr()
	dns := netip.MustParseAddr(strings.Split(value("DNS"), ",")[0])
	_, port, _ := strings.Cut(value("Endpoint"), ":")
	wire := tuntest.NewChannelTUN()
	d := wireguard.NewDevice(wire.TUN(), boundIn{conn.NewDefaultBind(), n.ns}, wireguard.NewLogger(wireguard.LogLevelSilent, ""))
	err := d.IpcSet(fmt.Sprintf("private_key=%s\npublic_key=%s\npreshared_key=%s\nendpoint=%s:%s\nallowed_ip=0.0.0.0/0\n",
		key("PrivateKey"), key("PublicKey"), key("PresharedKey"), n.box, port))
	if err == nil {
		err = d.Up()
	}
	if err != nil {
		n.t.Fatalf("switching the phone's tunnel on: %v", err)
	}
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case wire.Outbound <- tuntest.Ping(dns, own):
			case <-end:
				return
			}
			select {
			case <-wire.Inbound:
			case <-time.After(100 * time.Millisecond):
			case <-end:
				return
			}
		}
	}()
	return func() {
		close(end)
		<-ended
		d.Close()
	}
}

func TestAPhoneWithTheCodeOfBeforeIsToldWhatItNeeds(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	world := newInternet(t)
	h := newHome(t)
	h.do(exitOK, "may come in", "peers", "add", "anna")
	code := h.do(exitOK, "[Interface]", "peers", "config", "anna")
	verdict := func() any {
		r, err := h.client.Test(t.Context(), 1)
		return []any{r, err, h.state()}
	}
	test := func() (cause, stage string, connected bool) {
		r, err := h.client.Test(t.Context(), 1)
		for _, s := range r.Steps {
			connected = connected || err == nil && s.Stage == "answer" && s.State == "passed"
		}
		return r.Cause, r.Stopped, connected
	}
	if _, err := h.client.BeginTest(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	hangUp := world.phone(code)
	eventually(t, "the phone is connected", func() bool { _, _, ok := test(); return ok }, verdict)
	if cause, _, _ := test(); cause == "code_moved" {
		t.Error("its code is said to be of before when it is not")
	}
	hangUp()

	h.do(exitOK, "need a new code now: 1", "peers", "renumber", "--yes", "--to", "10.77.3.0/24")
	if list := h.list(); len(list) != 1 || !strings.HasPrefix(list[0].Addresses[0], "10.77.3.") {
		t.Fatalf("the command is done, and the devices are %+v", list) // homeward answers again by then
	}
	if _, err := h.client.BeginTest(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	hangUp = world.phone(code)
	eventually(t, "the phone's test says what is wrong", func() bool { cause, stage, _ := test(); return cause == "code_moved" && stage == "data" }, verdict)
	if p := h.list(); len(p) != 1 || p[0].Handshake == nil || len(p[0].NeedsCode) == 0 {
		t.Errorf("its handshake settles that it needs a new code: %+v", p)
	}
	hangUp()

	h.do(exitOK, "may come in", "peers", "rotate", "anna")
	hangUp = world.phone(h.do(exitOK, "[Interface]", "peers", "config", "anna"))
	defer hangUp()
	eventually(t, "the new code settles it", func() bool {
		list := h.list()
		return len(list) == 1 && !list[0].Renewing && len(list[0].NeedsCode) == 0
	}, verdict)
	if cause, stage, connected := test(); !connected || cause == "code_moved" {
		t.Errorf("with the new code: %q at %q, connected: %v", cause, stage, connected)
	}
}
