//go:build linux

package reliability

import (
	"context"
	_ "embed"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"homeward/scripts/labnet"
)

//go:embed testdata/udhcpc.sh
var setLease string

// lan is how the router describes the LAN to the box by DHCP.
type lan struct {
	name         string
	box, gateway string
	// renewed: the box asks to keep its address, and the router refuses that. Otherwise
	// the cable was out, and it asks anew.
	renewed bool
}

// Routers are replaced, and hand out what they like. The box is told by a real DHCP
// server and takes it by a real client.
//
// Many a router lets nobody take away what leads to another address, such as the box's
// former one, until its lease ends: that is told, and held by
// TestRealRouterOwnAddressChanges in upnp. This one lets the box do so.
var lans = []lan{
	{name: "another address in the same network", box: "192.168.77.60", gateway: labnet.RouterLAN, renewed: true},
	{name: "another gateway", box: "192.168.77.60", gateway: "192.168.77.2"},
	{name: "another network", box: movedLAN + ".60", gateway: movedLAN + ".1"},
}

func TestTheBoxGetsOtherAddressesByDHCP(t *testing.T) {
	labnet.NeedPrograms(t, "udhcpc:udhcpc")
	bin := buildHomeward(t)
	for plane, rootless := range map[string]bool{"tun": false, "netstack": true} {
		t.Run(plane, func(t *testing.T) {
			t.Parallel()
			h := newHome(t, bin, rootless, labnet.Options{Insecure: true, IGD: []string{"allow 1024-65535 " + movedLAN + ".0/24 1024-65535"}})
			d := &dhcp{home: h}
			d.serve(lan{box: labnet.NAS4, gateway: labnet.RouterLAN})
			d.ask()
			d.awaitLease(lan{box: labnet.NAS4, gateway: labnet.RouterLAN})
			h.recovers(time.Now(), time.Minute, time.Minute)
			for _, l := range lans {
				t.Run(l.name, func(t *testing.T) {
					one := *h
					one.T = t
					d.home = &one
					one.recovers(d.change(l), time.Minute, time.Minute)
					h.share = one.share
				})
			}
		})
	}
}

// dhcp is the router's server and the box's client.
type dhcp struct {
	home           *home
	server, client *labnet.Process
}

// serve starts the server, in place of the one that runs.
func (d *dhcp) serve(l lan) {
	h := d.home
	h.Helper()
	if d.server != nil {
		d.server.Stop()
	}
	card := strings.TrimSpace(h.NAS.Run("cat", "/sys/class/net/eth0/address"))
	network := l.box[:strings.LastIndex(l.box, ".")]
	d.server = h.Router.Start(h.Router.Command(context.Background(), "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null",
		"--no-hosts", "--no-resolv", "--user=root", "--pid-file=", "--port=0", "--bind-interfaces", "--interface=lan0",
		"--dhcp-authoritative", "--dhcp-leasefile="+filepath.Join(h.Dir, "dhcp-leases"), "--no-ping",
		"--dhcp-range="+network+".100,"+network+".120,1h", "--dhcp-host="+card+","+l.box, "--dhcp-option=option:router,"+l.gateway))
	labnet.Eventually(h, time.Minute, "the router's DHCP server listens", func() bool {
		out, err := h.Router.Try("ss", "-Hlun", "sport = :67")
		return err == nil && strings.Contains(out, ":67")
	})
}

// ask starts the client, in place of the one that runs.
func (d *dhcp) ask() {
	h := d.home
	h.Helper()
	if d.client != nil {
		d.client.Stop()
	}
	script := filepath.Join(h.Dir, "udhcpc.sh")
	if err := os.WriteFile(script, []byte(setLease), 0o755); err != nil {
		h.Fatal(err)
	}
	d.client = h.NAS.Start(h.NAS.Command(context.Background(), "udhcpc", "-f", "-i", "eth0", "-s", script, "-t", "5", "-T", "1", "-A", "1"))
}

// change makes the LAN another one and says when the box could know.
func (d *dhcp) change(l lan) time.Time {
	h := d.home
	h.Helper()
	if l.renewed {
		d.serve(l)
		d.client.Signal(syscall.SIGUSR1)
		begun := time.Now()
		d.awaitLease(l)
		return begun
	}
	h.StopIGD(syscall.SIGTERM)
	h.ForgetMappings()
	h.Router.Run("ip", "link", "set", "port10", "down")
	h.Router.Run("ip", "-4", "addr", "flush", "dev", "lan0")
	h.Router.Address("lan0", l.gateway+"/24")
	if strings.HasPrefix(l.box, movedLAN) {
		h.share = movedLAN + ".20"
		h.Share.Run("ip", "-4", "addr", "flush", "dev", "eth0")
		h.Share.Address("eth0", h.share+"/24")
		h.Share.AddRoute("default", l.gateway)
	}
	h.StartIGD()
	d.serve(l)
	h.cutOff()
	h.Router.Run("ip", "link", "set", "port10", "up")
	begun := time.Now()
	d.ask()
	d.awaitLease(l)
	return begun
}

// awaitLease waits until the box has what the router told it, and nothing else.
func (d *dhcp) awaitLease(l lan) {
	h := d.home
	h.Helper()
	var addrs, routes string
	defer func() {
		if h.Failed() {
			h.Logf("the box has %q and %q; the server said:\n%s\nthe client:\n%s", addrs, routes, d.server.Output(), d.client.Output())
		}
	}()
	labnet.Eventually(h, time.Minute, "the box has the address "+l.box+" and the gateway "+l.gateway, func() bool {
		addrs = h.NAS.Run("ip", "-4", "-br", "addr", "show", "dev", "eth0")
		routes = h.NAS.Run("ip", "-4", "route", "show", "default", "dev", "eth0")
		return strings.Contains(addrs, l.box+"/24") && strings.Count(addrs, "/24") == 1 && strings.Contains(routes, "via "+l.gateway+" ") && strings.Count(routes, "via") == 1
	})
}
