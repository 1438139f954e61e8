//go:build linux

package upnp

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// realRouter is Debian's miniupnpd in a network namespace of its own, with a
// LAN behind it that has one host.
type realRouter struct {
	t                *testing.T
	router, nas, net string // namespaces
	dir              string
	daemon           *exec.Cmd
	generation       int
}

var labs atomic.Int32

// tidy removes the namespaces of test runs that were killed, once.
var tidy = sync.OnceFunc(func() {
	out, _ := exec.Command("ip", "netns", "list").Output()
	for name := range strings.FieldsSeq(string(out)) {
		var pid, n int
		if _, err := fmt.Sscanf(name, "hwu%d-%d", &pid, &n); err == nil && syscall.Kill(pid, 0) == syscall.ESRCH {
			exec.Command("ip", "netns", "del", name).Run()
		}
	}
})

// withUs makes a child end when the test is killed.
func withUs(c *exec.Cmd) *exec.Cmd {
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return c
}

const (
	labRouter = "192.168.77.1"
	labNAS    = "192.168.77.10"
	labWAN    = "81.2.69.2" // no documentation address: miniupnpd takes those for private ones
)

// chains are what miniupnpd needs to find in nftables.
const chains = `
table inet filter {
	chain forward { type filter hook forward priority 0; policy accept; jump miniupnpd; }
	chain miniupnpd { }
	chain prerouting { type nat hook prerouting priority -100; jump prerouting_miniupnpd; }
	chain postrouting { type nat hook postrouting priority 100; jump postrouting_miniupnpd; }
	chain prerouting_miniupnpd { }
	chain postrouting_miniupnpd { }
}
`

// newRealRouter makes the namespaces; extra lines go into miniupnpd's configuration.
func newRealRouter(t *testing.T, extra ...string) *realRouter {
	t.Helper()
	if testing.Short() {
		t.Skip("runs a real router in network namespaces; left out with -short")
	}
	if os.Getuid() != 0 {
		t.Skip("needs root for network namespaces")
	}
	for _, tool := range []string{"ip", "nft", "miniupnpd", "upnpc"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("needs %s (Debian: iproute2 nftables miniupnpd-nftables miniupnpc)", tool)
		}
	}
	tidy()
	id := fmt.Sprintf("hwu%d-%d", os.Getpid(), labs.Add(1))
	r := &realRouter{t: t, router: id + "r", nas: id + "n", net: id + "i", dir: t.TempDir()}
	for _, ns := range []string{r.router, r.nas, r.net} {
		r.run("ip", "netns", "add", ns)
		t.Cleanup(func() { exec.Command("ip", "netns", "del", ns).Run() })
		r.run("ip", "-n", ns, "link", "set", "lo", "up")
	}
	r.run("ip", "link", "add", "lan0", "netns", r.router, "type", "veth", "peer", "name", "eth0", "netns", r.nas)
	r.run("ip", "link", "add", "wan0", "netns", r.router, "type", "veth", "peer", "name", "net0", "netns", r.net)
	r.run("ip", "-n", r.net, "link", "set", "net0", "up")
	for _, a := range [][]string{{r.router, labRouter, "lan0"}, {r.router, labWAN, "wan0"}, {r.nas, labNAS, "eth0"}} {
		r.run("ip", "-n", a[0], "addr", "add", a[1]+"/24", "dev", a[2])
		r.run("ip", "-n", a[0], "link", "set", a[2], "up")
	}
	r.run("ip", "-n", r.nas, "route", "add", "default", "via", labRouter)
	// A container bridge must not confuse the choice of the gateway.
	r.run("ip", "link", "add", "docker0", "netns", r.nas, "type", "veth", "peer", "name", "docker1", "netns", r.net)
	r.run("ip", "-n", r.nas, "addr", "add", "172.17.0.1/16", "dev", "docker0")
	r.run("ip", "-n", r.nas, "link", "set", "docker0", "up")
	r.run("ip", "-n", r.nas, "route", "add", "default", "via", "172.17.0.2", "dev", "docker0", "metric", "0", "onlink", "table", "77")

	r.write("chains.nft", chains)
	r.in(r.router, "nft", "-f", filepath.Join(r.dir, "chains.nft"))
	config := []string{
		"ext_ifname=wan0", "listening_ip=lan0", "http_port=0", "enable_upnp=yes", "enable_natpmp=no", "secure_mode=yes",
		"uuid=00000000-0000-4000-8000-" + fmt.Sprintf("%012x", os.Getpid()), "lease_file=" + filepath.Join(r.dir, "leases"),
		"upnp_table_name=filter", "upnp_nat_table_name=filter", "upnp_forward_chain=miniupnpd",
		"upnp_nat_chain=prerouting_miniupnpd", "upnp_nat_postrouting_chain=postrouting_miniupnpd",
		"allow 1024-65535 192.168.77.0/24 1024-65535", "deny 0-65535 0.0.0.0/0 0-65535",
	}
	r.write("miniupnpd.conf", strings.Join(append(config, extra...), "\n")+"\n")
	r.start()
	t.Cleanup(func() { r.stop(syscall.SIGTERM) })
	return r
}

