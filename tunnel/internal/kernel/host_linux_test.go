package kernel_test

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"homeward/tunnel/internal/kernel"
	"homeward/tunnel/internal/plane"
	"homeward/tunnel/internal/planetest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// role makes this binary do one thing in a process of its own.
const role = "HOMEWARD_KERNEL_TEST"

func TestMain(m *testing.M) {
	switch what, arg, _ := strings.Cut(os.Getenv(role), " "); what {
	case "hold": // a plane until somebody kills us
		cfg := config()
		cfg.StateDir = arg
		_, err := kernel.Open(cfg)
		fmt.Println("opened:", err)
		bufio.NewReader(os.Stdin).ReadByte()
		os.Exit(1)
	case "tunless": // with all rights, but no device
		cfg := config()
		cfg.StateDir = arg
		if err := errors.Join(
			syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""),
			syscall.Mount("none", "/dev/net", "tmpfs", 0, ""),
		); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		_, err := kernel.Open(cfg)
		fmt.Println(err)
		fmt.Println(kernel.Usable())
		os.Exit(0)
	case "sealed": // a plane that may not change settings any more
		cfg := config()
		cfg.StateDir = arg
		p, err := kernel.Open(cfg)
		fmt.Println("opened:", errors.Join(err, sealSysctls()))
		go p.(plane.Watcher).Watch(context.Background())
		for end := time.Now().Add(time.Minute); p.(plane.ProblemReporter).Problem() == "" && time.Now().Before(end); {
			time.Sleep(50 * time.Millisecond)
		}
		fmt.Println(p.(plane.ProblemReporter).Problem())
		os.Exit(0)
	case "usable":
		if arg == "read-only" {
			if err := sealSysctls(); err != nil {
				fmt.Println(err)
				os.Exit(1)
			}
		}
		fmt.Println(kernel.Usable())
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// sealSysctls makes settings read-only, as containers have them.
func sealSysctls() error {
	return errors.Join(
		syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""),
		syscall.Mount("/proc/sys", "/proc/sys", "", syscall.MS_BIND, ""),
		syscall.Mount("", "/proc/sys", "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, ""),
	)
}

// as starts this binary in a role, in the namespace of the test.
func as(t *testing.T, what string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe")
	cmd.Env = append(os.Environ(), role+"="+what)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

func config() plane.Config {
	return plane.Config{
		Name: "homeward0", MTU: 1412, ListenPort: 51820, Logger: slog.New(slog.DiscardHandler),
		Addresses: []netip.Prefix{netip.MustParsePrefix("10.66.0.1/24"), netip.MustParsePrefix("fd66::1/64")},
	}
}

func TestConformance(t *testing.T) { planetest.Run(t, kernel.Open) }

func nft(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("nft", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("nft %q: %v\n%s", args, err, out)
	}
	return string(out)
}

func sysctl(t *testing.T, key string) string {
	t.Helper()
	b, err := os.ReadFile("/proc/sys/" + key)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

func setSysctl(t *testing.T, key, value string) {
	t.Helper()
	if err := os.WriteFile("/proc/sys/"+key, []byte(value), 0); err != nil {
		t.Fatal(err)
	}
}

// open opens a plane that is closed at the end.
func open(t *testing.T, cfg plane.Config) plane.Plane {
	t.Helper()
	if cfg.StateDir == "" {
		cfg.StateDir = t.TempDir()
	}
	p, err := kernel.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Device().Close()
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func TestRulesetIsWhatAPersonWouldWrite(t *testing.T) {
	planetest.InNamespace(t, func(t *testing.T) {
		open(t, config())
		got := nft(t, "list", "table", "inet", "homeward0")
		golden := filepath.Join("testdata", "ruleset.golden")
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("it is not as in %s (go test -update writes it anew):\n%s", golden, got)
		}
		// The one thing that nft does not list: without the flag, the kernel
		// ignores the ports.
		if debug := nft(t, "--debug=netlink", "list", "table", "inet", "homeward0"); strings.Count(debug, "proto_max reg 2 flags 0x2") != 4 {
			t.Errorf("a masquerade rule lacks its flag:\n%s", debug)
		}
	})
}

func TestKilledRunIsCleanedUp(t *testing.T) {
	planetest.InNamespace(t, func(t *testing.T) {
		// The next run can come by Cleanup, or open at once.
		for name, next := range map[string]func(t *testing.T, dir string){
			"by Cleanup": func(t *testing.T, dir string) {
				for range 2 {
					if err := kernel.Cleanup("homeward0", dir); err != nil {
						t.Error(err)
					}
				}
			},
			"by the next Open": func(t *testing.T, dir string) {
				cfg := config()
				cfg.StateDir = dir
				p := open(t, cfg)
				p.Device().Close()
				if err := p.Close(); err != nil {
					t.Error(err)
				}
			},
		} {
			t.Run(name, func(t *testing.T) {
				before, dir := planetest.Host(t), t.TempDir()
				kill(t, hold(t, dir))
				if got := sysctl(t, "net/ipv4/ip_forward"); got != "1" {
					t.Fatalf("ip_forward = %s after a kill: the test proves nothing", got)
				}
				if !strings.Contains(nft(t, "list", "ruleset"), "homeward0") {
					t.Fatal("no table after a kill: the test proves nothing")
				}
				next(t, dir)
				planetest.SameHost(t, before)
				if got := nft(t, "list", "ruleset"); got != "" {
					t.Errorf("rules are left:\n%s", got)
				}
				if left, _ := os.ReadDir(dir); len(left) > 0 {
					t.Errorf("left in the state folder: %v", left)
				}
			})
		}
	})
}

// hold starts a process that opens a plane and keeps it.
func hold(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	cmd := as(t, "hold "+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "opened: <nil>\n" {
		t.Fatalf("the other process: %q, %v", line, err)
	}
	return cmd
}

func kill(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
}

func TestInterfacesOfOthersAreLeftAlone(t *testing.T) {
	planetest.InNamespace(t, func(t *testing.T) {
		t.Run("another kind", func(t *testing.T) {
			bridge := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "homeward0"}}
			if err := netlink.LinkAdd(bridge); err != nil {
				t.Fatal(err)
			}
			before := planetest.Host(t)
			cfg := config()
			cfg.StateDir = t.TempDir()
			if _, err := kernel.Open(cfg); err == nil || !strings.Contains(err.Error(), `"homeward0" exists already and is a bridge`) {
				t.Errorf("err = %v", err)
			}
			if err := kernel.Cleanup("homeward0", cfg.StateDir); err != nil {
				t.Error(err)
			}
			planetest.SameHost(t, before)
			netlink.LinkDel(bridge)
		})
		t.Run("in use", func(t *testing.T) {
			other := hold(t, t.TempDir())
			before, rules := planetest.Host(t), nft(t, "list", "ruleset")
			cfg := config()
			cfg.StateDir = t.TempDir()
			if _, err := kernel.Open(cfg); err == nil || !strings.Contains(err.Error(), "another program uses it") {
				t.Errorf("Open: err = %v", err)
			}
			if err := kernel.Cleanup("homeward0", cfg.StateDir); err == nil {
				t.Error("Cleanup works while another program runs")
			}
			planetest.SameHost(t, before)
			if nft(t, "list", "ruleset") != rules {
				t.Error("its rules have changed")
			}
			cfg.Name, cfg.Addresses = "wg7", []netip.Prefix{netip.MustParsePrefix("10.67.0.1/24")}
			open(t, cfg) // side by side
			if got := nft(t, "list", "tables"); got != "table inet homeward0\ntable inet homeward-wg7\n" {
				t.Errorf("tables: %q", got)
			}
			kill(t, other)
		})
	})
}

func TestLeftoverOfItsOwnKindIsReplaced(t *testing.T) {
	planetest.InNamespace(t, func(t *testing.T) {
		if err := netlink.LinkAdd(&netlink.Tuntap{LinkAttrs: netlink.LinkAttrs{Name: "homeward0"}, Mode: netlink.TUNTAP_MODE_TUN, Flags: netlink.TUNTAP_NO_PI}); err != nil {
			t.Fatal(err)
		}
		nft(t, "add table inet homeward0; add chain inet homeward0 old")
		open(t, config())
		if got := nft(t, "list", "table", "inet", "homeward0"); strings.Contains(got, "chain old") {
			t.Error("the old table was kept")
		}
	})
}

func TestFailedOpenIsUndone(t *testing.T) {
	planetest.InNamespace(t, func(t *testing.T) {
		before, dir := planetest.Host(t), t.TempDir()
		cmd := as(t, "tunless "+dir) // the device comes last
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWNS
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), `creating the TUN device "homeward0"`) || !strings.Contains(string(out), "/dev/net/tun is missing: load the module") {
			t.Errorf("got %q, %v", out, err)
		}
		planetest.SameHost(t, before)
		if got := nft(t, "list", "ruleset"); got != "" {
			t.Errorf("rules are left:\n%s", got)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("left in the state folder: %v", left)
		}
	})
}

