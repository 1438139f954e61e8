//go:build linux

package upnp

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// rules is how often our port is in the router's firewall.
func (r *realRouter) rules() int {
	r.t.Helper()
	return strings.Count(r.in(r.router, "nft", "list", "ruleset"), fmt.Sprintf("dnat ip to %s:%d", labNAS, testPort))
}

// lose makes the router forget everything and start again, as after a power cut.
func (r *realRouter) lose() {
	r.t.Helper()
	r.stop(syscall.SIGKILL)
	r.in(r.router, "nft", "flush", "chain", "inet", "filter", "prerouting_miniupnpd")
	r.in(r.router, "nft", "flush", "chain", "inet", "filter", "miniupnpd")
	os.Remove(filepath.Join(r.dir, "leases"))
}

// drop puts a rule into the NAS's own firewall.
func (r *realRouter) drop(hook, rule string) {
	r.t.Helper()
	r.write("drop.nft", "table inet lossy {\nchain c {\ntype filter hook "+hook+" priority 0;\n"+rule+"\n}\n}\n")
	r.in(r.nas, "nft", "-f", filepath.Join(r.dir, "drop.nft"))
}

// The suite against the real router: what it speaks, what we may speak, and by
// which protocol the port is opened.
func TestRealRouterByEveryProtocol(t *testing.T) {
	t.Parallel()
	const upnpOff, pmpOn = "enable_upnp=no", "enable_natpmp=yes"
	for name, tt := range map[string]struct {
		extra []string
		only  string
		via   string
	}{
		"UPnP only":                 {nil, "", "UPnP WANIPConnection:2"},
		"NAT-PMP and PCP only":      {[]string{upnpOff, pmpOn}, "", "PCP"},
		"PCP where all are":         {[]string{pmpOn}, "PCP", "PCP"},
		"NAT-PMP where all are":     {[]string{pmpOn}, "NAT-PMP", "NAT-PMP"},
		"NAT-PMP alone, UPnP off":   {[]string{upnpOff, pmpOn}, "NAT-PMP", "NAT-PMP"},
		"all, and one entry is one": {[]string{pmpOn}, "", "PCP"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRealRouter(t, tt.extra...)
			start := time.Now()
			first := r.mapper(helperOnly + "=" + tt.only)
			s := first.await(Mapped, 10*time.Second)
			t.Logf("mapped after %v", time.Since(start).Round(time.Millisecond))
			mapping := s["Mapping"].(map[string]any)
			if s["External"] != labWAN || mapping["Internal"] != labNAS+":41234" || mapping["Via"] != tt.via {
				t.Errorf("%v", s)
			}
			if n := r.rules(); n != 1 {
				t.Errorf("%d rules", n)
			}
			first.end(syscall.SIGKILL)
			if n := r.rules(); n != 1 { // nobody was there to remove it
				t.Errorf("%d rules after the crash", n)
			}
			second := r.mapper(helperOnly + "=" + tt.only)
			second.await(Mapped, 10*time.Second)
			if n := r.rules(); n != 1 {
				t.Errorf("%d rules after the crash and another start", n)
			}
			start = time.Now()
			second.end(syscall.SIGTERM)
			if n := r.rules(); n != 0 || time.Since(start) > releaseTime+5*time.Second {
				t.Errorf("%d rules left after %v", n, time.Since(start))
			}
		})
	}
}

