//go:build linux

package neighbours

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"

	"homeward/scripts/labnet"
)

// lookEnv makes the test binary look, inside a network namespace, instead of testing.
const lookEnv = "HOMEWARD_NEIGHBOURS_TEST"

var (
	lan     = []netip.Prefix{netip.MustParsePrefix("192.168.88.0/24")}
	router  = netip.MustParseAddr("192.168.88.1")
	there   = netip.MustParseAddr("192.168.88.23")
	gone    = netip.MustParseAddr("192.168.88.99")
	outside = netip.MustParseAddr("203.0.113.9")
)

func TestMain(m *testing.M) {
	machines := []netip.Addr{there, gone, outside, there}
	switch os.Getenv(lookEnv) {
	case "":
		os.Exit(m.Run())
	case "there":
		machines = machines[:1]
	}
	start := time.Now()
	found := Look(context.Background(), router, lan, machines)
	if took := time.Since(start); len(machines) == 1 && took > patience*2/3 {
		fmt.Fprintf(os.Stderr, "it took %v\n", took)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// A machine that answers is told from one that does not, the router's name for it
// is taken, and nobody outside the LAN is asked.
func TestWhoIsThereAndWhatTheyAreCalled(t *testing.T) {
	lab := labnet.Bare(t)
	box, home := lab.NewHost("box"), lab.NewHost("home")
	lab.Veth(box, "eth0", []string{"192.168.88.5/24"}, home, "eth0", []string{"192.168.88.1/24", "192.168.88.23/24"})
	box.AddRoute("default", "192.168.88.1")
	conn, err := home.ListenPacket("udp4", "192.168.88.1:53")
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan string, 16)
	server := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		asked <- q.Question[0].Name
		r := new(dns.Msg).SetReply(q)
		if q.Question[0].Name == "23.88.168.192.in-addr.arpa." {
			r.Answer = []dns.RR{&dns.PTR{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypePTR, Class: dns.ClassINET, Ttl: 1}, Ptr: "Gaming-PC.fritz.box."}}
		} else {
			r.Rcode = dns.RcodeNameError
		}
		w.WriteMsg(r)
	})}
	go server.ActivateAndServe()
	t.Cleanup(func() { server.Shutdown() })
	found := lookFrom(t, box, "all")
	if len(found) != 2 || found[there] != (Neighbour{Name: "Gaming-PC"}) || found[gone] != (Neighbour{Absent: true}) {
		t.Errorf("found %+v", found)
	}
	for len(asked) > 0 {
		if name := <-asked; name != "23.88.168.192.in-addr.arpa." && name != "99.88.168.192.in-addr.arpa." {
			t.Errorf("the router was asked for %s", name)
		}
	}
}

func TestNamesAreCleaned(t *testing.T) {
	for name, want := range map[string]string{
		"nas.lan.": "nas", "b\x1b[31mad.lan.": "b31mad", "Küche.fritz.box.": "Küche", ".": "", "x_1-2.": "x_1-2",
	} {
		if got := clean(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestOnlyTheLANIsLookedAt(t *testing.T) {
	if found := Look(t.Context(), router, nil, []netip.Addr{there, outside}); len(found) != 0 {
		t.Errorf("looked at %v", found)
	}
}

// A machine that was heard a while ago is not waited for: the kernel asks for it again
// only when nobody looks any more.
func TestAMachineOfAWhileAgoTakesNoTime(t *testing.T) {
	lab := labnet.Bare(t)
	box, home := lab.NewHost("box"), lab.NewHost("home")
	lab.Veth(box, "eth0", []string{"192.168.88.5/24"}, home, "eth0", []string{"192.168.88.1/24", "192.168.88.23/24"})
	mac := strings.TrimSpace(home.Run("cat", "/sys/class/net/eth0/address"))
	box.Run("ip", "neigh", "replace", there.String(), "lladdr", mac, "dev", "eth0", "nud", "stale")
	// It fails there when it takes long: a program's start is not counted.
	if found := lookFrom(t, box, "there"); len(found) != 1 || found[there].Absent {
		t.Errorf("found %+v", found)
	}
}

// lookFrom is what Look finds on a machine.
func lookFrom(t *testing.T, box *labnet.Host, what string) (found map[netip.Addr]Neighbour) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := box.Command(ctx, exe)
	cmd.Env = append(os.Environ(), lookEnv+"="+what)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &unix.SysProcAttr{Pdeathsig: unix.SIGKILL}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &found); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return found
}