func (r *realRouter) write(name, text string) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

func (r *realRouter) run(name string, args ...string) string {
	r.t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		r.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func (r *realRouter) in(ns string, args ...string) string {
	r.t.Helper()
	return r.run("ip", append([]string{"netns", "exec", ns}, args...)...)
}

// moveTo gives the host in the LAN another address.
func (r *realRouter) moveTo(addr string) {
	r.t.Helper()
	r.run("ip", "-n", r.nas, "addr", "flush", "dev", "eth0", "scope", "global")
	r.run("ip", "-n", r.nas, "addr", "add", addr+"/24", "dev", "eth0")
	r.run("ip", "-n", r.nas, "route", "replace", "default", "via", labRouter)
}

// start runs the daemon and waits until it listens.
func (r *realRouter) start() {
	r.t.Helper()
	r.generation++
	log := &bytes.Buffer{}
	r.daemon = withUs(exec.Command("ip", "netns", "exec", r.router, "miniupnpd", "-d",
		"-f", filepath.Join(r.dir, "miniupnpd.conf"), "-P", filepath.Join(r.dir, fmt.Sprintf("pid%d", r.generation))))
	r.daemon.Stdout, r.daemon.Stderr = log, log
	if err := r.daemon.Start(); err != nil {
		r.t.Fatal(err)
	}
	if !poll(patience, func() bool {
		return r.in(r.router, "ss", "-Hlun", "( sport = :1900 or sport = :5351 )") != ""
	}) {
		r.stop(syscall.SIGKILL)
		r.t.Fatalf("miniupnpd doesn't listen:\n%s", log)
	}
}

// stop ends the daemon. It runs with the pid of `ip`, which execs it.
func (r *realRouter) stop(sig syscall.Signal) {
	if r.daemon == nil {
		return
	}
	r.daemon.Process.Signal(sig)
	r.daemon.Wait()
	r.daemon = nil
}

// poll asks often until it is true; what it waits for is another process.
func poll(limit time.Duration, f func() bool) bool {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(limit); time.Now().Before(end); <-tick.C {
		if f() {
			return true
		}
	}
	return false
}

// mappings is what an independent client sees in the router's table.
func (r *realRouter) mappings() []string {
	r.t.Helper()
	// upnpc ends with an error when the list is empty or ends; its text counts.
	out, _ := exec.Command("ip", "netns", "exec", r.nas, "upnpc", "-m", "eth0", "-l").CombinedOutput()
	if !bytes.Contains(out, []byte("ExternalIPAddress = "+labWAN)) {
		r.t.Fatalf("upnpc sees no router:\n%s", out)
	}
	var list []string
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, " UDP ") || strings.Contains(line, " TCP ") {
			list = append(list, strings.TrimSpace(line))
		}
	}
	return list
}

func (r *realRouter) wantOne() {
	r.t.Helper()
	list := r.mappings()
	if len(list) != 1 || !strings.Contains(list[0], fmt.Sprintf("UDP %d->%s:%d", testPort, labNAS, testPort)) || !strings.Contains(list[0], testDesc) {
		r.t.Errorf("the router has %q", list)
	}
	if rules := r.in(r.router, "nft", "list", "ruleset"); strings.Count(rules, "dnat") != 1 {
		r.t.Errorf("rules:\n%s", rules)
	}
}

// process is a mapper in the NAS's namespace.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	lines  chan map[string]any
	stderr bytes.Buffer
	cancel context.CancelFunc
}

