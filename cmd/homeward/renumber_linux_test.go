package main

import (
	"encoding/json"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"homeward/configs/state"
	"homeward/peers"
	"homeward/web/api"
)

// inNamespace runs the test once more in a network namespace of its own, and says
// whether this is that run.
func inNamespace(t *testing.T) bool {
	t.Helper()
	const marked = "HOMEWARD_TEST_NAMESPACE"
	if os.Getenv(marked) == t.Name() {
		return true
	}
	if os.Getuid() != 0 {
		t.Skip("needs root: it makes a network namespace")
	}
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=120s")
	cmd.Env = append(os.Environ(), marked+"="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("in the namespace: %v\n%s", err, out)
	}
	return false
}

// lan gives the box another network.
func lan(t *testing.T, bridge string, at netip.Prefix) {
	t.Helper()
	link, err := netlink.LinkByName(bridge)
	if err != nil {
		if err = netlink.LinkAdd(&netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: bridge}}); err == nil {
			link, err = netlink.LinkByName(bridge)
		}
	}
	if err == nil {
		err = netlink.LinkSetUp(link)
	}
	if err == nil {
		err = netlink.AddrAdd(link, &netlink.Addr{IPNet: &net.IPNet{IP: at.Addr().AsSlice(), Mask: net.CIDRMask(at.Bits(), at.Addr().BitLen())}})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits for ok, and returns how long that took.
func eventually(t *testing.T, what string, patience time.Duration, ok func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	for !ok() {
		if time.Since(began) > patience {
			t.Fatalf("%s: not within %v", what, patience)
		}
		time.Sleep(20 * time.Millisecond)
	}
	return time.Since(began)
}

func TestTheTunnelMovesAwayFromALANThatTookItsNetwork(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	lo, err := netlink.LinkByName("lo")
	if err == nil {
		err = netlink.LinkSetUp(lo)
	}
	if err != nil {
		t.Fatal(err)
	}
	lan(t, "lan0", netip.MustParsePrefix("192.168.50.2/24"))
	dir := newDir(t, "")
	stop, out := start(t, dir)
	do := func(wantCode int, says string, args ...string) string {
		t.Helper()
		code, out, errs := homeward(t.Context(), dir, args...)
		if code != wantCode || !strings.Contains(out+errs, says) {
			t.Fatalf("%q: exit code %d, want %d; said %q %q, want %q in it", args, code, wantCode, out, errs, says)
		}
		return out
	}
	client := api.NewClient(filepath.Join(dir, "state", socketFile))
	list := func() []api.Peer {
		list, err := client.Peers(t.Context())
		if err != nil {
			return nil // it is starting again
		}
		return list
	}
	network := func() (j api.Joint) {
		s, err := client.Status(t.Context())
		for _, one := range s.Joints {
			if err == nil && one.Key == "network" {
				j = one
			}
		}
		return j
	}
	do(exitOK, "may come in", "peers", "add", "anna")
	do(exitOK, "may come in", "peers", "add", "bert")
	config := do(exitOK, "[Interface]", "peers", "config", "anna")
	before := list()
	v4 := netip.MustParseAddr(before[0].Addresses[0])
	old := netip.PrefixFrom(v4, 24).Masked()
	do(exitOK, "", "peers", "access", "bert", v4.String()+" tcp/22; 192.168.50.9")
	if j := network(); j.Key != "" {
		t.Fatalf("there is a clash before there is one: %+v", j)
	}

	// The LAN takes the network. The kernel says so, so that nobody waits for the next look.
	lan(t, "lan0", netip.PrefixFrom(old.Addr().Next(), 24))
	took := eventually(t, "the clash is told", 10*time.Second, func() bool { return network().State == api.JointFailed })
	t.Logf("noticed after %v", took.Round(time.Millisecond))
	if took > 5*time.Second {
		t.Errorf("noticed after %v, want at most 5 s: it was looked for, not heard", took)
	}
	do(exitOK, "homeward peers renumber", "status")

	var plan api.Renumbered
	if err := json.Unmarshal([]byte(do(exitOK, "", "peers", "renumber", "--dry-run", "--json")), &plan); err != nil {
		t.Fatal(err)
	}
	if plan.Clash == nil || plan.Clash.Taken != old.String() || len(plan.Devices) != 2 || plan.Devices[1].Access == "" {
		t.Errorf("the plan is %+v", plan)
	}
	do(exitFailed, "is used by this machine", "peers", "renumber", "--yes", "--to", "192.168.50.0/24")
	do(exitFailed, "already", "peers", "renumber", "--yes", "--to", old.String())
	do(exitFailed, "does not fit", "peers", "renumber", "--yes", "--to", "10.99.0.0/16")
	do(exitFailed, "is not private", "peers", "renumber", "--yes", "--to", "81.2.69.0/24")
	do(exitUsage, "--yes", "peers", "renumber")
	if now := list(); len(now) != 2 || now[0].Addresses[0] != before[0].Addresses[0] || len(now[0].NeedsCode) != 0 {
		t.Fatalf("looking has changed %+v", now)
	}

	do(exitOK, plan.To[0], "peers", "renumber", "--yes") // what was proposed
	next := netip.MustParsePrefix(plan.To[0])
	eventually(t, "all have moved, and need new codes", 20*time.Second, func() bool {
		now := list()
		for _, p := range now {
			if len(p.NeedsCode) == 0 || !next.Contains(netip.MustParseAddr(p.Addresses[0])) {
				return false
			}
		}
		return len(now) == 2
	})
	if now := list(); now[1].Access != plan.Devices[1].Access || !strings.HasPrefix(now[1].Access, next.Addr().Next().Next().String()) || !strings.Contains(now[1].Access, "192.168.50.9") {
		t.Errorf("bert may reach %q, planned %q", now[1].Access, plan.Devices[1].Access)
	}
	eventually(t, "the clash is over", 20*time.Second, func() bool {
		s, err := client.Status(t.Context())
		return err == nil && len(s.Joints) > 0 && network().Key == ""
	})
	do(exitOK, "→ anna needs a new code, since the tunnel has other addresses", "peers", "list")
	do(exitOK, "may come in", "peers", "rotate", "anna")
	renewed := do(exitOK, "[Interface]", "peers", "config", "anna")
	if !strings.Contains(lineOf(renewed, "Address = "), plan.Devices[0].To[0]) || lineOf(renewed, "PublicKey = ") != lineOf(config, "PublicKey = ") || lineOf(renewed, "Endpoint = ") != lineOf(config, "Endpoint = ") {
		t.Errorf("the new code is\n%s\nthe old one was\n%s", renewed, config)
	}
	if code, errs := stop(); code != exitOK {
		t.Errorf("serve ended with %d: %s\n%s", code, errs, out)
	}
	st, err := state.Open(t.Context(), filepath.Join(dir, "state"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	good, err := st.LastGood()
	if err != nil || good.Identity.Plan.V4 != next {
		t.Fatalf("the last-good file has %v, %v", good.Identity.Plan, err)
	}
	records, _, err := peers.ParseRecords(good.Peers)
	if err != nil {
		t.Fatal(err)
	}
	devices, _ := records.Wanted(time.Now())
	for _, d := range devices {
		if len(d.Addresses) > 0 && !next.Contains(d.Addresses[0]) {
			t.Errorf("in the last-good file somebody has %v", d.Addresses)
		}
	}
}