func TestClosePutsBackWhatNobodyElseChanged(t *testing.T) {
	planetest.InNamespace(t, func(t *testing.T) {
		if err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "up0"}, PeerName: "up1"}); err != nil {
			t.Fatal(err)
		}
		setSysctl(t, "net/ipv4/conf/up1/forwarding", "1") // a switch of one interface
		setSysctl(t, "net/ipv4/conf/all/accept_redirects", "0")
		setSysctl(t, "net/ipv6/conf/up1/accept_ra", "0")
		before := planetest.Host(t)

		p := open(t, config())
		for key, want := range map[string]string{
			"net/ipv4/ip_forward": "1", "net/ipv6/conf/all/forwarding": "1",
			"net/ipv6/conf/up0/accept_ra": "2", "net/ipv6/conf/up1/accept_ra": "0",
		} {
			if got := sysctl(t, key); got != want {
				t.Errorf("while open, %s = %s, want %s", key, got, want)
			}
		}
		p.Device().Close()
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		planetest.SameHost(t, before)

		p = open(t, config())
		setSysctl(t, "net/ipv6/conf/up0/accept_ra", "0")
		p.Device().Close()
		p.Close()
		if got := sysctl(t, "net/ipv6/conf/up0/accept_ra"); got != "0" {
			t.Errorf("accept_ra = %s: somebody else's setting was overwritten", got)
		}
	})
}