func TestRealRouterSpeaksNothing(t *testing.T) {
	t.Parallel()
	for name, drop := range map[string]string{"closed": "", "silent": "ip daddr " + labRouter + " udp dport { 1900, 5351 } drop"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRealRouter(t)
			r.stop(syscall.SIGTERM)
			if drop != "" {
				r.drop("output", drop)
			}
			start := time.Now()
			r.mapper().await(NoIGD, 5*time.Second)
			took := time.Since(start)
			t.Logf("known after %v", took.Round(time.Millisecond))
			if took > 15*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestRealRouterRefusesByRuleInPCP(t *testing.T) {
	t.Parallel()
	// Not NAT-PMP alone: this router then tries all 65535 ports, and stays silent.
	for only, want := range map[string]Verdict{"PCP": Refused, "": Refused} {
		t.Run(only, func(t *testing.T) {
			t.Parallel()
			r := newRealRouter(t, "enable_natpmp=yes")
			conf, err := os.ReadFile(filepath.Join(r.dir, "miniupnpd.conf"))
			if err != nil {
				t.Fatal(err)
			}
			r.stop(syscall.SIGTERM)
			r.write("miniupnpd.conf", strings.ReplaceAll(string(conf), "allow ", "deny "))
			r.start()
			r.mapper(helperOnly+"="+only).await(want, 10*time.Second)
			if n := r.rules(); n != 0 {
				t.Errorf("%d rules", n)
			}
		})
	}
}

func TestRealRouterPortOfAnotherHostInPCP(t *testing.T) {
	t.Parallel()
	for _, only := range []string{"PCP", "NAT-PMP", ""} {
		t.Run(only, func(t *testing.T) {
			t.Parallel()
			r := newRealRouter(t, "enable_natpmp=yes")
			r.moveTo("192.168.77.40") // the router believes only the address that a request comes from
			r.in(r.nas, "upnpc", "-m", "eth0", "-e", "old-nas", "-a", "192.168.77.40", "41234", "41234", "UDP")
			r.moveTo(labNAS)
			p := r.mapper(helperOnly + "=" + only)
			p.await(Conflict, 10*time.Second)
			p.end(syscall.SIGTERM)
			if list := r.mappings(); len(list) != 1 || !strings.Contains(list[0], "old-nas") {
				t.Errorf("table %q", list)
			}
		})
	}
}

// T40, T41: the router comes back without its table; heard where it announces
// itself, else found by the minute's question or by knocking.
func TestRealRouterRestartsInPCP(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		only, drop string
		away       time.Duration
		limit      time.Duration
	}{
		"PCP":                          {"PCP", "", 0, 30 * time.Second},
		"NAT-PMP":                      {"NAT-PMP", "", 0, 30 * time.Second},
		"all":                          {"", "", 0, 30 * time.Second},
		"PCP, announcements eaten":     {"PCP", "udp dport 5350 drop", 0, 30 * time.Second},
		"NAT-PMP, away for 30 seconds": {"NAT-PMP", "udp dport 5350 drop", 30 * time.Second, 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRealRouter(t, "enable_natpmp=yes")
			if tt.drop != "" {
				r.drop("input", tt.drop)
			}
			p := r.mapper(helperOnly + "=" + tt.only)
			p.await(Mapped, 10*time.Second)
			if tt.drop != "" {
				// An epoch can tell two lives of the router apart only when the first was
				// longer than the clocks may differ in a minute.
				poll(15*time.Second, func() bool { return false })
			}
			r.lose()
			if tt.away > 0 {
				poll(tt.away, func() bool { return false })
			}
			r.start()
			start := time.Now()
			if !poll(tt.limit, func() bool { return r.rules() == 1 }) {
				p.end(syscall.SIGKILL)
				t.Fatalf("not mapped again:\n%s", p.stderr.String())
			}
			t.Logf("mapped again after %v", time.Since(start).Round(100*time.Millisecond))
			p.end(syscall.SIGTERM)
			if n := r.rules(); n != 0 {
				t.Errorf("%d rules left", n)
			}
		})
	}
}

// T16: a change of the route is heard from the kernel, not found by looking.
func TestRealRouterRouteChangesAreHeard(t *testing.T) {
	t.Parallel()
	r := newRealRouter(t, "enable_natpmp=yes")
	r.run("ip", "-n", r.nas, "route", "del", "default")
	p := r.mapper()
	p.await(NoRouter, 5*time.Second)
	r.run("ip", "-n", r.nas, "route", "add", "default", "via", labRouter)
	start := time.Now()
	p.await(Mapped, 10*time.Second)
	took := time.Since(start)
	t.Logf("mapped %v after the route came", took.Round(10*time.Millisecond))
	if took > settleTime+time.Second {
		t.Errorf("took %v: looked, not heard", took)
	}
}

