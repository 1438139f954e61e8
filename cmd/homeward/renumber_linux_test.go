package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"homeward/configs/state"
	"homeward/peers"
	"homeward/tunnel"
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
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=300s")
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

// home is a box in a namespace of its own, with a LAN, in which serve runs.
type home struct {
	t      *testing.T
	dir    string
	client *api.Client
	stop   func() (code int, errs string)
}

func newHome(t *testing.T, args ...string) *home {
	t.Helper()
	lo, err := netlink.LinkByName("lo")
	if err == nil {
		err = netlink.LinkSetUp(lo)
	}
	if err != nil {
		t.Fatal(err)
	}
	lan(t, "lan0", netip.MustParsePrefix("192.168.50.2/24"))
	h := &home{t: t, dir: newDir(t, "")}
	h.client = api.NewClient(filepath.Join(h.dir, "state", socketFile))
	h.stop, _ = start(t, h.dir, args...)
	return h
}

// do runs a command, and fails the test unless it ends and says so.
func (h *home) do(wantCode int, says string, args ...string) string {
	h.t.Helper()
	code, out, errs := homeward(h.t.Context(), h.dir, args...)
	if code != wantCode || !strings.Contains(out+errs, says) {
		h.t.Fatalf("%q: exit code %d, want %d; said %q %q, want %q in it", args, code, wantCode, out, errs, says)
	}
	return out
}

// state is what a test says that waited in vain.
func (h *home) state() any {
	s, err := h.client.Status(h.t.Context())
	return []any{s.Joints, s.Facts, err, h.list()}
}

// list is empty while it starts again.
func (h *home) list() []api.Peer {
	list, err := h.client.Peers(h.t.Context())
	if err != nil {
		return nil
	}
	return list
}

// joint is a joint of the way home; ok says that homeward answers.
func (h *home) joint(key string) (j api.Joint, ok bool) {
	s, err := h.client.Status(h.t.Context())
	return joint(s, key), err == nil && len(s.Joints) > 0
}

// networkOf is the tunnel's IPv4 network.
func networkOf(p api.Peer) netip.Prefix {
	return netip.PrefixFrom(netip.MustParseAddr(p.Addresses[0]), 24).Masked()
}