func TestProblemNamesFirewallsThatDrop(t *testing.T) {
	planetest.InNamespace(t, func(t *testing.T) {
		p := open(t, config()).(plane.ProblemReporter)
		nft(t, "add table inet friendly; add chain inet friendly forward { type filter hook forward priority 0; policy accept; }")
		nft(t, "add table ip filter; add chain ip filter OUTPUT { type filter hook output priority 0; policy drop; }")
		if got := p.Problem(); got != "" {
			t.Errorf("Problem() = %q, want none", got)
		}
		nft(t, "add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }") // as Docker does
		if got := p.Problem(); !strings.Contains(got, "ip filter FORWARD") {
			t.Errorf("Problem() = %q", got)
		}
		nft(t, "add rule ip filter FORWARD iifname homeward1 accept")
		if got := p.Problem(); !strings.Contains(got, "ip filter FORWARD") {
			t.Errorf("with another interface let through, Problem() = %q", got)
		}
		nft(t, "add rule ip filter FORWARD iifname homeward0 accept")
		if got := p.Problem(); got != "" {
			t.Errorf("with our interface let through, Problem() = %q", got)
		}
	})
}

func TestATableThatAnotherProgramFlushedIsWrittenAgain(t *testing.T) {
	planetest.InNamespace(t, func(t *testing.T) {
		cfg := config()
		cfg.Guarded = true
		p := open(t, cfg)
		for _, at := range []string{"10.66.0.1:53", "[fd66::1]:53"} {
			c, err := p.ListenPacket(netip.MustParseAddrPort(at))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
		}
		gone, err := p.Listen(netip.MustParseAddrPort("10.66.0.1:80"))
		if err != nil {
			t.Fatal(err)
		}
		gone.Close()
		if err := p.(plane.BoxOpener).OpenBox([]netip.Addr{netip.MustParseAddr("10.66.0.9"), netip.MustParseAddr("fd66::9")}); err != nil {
			t.Fatal(err)
		}
		table := func() string { return nft(t, "list", "table", "inet", "homeward0") }
		want := table()
		problem := func() string { return p.(plane.ProblemReporter).Problem() }
		ctx, cancel := context.WithCancel(t.Context())
		var watch sync.WaitGroup
		watch.Go(func() { p.(plane.Watcher).Watch(ctx) })
		defer watch.Wait()
		defer cancel()
		nft(t, "flush", "ruleset")
		for end := time.Now().Add(time.Minute); problem() == ""; time.Sleep(50 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("not written again within 10 s")
			}
		}
		if got := table(); got != want || !strings.Contains(problem(), "inet homeward0") {
			t.Errorf("problem %q; the table is\n%s\nwant\n%s", problem(), got, want)
		}
		before := problem()
		time.Sleep(3500 * time.Millisecond) // the next look
		if problem() != before {
			t.Errorf("written again although it was whole: %s", problem())
		}
	})
}

func TestForwardingThatAnotherProgramSwitchedOffIsSwitchedOnAgain(t *testing.T) {
	planetest.InNamespace(t, func(t *testing.T) {
		p, end := watched(t)
		defer end()
		for key, name := range map[string]string{"net/ipv4/ip_forward": "net.ipv4.ip_forward", "net/ipv6/conf/all/forwarding": "net.ipv6.conf.all.forwarding"} {
			setSysctl(t, key, "0")
			becomes(t, key, "1")
			if got := p.(plane.ProblemReporter).Problem(); !strings.Contains(got, name) || !strings.Contains(got, "switched on again") {
				t.Errorf("Problem() = %q, want it to name %s", got, name)
			}
		}
	})
}

// watched opens a plane that looks after the host until end is called, which
// checks that the host is as it was.
func watched(t *testing.T) (p plane.Plane, end func()) {
	t.Helper()
	before := planetest.Host(t)
	p = open(t, config())
	ctx, cancel := context.WithCancel(t.Context())
	var watch sync.WaitGroup
	watch.Go(func() { p.(plane.Watcher).Watch(ctx) })
	return p, func() {
		cancel()
		watch.Wait()
		p.Device().Close()
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		planetest.SameHost(t, before)
	}
}

