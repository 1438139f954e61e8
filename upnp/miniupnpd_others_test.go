//go:build linux

package upnp

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// T06: two real routers on one LAN, both answer the search. The port is opened on the
// one that the default route leads to; the other is told of, and has no entry.
func TestRealRouterBesideAnotherOne(t *testing.T) {
	t.Parallel()
	const otherLAN, otherWAN = "192.168.77.50", "81.2.69.77"
	r := newRealRouter(t)
	other := r.net + "o"
	r.run("ip", "netns", "add", other)
	t.Cleanup(func() { exec.Command("ip", "netns", "del", other).Run() })
	// A switch on which both are: the LAN's host is a part of it.
	r.run("ip", "-n", r.nas, "link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
	r.run("ip", "-n", r.nas, "addr", "flush", "dev", "eth0", "scope", "global")
	r.run("ip", "-n", r.nas, "link", "set", "eth0", "master", "br0")
	r.run("ip", "link", "add", "port1", "netns", r.nas, "type", "veth", "peer", "name", "lan0", "netns", other)
	r.run("ip", "-n", r.nas, "link", "set", "port1", "master", "br0")
	r.run("ip", "-n", r.nas, "addr", "add", labNAS+"/24", "dev", "br0")
	for _, link := range []string{"br0", "port1"} {
		r.run("ip", "-n", r.nas, "link", "set", link, "up")
	}
	r.run("ip", "-n", r.nas, "route", "replace", "default", "via", labRouter)
	r.run("ip", "-n", other, "link", "add", "wan0", "type", "veth", "peer", "name", "wan1")
	for link, addr := range map[string]string{"lan0": otherLAN, "wan0": otherWAN, "wan1": "", "lo": ""} {
		if addr != "" {
			r.run("ip", "-n", other, "addr", "add", addr+"/24", "dev", link)
		}
		r.run("ip", "-n", other, "link", "set", link, "up")
	}
	r.in(other, "nft", "-f", filepath.Join(r.dir, "chains.nft"))
	r.write("other.conf", strings.Join([]string{
		"ext_ifname=wan0", "listening_ip=lan0", "http_port=0", "enable_upnp=yes", "enable_natpmp=yes", "secure_mode=yes",
		"uuid=00000000-0000-4000-9000-" + fmt.Sprintf("%012x", time.Now().UnixNano()&0xffffffffffff),
		"upnp_table_name=filter", "upnp_nat_table_name=filter", "upnp_forward_chain=miniupnpd",
		"upnp_nat_chain=prerouting_miniupnpd", "upnp_nat_postrouting_chain=postrouting_miniupnpd",
		"allow 1024-65535 192.168.77.0/24 1024-65535",
	}, "\n")+"\n")
	log := &bytes.Buffer{}
	daemon := withUs(exec.Command("ip", "netns", "exec", other, "miniupnpd", "-d", "-f", filepath.Join(r.dir, "other.conf"), "-P", filepath.Join(r.dir, "pid-other")))
	daemon.Stdout, daemon.Stderr = log, log
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		daemon.Process.Signal(syscall.SIGTERM)
		daemon.Wait()
		if t.Failed() {
			t.Logf("the other router said:\n%s", log)
		}
	})
	if !poll(patience, func() bool {
		return strings.Contains(r.in(other, "ss", "-Hlun"), ":1900")
	}) {
		t.Fatal("the other router does not listen")
	}
	p := r.mapper(helperOnly + "=UPnP")
	s := p.await(Mapped, 15*time.Second)
	if s["External"] != labWAN || s["Gateway"].(map[string]any)["Addr"] != labRouter {
		t.Errorf("%v", s)
	}
	if got := s["Others"].([]any); got[0] != otherLAN || got[1] != "" {
		t.Errorf("others: %v", got)
	}
	if n := r.rules(); n != 1 {
		t.Errorf("%d rules on the gateway", n)
	}
	if rules := r.in(other, "nft", "list", "chain", "inet", "filter", "prerouting_miniupnpd"); strings.Contains(rules, "dnat") {
		t.Errorf("the other router was asked:\n%s", rules)
	}
	p.end(syscall.SIGTERM)
	if n := r.rules(); n != 0 {
		t.Errorf("left %d rules", n)
	}
}