func (r *realRouter) mapper(env ...string) *process {
	r.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p := &process{t: r.t, lines: make(chan map[string]any, 64), cancel: cancel}
	exe, err := os.Executable()
	if err != nil {
		r.t.Fatal(err)
	}
	p.cmd = withUs(exec.CommandContext(ctx, "ip", "netns", "exec", r.nas, exe))
	p.cmd.Env = append(append(os.Environ(), helperEnv+"=1"), env...)
	p.cmd.Stderr = &p.stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	go func() {
		defer close(p.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			var status map[string]any
			if json.Unmarshal(s.Bytes(), &status) == nil {
				p.lines <- status
			}
		}
	}()
	r.t.Cleanup(func() { p.end(syscall.SIGKILL) })
	return p
}

// await reads statuses until the verdict comes, which usually takes usual at most.
func (p *process) await(v Verdict, usual time.Duration) map[string]any {
	p.t.Helper()
	limit := max(usual, patience)
	after := time.After(limit)
	for {
		select {
		case s, ok := <-p.lines:
			if !ok {
				p.t.Fatalf("the mapper ended:\n%s", p.stderr.String())
			}
			if s["Verdict"] == v.String() {
				return s
			}
		case <-after:
			p.end(syscall.SIGKILL)
			p.t.Fatalf("no verdict %v within %v:\n%s", v, limit, p.stderr.String())
		}
	}
}

func (p *process) end(sig syscall.Signal) {
	if p.cmd.ProcessState != nil {
		return
	}
	p.cmd.Process.Signal(sig)
	for range p.lines {
	}
	p.cmd.Wait()
	p.cancel()
}

func TestRealRouter(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		extra []string
		via   string
	}{
		"IGD 2": {nil, "WANIPConnection:2"},
		"IGD 1": {[]string{"force_igd_desc_v1=yes"}, "WANIPConnection:1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRealRouter(t, tt.extra...)

			start := time.Now()
			first := r.mapper()
			s := first.await(Mapped, 10*time.Second)
			t.Logf("mapped after %v", time.Since(start).Round(time.Millisecond))
			mapping := s["Mapping"].(map[string]any)
			if s["External"] != labWAN || mapping["Internal"] != labNAS+":41234" || !strings.HasSuffix(mapping["Via"].(string), tt.via) {
				t.Errorf("%v", s)
			}
			r.wantOne()

			first.end(syscall.SIGKILL)
			r.wantOne() // nobody was there to remove it

			second := r.mapper()
			second.await(Mapped, 10*time.Second)
			r.wantOne()

			start = time.Now()
			second.end(syscall.SIGTERM)
			if took := time.Since(start); took > releaseTime {
				t.Errorf("stopping took %v", took)
			}
			if list := r.mappings(); len(list) != 0 {
				t.Errorf("left behind %q", list)
			}
		})
	}
}

func TestRealRouterPortOfAnotherHost(t *testing.T) {
	t.Parallel()
	r := newRealRouter(t)
	r.moveTo("192.168.77.40") // the router believes only the address that a request comes from
	r.in(r.nas, "upnpc", "-m", "eth0", "-e", "old-nas", "-a", "192.168.77.40", "41234", "41234", "UDP")
	r.moveTo(labNAS)
	p := r.mapper()
	s := p.await(Conflict, 10*time.Second)
	if advice := s["Advice"].(string); !strings.Contains(advice, "192.168.77.40") || !strings.Contains(advice, "old-nas") {
		t.Errorf("advice %q", advice)
	}
	p.end(syscall.SIGTERM)
	if list := r.mappings(); len(list) != 1 || !strings.Contains(list[0], "old-nas") {
		t.Errorf("the other host's entry: %q", list)
	}
}

func TestRealRouterRefusesByRule(t *testing.T) {
	t.Parallel()
	for name, extra := range map[string]string{"IGD 2": "force_igd_desc_v1=no", "IGD 1": "force_igd_desc_v1=yes"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRealRouter(t, extra)
			conf, err := os.ReadFile(filepath.Join(r.dir, "miniupnpd.conf"))
			if err != nil {
				t.Fatal(err)
			}
			r.stop(syscall.SIGTERM)
			r.write("miniupnpd.conf", strings.ReplaceAll(string(conf), "allow ", "deny "))
			r.start()
			r.mapper().await(Refused, 10*time.Second)
		})
	}
}