// becomes waits until a setting is as it has to be.
func becomes(t *testing.T, key, want string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); sysctl(t, key) != want; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s = %s 10 s later, want %s", key, sysctl(t, key), want)
		}
	}
}

func TestTheUplinksOwnSwitchesAreLookedAfter(t *testing.T) {
	planetest.InNamespace(t, func(t *testing.T) {
		planetest.Uplink(t, "up0")
		setSysctl(t, "net/ipv6/conf/up0/accept_ra", "1")
		p, end := watched(t)
		defer end()
		becomes(t, "net/ipv6/conf/up0/accept_ra", "2") // the control: it is a router now
		for _, c := range []struct{ key, wrong, right, says string }{
			{"net/ipv4/conf/up0/forwarding", "0", "1", "net.ipv4.conf.up0.forwarding); it was switched on again"},
			{"net/ipv4/conf/homeward0/forwarding", "0", "1", "net.ipv4.conf.homeward0.forwarding); it was switched on again"},
			{"net/ipv6/conf/up0/accept_ra", "1", "2", "net.ipv6.conf.up0.accept_ra to 1, with which this host does not listen to its own IPv6 router; it was set to 2 again"},
		} {
			setSysctl(t, c.key, c.wrong)
			becomes(t, c.key, c.right)
			if got := p.(plane.ProblemReporter).Problem(); !strings.Contains(got, c.says) {
				t.Errorf("Problem() = %q, want it to say %q", got, c.says)
			}
		}
	})
}

// The owner of a host that forwards may have it off for new interfaces, as ours
// is one.
func TestTheTunnelForwardsWhateverTheDefaultIs(t *testing.T) {
	planetest.InNamespace(t, func(t *testing.T) {
		planetest.Uplink(t, "up0")
		setSysctl(t, "net/ipv4/ip_forward", "1")
		setSysctl(t, "net/ipv4/conf/default/forwarding", "0")
		setSysctl(t, "net/ipv4/conf/up0/forwarding", "0")
		_, end := watched(t)
		defer end()
		for _, name := range []string{"up0", "homeward0"} {
			if got := sysctl(t, "net/ipv4/conf/"+name+"/forwarding"); got != "1" {
				t.Errorf("forwarding of %s = %s", name, got)
			}
		}
	})
}

func TestForwardingThatCannotBeSwitchedOnAgainIsTold(t *testing.T) {
	planetest.InNamespace(t, func(t *testing.T) {
		cmd := as(t, "sealed "+t.TempDir())
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWNS
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		said := bufio.NewReader(out)
		if line, err := said.ReadString('\n'); line != "opened: <nil>\n" {
			t.Fatalf("the other process: %q, %v", line, err)
		}
		setSysctl(t, "net/ipv4/ip_forward", "0")
		line, err := said.ReadString('\n')
		if err != nil || !strings.Contains(line, "cannot be switched on again") || !strings.Contains(line, "set it on the host") {
			t.Errorf("it says %q, %v", line, err)
		}
		cmd.Wait()
	})
}

func TestUsableSaysWhatToDo(t *testing.T) {
	planetest.InNamespace(t, func(t *testing.T) {
		before := planetest.Host(t)
		for _, c := range []struct {
			name, arg, forward, want string
			attr                     *syscall.SysProcAttr
		}{
			{"as root", "", "0", "<nil>\n", nil},
			{"without rights", "", "0", "/dev/net/tun may not be opened: start homeward as root", &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}},
			{"settings are read-only", "read-only", "0", "net.ipv4.ip_forward is 0 and cannot be changed from here: set net.ipv4.ip_forward=1", &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}},
			{"settings are read-only but right", "read-only", "1", "<nil>\n", &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}},
		} {
			t.Run(c.name, func(t *testing.T) {
				setSysctl(t, "net/ipv4/ip_forward", c.forward)
				setSysctl(t, "net/ipv6/conf/all/forwarding", c.forward)
				cmd := as(t, "usable "+c.arg)
				if c.attr != nil {
					cmd.SysProcAttr = c.attr
				}
				out, err := cmd.CombinedOutput()
				if err != nil || !strings.HasPrefix(string(out), c.want) {
					t.Errorf("got %q, %v, want %q", out, err, c.want)
				}
			})
		}
		setSysctl(t, "net/ipv4/ip_forward", "0")
		setSysctl(t, "net/ipv6/conf/all/forwarding", "0")
		planetest.SameHost(t, before)
		if got := nft(t, "list", "ruleset"); got != "" {
			t.Errorf("rules are left:\n%s", got)
		}
	})
}
