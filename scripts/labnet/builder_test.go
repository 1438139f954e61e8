//go:build linux

package labnet

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestSocketsAreMadeOnTheHost(t *testing.T) {
	b := Bare(t)
	one, two := b.NewHost("one"), b.NewHost("two")
	outsider := b.NewHost("outsider") // the namespace of the test itself may have a gateway: nothing may be sent there
	b.Veth(one, "eth0", []string{"10.9.0.1/24", "fd09::1/64"}, two, "eth0", []string{"10.9.0.2/24", "fd09::2/64"})
	for name, at := range map[string]string{"IPv4": "10.9.0.2:80", "IPv6": "[fd09::2]:80"} {
		t.Run("TCP and HTTP by "+name, func(t *testing.T) {
			l, err := two.Listen("tcp", at)
			if err != nil {
				t.Fatal(err)
			}
			s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.RemoteAddr) })}
			go s.Serve(l)
			t.Cleanup(func() { s.Close() })
			resp, err := one.HTTPClient().Get("http://" + at)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			seen, _ := io.ReadAll(resp.Body)
			if host, _, _ := net.SplitHostPort(string(seen)); host != strings.NewReplacer(".2", ".1", "::2", "::1").Replace(hostOf(at)) {
				t.Errorf("the server sees %q", seen)
			}
			if c, err := outsider.Dial(t.Context(), "tcp", at); err == nil {
				c.Close()
				t.Error("reached without a cable")
			}
		})
		t.Run("UDP by "+name, func(t *testing.T) {
			p, err := two.ListenPacket("udp", at)
			if err != nil {
				t.Fatal(err)
			}
			c, err := one.Dial(t.Context(), "udp", at)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			io.WriteString(c, "hello")
			got := make([]byte, 10)
			p.SetReadDeadline(time.Now().Add(time.Minute))
			if n, _, err := p.ReadFrom(got); err != nil || string(got[:n]) != "hello" {
				t.Errorf("got %q, %v", got[:n], err)
			}
		})
	}
	t.Run("names are refused", func(t *testing.T) {
		if _, err := one.Dial(t.Context(), "tcp", "example.org:80"); err == nil || !strings.Contains(err.Error(), "example.org") {
			t.Errorf("error %v", err)
		}
	})
}

func hostOf(addr string) string {
	host, _, _ := net.SplitHostPort(addr)
	return host
}

func TestTheTestItselfStaysWhereItIs(t *testing.T) {
	b := Bare(t)
	one := b.NewHost("one")
	before := devices(t)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if l, err := one.Listen("tcp", "127.0.0.1:0"); err == nil {
				l.Close()
			}
		})
	}
	all.Wait()
	for range 50 { // on whatever threads there are now
		all.Go(func() {
			if after := devices(t); after != before {
				t.Errorf("devices before: %s, after: %s", before, after)
			}
		})
	}
	all.Wait()
}

func TestABridgeJoinsHosts(t *testing.T) {
	b := Bare(t)
	box, one, two := b.NewHost("switch"), b.NewHost("one"), b.NewHost("two")
	b.Veth(box, "p1", nil, one, "eth0", []string{"10.9.0.1/24"})
	b.Veth(box, "p2", nil, two, "eth0", []string{"10.9.0.2/24"})
	if _, err := one.Try("ping", "-c1", "-W1", "10.9.0.2"); err == nil {
		t.Fatal("reached without a bridge")
	}
	b.Bridge(box, "br0", []string{"10.9.0.3/24"}, "p1", "p2")
	one.Run("ping", "-c1", "-W3", "10.9.0.2")
	one.Run("ping", "-c1", "-W3", "10.9.0.3")
}

func TestSysctlsAndFilesAreTheHostsOwn(t *testing.T) {
	b := Bare(t)
	one, two := b.NewHost("one"), b.NewHost("two")
	one.Sysctl("net.ipv4.ip_forward", "1")
	one.SetResolver("10.9.0.53")
	one.SetHosts("10.9.0.1 one.test")
	for h, want := range map[*Host]string{one: "1 1 nameserver 10.9.0.53", two: "0 0 "} {
		got := h.Run("sh", "-c", "echo $(sysctl -n net.ipv4.ip_forward) $(grep -c one.test /etc/hosts) $(cat /etc/resolv.conf)")
		if strings.TrimSpace(got) != strings.TrimSpace(want) {
			t.Errorf("%s has %q, want %q", h.Name, got, want)
		}
	}
}

func TestUnprivilegedHasNothing(t *testing.T) {
	b := Bare(t)
	one := b.NewHost("one")
	const look = `id -u; grep -E '^(Cap|NoNewPrivs)' /proc/self/status | tr -d '\t'; ls /dev/net | wc -l; touch "$HOME/mine" && echo writes at home; touch /etc/netns/not-mine 2>/dev/null || echo not elsewhere; ip link add d0 type bridge 2>/dev/null || echo no network admin`
	run := func(rootless bool, dir string) string {
		out, err := one.CommandAs(t.Context(), rootless, filepath.Join(b.Dir, dir), "sh", "-c", look).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	const none = ":0000000000000000\n"
	want := "65534\nCapInh" + none + "CapPrm" + none + "CapEff" + none + "CapBnd" + none + "CapAmb" + none +
		"NoNewPrivs:1\n0\nwrites at home\nnot elsewhere\nno network admin\n"
	if got := run(true, "nobody"); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	got := run(false, "root") // the control
	os.Remove("/etc/netns/not-mine")
	if strings.Contains(got, "not elsewhere") || strings.Contains(got, "no network admin") || strings.Contains(got, "CapEff"+none) {
		t.Errorf("as root:\n%s", got)
	}
}

func TestAProcessIsAskedThenKilled(t *testing.T) {
	b := Bare(t)
	one := b.NewHost("one")
	p := one.Start(one.Command(t.Context(), "sh", "-c", "trap 'echo asked; exit 7' TERM; echo ready; while :; do sleep 0.05; done"))
	Eventually(t, 5*time.Second, "it runs", func() bool { return p.Output() == "ready\n" })
	if err := p.Stop(); err == nil || err.Error() != "exit status 7" || p.Output() != "ready\nasked\n" {
		t.Errorf("ended with %v after %q", err, p.Output())
	}
}
