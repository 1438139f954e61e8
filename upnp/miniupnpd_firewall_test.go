//go:build linux

package upnp

import (
	"encoding/hex"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	labRouter6 = "2a01:5ead:77::1"
	labNAS6    = "2a01:5ead:77::10"
)

// with6 gives the house public IPv6 addresses, with a temporary one beside ours.
// The route's next hop is the router's link-local address, as routers announce it,
// or its public one.
func (r *realRouter) with6(linkLocal bool) {
	r.t.Helper()
	r.run("ip", "-n", r.router, "addr", "add", labRouter6+"/64", "dev", "lan0", "nodad")
	r.run("ip", "-n", r.router, "addr", "add", "2a01:5ead:69::2/64", "dev", "wan0", "nodad")
	r.run("ip", "-n", r.nas, "addr", "add", labNAS6+"/64", "dev", "eth0", "nodad")
	via := labRouter6
	if linkLocal {
		r.run("ip", "-n", r.router, "addr", "add", "fe80::77/64", "dev", "lan0", "nodad")
		via = "fe80::77"
	}
	r.run("ip", "-n", r.nas, "-6", "route", "add", "default", "via", via, "dev", "eth0")
	if !poll(patience, func() bool {
		return r.in(r.nas, "ip", "-6", "addr", "show", "tentative")+r.in(r.router, "ip", "-6", "addr", "show", "tentative") == ""
	}) {
		r.t.Fatal("the link-local addresses don't come up")
	}
	r.stop(syscall.SIGTERM) // it looks for IPv6 when it starts
	r.start()
}

// pinholes is how often our port is let through in the router's firewall.
func (r *realRouter) pinholes(addr string) int {
	r.t.Helper()
	ip := netip.MustParseAddr(addr).As16()
	return strings.Count(r.in(r.router, "nft", "list", "ruleset"), "th dport 41234 @nh,192,128 0x"+hex.EncodeToString(ip[:]))
}

// T58: the real router's IPv6 firewall by each protocol, after a crash and at the end.
func TestRealRouterOpensItsFirewall(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		extra     []string
		only      string
		linkLocal bool
		via       string
	}{
		"UPnP":                        {nil, "UPnP", false, "UPnP WANIPv6FirewallControl:1"},
		"UPnP, link-local gateway":    {nil, "UPnP", true, "UPnP WANIPv6FirewallControl:1"},
		"PCP":                         {[]string{"enable_upnp=no", "enable_natpmp=yes"}, "", false, "PCP"},
		"all, and a link-local route": {[]string{"enable_natpmp=yes"}, "", true, "UPnP WANIPv6FirewallControl:1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRealRouter(t, append(tt.extra, "ext_ifname6=wan0")...)
			r.with6(tt.linkLocal)
			start := time.Now()
			first := r.mapper(helperOnly + "=" + tt.only)
			six := first.awaitSix(Mapped, 15*time.Second)
			t.Logf("open after %v", time.Since(start).Round(time.Millisecond))
			if six["Address"] != "["+labNAS6+"]:41234" || six["Via"] != tt.via {
				t.Errorf("%v", six)
			}
			if n := r.pinholes(labNAS6); n != 1 {
				t.Errorf("%d openings:\n%s", n, r.in(r.router, "nft", "list", "ruleset"))
			}
			first.end(syscall.SIGKILL)
			second := r.mapper(helperOnly + "=" + tt.only)
			// On a busy machine UPnP may be too slow to be waited for, and PCP does it.
			via := second.awaitSix(Mapped, 15*time.Second)["Via"]
			if n := r.pinholes(labNAS6); n != 1 {
				t.Errorf("%d openings after the crash and another start", n)
			}
			start = time.Now()
			second.end(syscall.SIGTERM)
			if via == "PCP" {
				// This router ends it, but not before two minutes (see pcpSession.remove).
				if log := second.stderr.String(); strings.Contains(log, "leaving the mapping") {
					t.Errorf("not given back:\n%s", log)
				}
				return
			}
			if n := r.pinholes(labNAS6); n != 0 || time.Since(start) > releaseTime+5*time.Second {
				t.Errorf("%d openings left after %v:\n%s", n, time.Since(start), second.stderr.String())
			}
		})
	}
}

// awaitSix reads statuses until IPv6's verdict comes.
func (p *process) awaitSix(v Verdict, usual time.Duration) map[string]any {
	p.t.Helper()
	limit := max(usual, patience)
	after := time.After(limit)
	for {
		select {
		case s, ok := <-p.lines:
			if !ok {
				p.t.Fatalf("the mapper ended:\n%s", p.stderr.String())
			}
			if six := s["IPv6"].(map[string]any); six["Verdict"] == v.String() {
				return six
			}
		case <-after:
			p.end(syscall.SIGKILL)
			p.t.Fatalf("no verdict %v for IPv6 within %v:\n%s", v, limit, p.stderr.String())
		}
	}
}