// T56, in the network: who in the LAN is heard. The helper is a mapper with a long
// way to its next question, so that what comes soon comes from an announcement.
func TestOnlyTheGatewayIsHeard(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		from string // the namespace's address that sends
		want bool
	}{
		"the gateway, negative control": {labRouter, true},
		"another host of the LAN":       {"192.168.77.66", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRealRouter(t, "enable_natpmp=yes")
			p := r.mapper(helperOnly + "=NAT-PMP")
			p.await(Mapped, 10*time.Second)
			r.lose() // the daemon stays away, so nobody but us announces anything
			r.run("ip", "-n", r.router, "addr", "add", "192.168.77.66/24", "dev", "lan0")
			r.announce(tt.from)
			// A mapper that listens asks within five seconds, and finds the port closed.
			heard := poll(8*time.Second, func() bool {
				select {
				case s := <-p.lines:
					return s["Verdict"] == NoIGD.String()
				default:
					return false
				}
			})
			if heard != tt.want {
				t.Errorf("heard %t", heard)
			}
		})
	}
}

// announce sends NAT-PMP's announcement from an address of the router's namespace.
func (r *realRouter) announce(from string) {
	r.t.Helper()
	exe, err := os.Executable()
	if err != nil {
		r.t.Fatal(err)
	}
	r.in(r.router, "env", helperEnv+"=announce", helperFrom+"="+from, exe)
}

// T46 by PCP: our address changes. The router doesn't let the new address remove
// what the old one made; it is told, with the time that it lasts, and never doubled.
func TestRealRouterOwnAddressChangesInPCP(t *testing.T) {
	t.Parallel()
	r := newRealRouter(t, "enable_natpmp=yes")
	p := r.mapper()
	p.await(Mapped, 10*time.Second)
	r.moveTo("192.168.77.40")
	start := time.Now()
	s := p.await(Conflict, 30*time.Second)
	t.Logf("noticed after %v", time.Since(start).Round(10*time.Millisecond))
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("took %v", took)
	}
	if advice := s["Advice"].(string); !strings.Contains(advice, labNAS+", a former address of this box. That ends by itself within 60 minutes") {
		t.Errorf("advice %q", advice)
	}
	if n := r.rules(); n != 1 {
		t.Errorf("%d rules", n)
	}
	r.moveTo(labNAS)
	p.await(Mapped, 20*time.Second)
	p.end(syscall.SIGTERM)
	if n := r.rules(); n != 0 {
		t.Errorf("%d rules left", n)
	}
}

// C14: what a crashed run made by PCP is ours for the next one, though it has only
// UPnP: miniupnpd shows the nonce.
func TestRealRouterShowsTheNonce(t *testing.T) {
	t.Parallel()
	r := newRealRouter(t, "enable_natpmp=yes")
	first := r.mapper(helperOnly + "=PCP")
	first.await(Mapped, 10*time.Second)
	first.end(syscall.SIGKILL)
	second := r.mapper(helperOnly + "=UPnP")
	s := second.await(Mapped, 10*time.Second)
	if mapping := s["Mapping"].(map[string]any); mapping["Foreign"] != false {
		t.Errorf("taken for another's: %v\n%q", mapping, r.mappings())
	}
	second.end(syscall.SIGTERM)
	if n := r.rules(); n != 0 {
		t.Errorf("%d rules left: %q", n, r.mappings())
	}
}

// A public address that changes is known within a minute, by each protocol.
func TestRealRouterPublicAddressChanges(t *testing.T) {
	t.Parallel()
	const now = "81.2.69.77"
	for name, extra := range map[string][]string{
		"all":  {"enable_natpmp=yes"},
		"PCP":  {"enable_natpmp=yes", "enable_upnp=no"},
		"UPnP": nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRealRouter(t, extra...)
			p := r.mapper()
			p.await(Mapped, 10*time.Second)
			r.run("ip", "-n", r.router, "addr", "del", labWAN+"/24", "dev", "wan0")
			r.run("ip", "-n", r.router, "addr", "add", now+"/24", "dev", "wan0")
			start := time.Now()
			for s := p.await(Mapped, 70*time.Second); s["External"] != now; {
				s = p.await(Mapped, 70*time.Second-time.Since(start))
			}
			took := time.Since(start)
			t.Logf("known after %v", took.Round(10*time.Millisecond))
			if took > time.Minute+5*time.Second { // the next look, and its answers
				t.Errorf("took %v", took)
			}
		})
	}
}