func TestTheTunnelMovesAwayFromALANThatTookItsNetwork(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	h := newHome(t)
	network := func() api.Joint {
		j, _ := h.joint("network")
		return j
	}
	h.do(exitOK, "may come in", "peers", "add", "anna")
	h.do(exitOK, "may come in", "peers", "add", "bert")
	config := h.do(exitOK, "[Interface]", "peers", "config", "anna")
	before := h.list()
	v4, old := netip.MustParseAddr(before[0].Addresses[0]), networkOf(before[0])
	h.do(exitOK, "", "peers", "access", "bert", v4.String()+" tcp/22; 192.168.50.9")
	if j := network(); j.Key != "" {
		t.Fatalf("there is a clash before there is one: %+v", j)
	}

	// The LAN takes the network. The kernel says so, so that nobody waits for the next look.
	lan(t, "lan0", netip.PrefixFrom(old.Addr().Next(), 24))
	took := eventually(t, "the clash is told", func() bool { return network().State == api.JointFailed }, h.state)
	t.Logf("noticed after %v", took.Round(time.Millisecond))
	if took > networksEvery/2 {
		t.Errorf("noticed after %v, want at most %v: it was looked for, not heard", took, networksEvery/2)
	}
	h.do(exitOK, "homeward peers renumber", "status")
	// What is at home may have such an address by now: rules for ports lead there.
	nas := old.Addr().Next().Next().Next().String()
	h.do(exitOK, "", "ports", "open", "--yes", "--off", "NAS", "tcp", "8443", nas)

	var plan api.Renumbered
	if err := json.Unmarshal([]byte(h.do(exitOK, "", "peers", "renumber", "--dry-run", "--json")), &plan); err != nil {
		t.Fatal(err)
	}
	if plan.Clash == nil || plan.Clash.Taken != old.String() || len(plan.Devices) != 2 || plan.Devices[1].Access == "" {
		t.Errorf("the plan is %+v", plan)
	}
	h.do(exitFailed, "is used by this machine", "peers", "renumber", "--yes", "--to", "192.168.50.0/24")
	h.do(exitFailed, "already", "peers", "renumber", "--yes", "--to", old.String())
	h.do(exitFailed, "does not fit", "peers", "renumber", "--yes", "--to", "10.99.0.0/28")
	h.do(exitFailed, "is not private", "peers", "renumber", "--yes", "--to", "81.2.69.0/24")
	h.do(exitUsage, "--yes", "peers", "renumber")
	if now := h.list(); len(now) != 2 || now[0].Addresses[0] != before[0].Addresses[0] || len(now[0].NeedsCode) != 0 {
		t.Fatalf("looking has changed %+v", now)
	}

	h.do(exitOK, plan.To[0], "peers", "renumber", "--yes") // what was proposed
	next := netip.MustParsePrefix(plan.To[0])
	eventually(t, "all have moved, and need new codes", func() bool {
		now := h.list()
		for _, p := range now {
			if len(p.NeedsCode) == 0 || !next.Contains(netip.MustParseAddr(p.Addresses[0])) {
				return false
			}
		}
		return len(now) == 2
	}, h.state)
	if now := h.list(); now[1].Access != plan.Devices[1].Access || !strings.HasPrefix(now[1].Access, next.Addr().Next().Next().String()) || !strings.Contains(now[1].Access, "192.168.50.9") {
		t.Errorf("bert may reach %q, planned %q", now[1].Access, plan.Devices[1].Access)
	}
	eventually(t, "the clash is over", func() bool {
		j, ok := h.joint("network")
		return ok && j.Key == ""
	}, h.state)
	h.do(exitOK, nas, "ports", "rules")
	h.do(exitOK, "→ anna needs a new code, since the tunnel has other addresses", "peers", "list")
	h.do(exitOK, "may come in", "peers", "rotate", "anna")
	renewed := h.do(exitOK, "[Interface]", "peers", "config", "anna")
	if !strings.Contains(lineOf(renewed, "Address = "), plan.Devices[0].To[0]) || lineOf(renewed, "PublicKey = ") != lineOf(config, "PublicKey = ") || lineOf(renewed, "Endpoint = ") != lineOf(config, "Endpoint = ") {
		t.Errorf("the new code is\n%s\nthe old one was\n%s", renewed, config)
	}
	if code, errs := h.stop(); code != exitOK {
		t.Errorf("serve ended with %d: %s", code, errs)
	}
	st, err := state.Open(t.Context(), filepath.Join(h.dir, "state"), slog.New(slog.DiscardHandler))
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

// A network interface with the LAN's addresses would take the LAN away from the box, and
// with it the page on which something can be done about it.
func TestTheTunnelStandsAsideForTheLANUntilItHasMoved(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	if err := tunnel.Usable(); err != nil {
		t.Skipf("needs a TUN device: %v", err)
	}
	h := newHome(t, "--plane", "auto")
	there := func() bool {
		_, err := netlink.LinkByName(tunnel.DefaultInterface)
		return err == nil
	}
	says := func(part string) func() bool {
		return func() bool {
			j, _ := h.joint("device")
			return strings.Contains(j.Summary, part)
		}
	}
	eventually(t, "a network interface", says("a network interface of its own"), h.state)
	h.do(exitOK, "may come in", "peers", "add", "anna")
	old := networkOf(h.list()[0])
	router := old.Addr().Next() // whose address the tunnel's interface has, too
	box := netip.PrefixFrom(router.Next().Next(), 24)
	lan(t, "lan0", box)
	took := eventually(t, "the interface makes way", func() bool { return !there() && says("WireGuard listens")() }, h.state)
	t.Logf("made way after %v", took.Round(time.Millisecond))
	routes, err := netlink.RouteGet(router.AsSlice())
	if err != nil || len(routes) != 1 || routes[0].Type != unix.RTN_UNICAST {
		t.Errorf("the way to the router is %v, %v", routes, err)
	}
	h.do(exitOK, "would cut it off", "doctor", "--full")

	// The LAN changes back by itself: so does the tunnel, and nobody needs a code.
	link, err := netlink.LinkByName("lan0")
	if err == nil {
		err = netlink.AddrDel(link, &netlink.Addr{IPNet: &net.IPNet{IP: box.Addr().AsSlice(), Mask: net.CIDRMask(24, 32)}})
	}
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the interface comes back", func() bool { return there() && says("a network interface of its own")() }, h.state)
	if p := h.list(); len(p) != 1 || networkOf(p[0]) != old || len(p[0].NeedsCode) != 0 {
		t.Errorf("the device is %+v", p)
	}

	lan(t, "lan0", box)
	eventually(t, "the interface makes way again", func() bool { return !there() && says("WireGuard listens")() }, h.state)
	h.do(exitOK, "", "peers", "renumber", "--yes")
	eventually(t, "the interface comes back elsewhere", func() bool {
		p := h.list()
		return there() && says("a network interface of its own")() && len(p) == 1 && networkOf(p[0]) != old
	}, h.state)
}

// Whenever it is killed, a renumbering was done or was not.
func TestARenumberingThatIsKilledIsDoneOrNot(t *testing.T) {
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	dir, quiet := withAnna(t), slog.New(slog.DiscardHandler)
	must := func(ok bool, what string, args ...any) {
		t.Helper()
		if !ok {
			t.Fatalf(what, args...)
		}
	}
	networks := []string{"10.77.3.0/24", "10.77.4.0/24"}
	seen := map[bool]int{}
	for i := range rounds {
		p := spawn(t, dir, nil, loopback(t, dir)...)
		p.answers(t, dir)
		client := api.NewClient(filepath.Join(dir, "state", socketFile))
		wanted := networks[i%2]
		asked := make(chan struct{})
		var answered atomic.Bool
		go func() {
			defer close(asked)
			_, err := client.Renumber(context.WithoutCancel(t.Context()), api.RenumberWanted{Network: wanted})
			answered.Store(err == nil)
		}()
		time.Sleep(time.Duration(rand.IntN(25)) * time.Millisecond)
		p.kill()
		<-asked
		st, err := state.Open(t.Context(), filepath.Join(dir, "state"), quiet)
		must(err == nil && st.Repaired() == nil, "the database: %v", err)
		id, err := st.EnsureIdentity(t.Context(), func() (state.Plan, error) { return state.Plan{}, errors.New("it is gone") })
		must(err == nil, "the identity: %v", err)
		m, err := peers.New(t.Context(), peers.Config{DB: st.DB(), Device: noDevice{}, Facts: func() peers.Facts { return peers.Facts{} }, Logger: quiet})
		must(err == nil && len(m.List()) == 1, "the devices: %v", err)
		at := m.List()[0].Addresses[0]
		moved := id.Plan.V4.String() == wanted
		seen[moved]++
		must(id.Plan.V4.Contains(at), "the tunnel has %v and the device %v", id.Plan.V4, at)
		must(moved || !answered.Load(), "it was said to be done, and the tunnel has %v", id.Plan.V4)
		good, err := st.LastGood()
		must(err == nil, "the last-good file: %v", err)
		records, _, err := peers.ParseRecords(good.Peers)
		must(err == nil, "the last-good file: %v", err)
		for _, d := range first(records.Wanted(time.Now())) {
			must(good.Identity.Plan.V4.Contains(d.Addresses[0]), "the last-good file has the network %v and the device %v", good.Identity.Plan.V4, d.Addresses)
		}
		must(st.SetStarts(state.Starts{}) == nil, "whether it started well cannot be stored") // else the fourth one would be in safe mode
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("done %d times, not done %d times", seen[true], seen[false])
}

func first[T, U any](t T, _ U) T { return t }