// Switches and hypervisors eat multicast; some routers hear nothing else.
func TestRealRouterIsFoundByEitherSearch(t *testing.T) {
	t.Parallel()
	for name, drop := range map[string]string{
		"unicast only":              "ip daddr 239.255.255.250 drop",
		"multicast only":            "ip daddr " + labRouter + " udp dport 1900 drop",
		"negative control: neither": "udp dport 1900 drop",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRealRouter(t)
			r.write("drop.nft", "table inet lossy {\nchain output {\ntype filter hook output priority 0;\n"+drop+"\n}\n}\n")
			r.in(r.nas, "nft", "-f", filepath.Join(r.dir, "drop.nft"))
			want := Mapped
			if strings.HasPrefix(name, "negative") {
				want = NoIGD
			}
			r.mapper().await(want, 5*time.Second)
		})
	}
}

func TestRealRouterRestarts(t *testing.T) {
	t.Parallel()
	r := newRealRouter(t)
	p := r.mapper()
	p.await(Mapped, 10*time.Second)
	r.stop(syscall.SIGKILL)
	r.in(r.router, "nft", "flush", "chain", "inet", "filter", "prerouting_miniupnpd")
	r.in(r.router, "nft", "flush", "chain", "inet", "filter", "miniupnpd")
	os.Remove(filepath.Join(r.dir, "leases"))
	r.start() // on another TCP port
	start := time.Now()
	if !poll(75*time.Second, func() bool { return len(r.mappings()) == 1 }) {
		t.Fatalf("not mapped again:\n%s", p.stderr.String())
	}
	t.Logf("mapped again after %v", time.Since(start).Round(time.Second))
	r.wantOne()
}

// Our address changes. A router in secure mode keeps the entry for the old one,
// which can't be removed from the new one: that is told, with the time it lasts.
func TestRealRouterOwnAddressChanges(t *testing.T) {
	t.Parallel()
	r := newRealRouter(t)
	p := r.mapper()
	p.await(Mapped, 10*time.Second)
	r.moveTo("192.168.77.40")
	start := time.Now()
	s := p.await(Conflict, 75*time.Second)
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("took %v", took)
	}
	if advice := s["Advice"].(string); !strings.Contains(advice, labNAS+", a former address of this box. That ends by itself within 60 minutes") {
		t.Errorf("advice %q", advice)
	}
	r.moveTo(labNAS)
	p.await(Mapped, 20*time.Second)
	p.end(syscall.SIGTERM)
	if list := r.mappings(); len(list) != 0 {
		t.Errorf("left behind %q", list)
	}
}

// T44: the real router's event tells of another address, by UPnP alone, long before
// the minute's question.
func TestRealRouterTellsItsNewAddressByAnEvent(t *testing.T) {
	t.Parallel()
	r := newRealRouter(t)
	p := r.mapper(helperOnly + "=UPnP")
	p.await(Mapped, 10*time.Second)
	at := "" // where it listens for events
	if !poll(patience, func() bool {
		if f := strings.Fields(r.in(r.nas, "ss", "-Hltn")); len(f) > 3 {
			at = f[3]
		}
		return at != "" && r.in(r.nas, "ss", "-Htan", "state", "time-wait", "src", at) != "" // the first one came
	}) {
		t.Fatalf("it has not subscribed to the router's events, but listens on %q", at)
	}
	if !strings.HasPrefix(at, labNAS+":") {
		t.Errorf("it listens for events on %s", at)
	}
	r.run("ip", "-n", r.router, "addr", "flush", "dev", "wan0")
	r.run("ip", "-n", r.router, "addr", "add", "81.2.69.77/24", "dev", "wan0")
	r.daemon.Process.Signal(syscall.SIGUSR1)
	start := time.Now()
	for limit := time.After(30 * time.Second); ; {
		select {
		case s := <-p.lines:
			if s["External"] != "81.2.69.77" {
				continue
			}
		case <-limit:
			t.Fatalf("not known after %v:\n%s", time.Since(start), p.stderr.String())
		}
		break
	}
	t.Logf("known after %v", time.Since(start).Round(100*time.Millisecond))
	if took := time.Since(start); took > hintSpread+20*time.Second {
		t.Errorf("known after %v:\n%s", took, p.stderr.String())
	}
}
