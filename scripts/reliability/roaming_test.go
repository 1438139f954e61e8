//go:build linux

package reliability

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"homeward/scripts/labnet"
)

// A connection inside the tunnel must not notice what becomes of the phone's address.
func TestAnOpenStreamLivesThroughRoaming(t *testing.T) {
	bin := buildHomeward(t)
	for plane, rootless := range map[string]bool{"tun": false, "netstack": true} {
		t.Run(plane, func(t *testing.T) {
			t.Parallel()
			h := newHome(t, bin, rootless, labnet.Options{})
			s := h.openStream()
			key := strings.Fields(h.Phone.Run("wg", "show", h.ID, "peers"))[0]
			set := func(args ...string) { h.Phone.Run("wg", append([]string{"set", h.ID}, args...)...) }
			call := func(host string) { set("peer", key, "endpoint", net.JoinHostPort(host, h.port)) }
			const other = "81.2.70.99"
			for _, step := range []struct {
				name  string
				do    func()
				bound time.Duration
				from  string // where the phone is then, as homeward says it
			}{
				{"at first", func() {}, time.Second, labnet.Phone4 + ":"},
				// What a NAT does that forgets, and gives the phone another port.
				{"by another port", func() { set("listen-port", "31001") }, 2 * time.Second, labnet.Phone4 + ":31001"},
				{"by another IPv4 address", func() {
					h.Phone.Run("ip", "addr", "del", labnet.Phone4+"/24", "dev", "eth0")
					h.Phone.Address("eth0", other+"/24")
					h.Phone.AddRoute("default", "81.2.70.1")
					set("listen-port", "31002") // the apps bind anew when the network is another one
				}, 5 * time.Second, other + ":31002"},
				{"from IPv4 to IPv6", func() { call(labnet.NASPublic6) }, 2 * time.Second, "[" + labnet.Phone6 + "]:31002"},
				{"and back to IPv4", func() { call(labnet.RouterWAN) }, 2 * time.Second, other + ":31002"},
				{"after the phone has slept", func() { h.phoneSleeps(lasting(200*time.Second, 5*time.Second)) }, 10 * time.Second, other + ":31002"},
			} {
				step.do()
				if took := s.echo(); took > step.bound {
					t.Errorf("%s: the answer came after %v, which may take %v", step.name, took, step.bound)
				} else {
					t.Logf("%s: the answer came after %v", step.name, took.Round(time.Millisecond))
				}
				// That the step did what it says, the server knows.
				if out, err := h.do("peers", "list", "--json"); err != nil || !strings.Contains(out, step.from) {
					t.Errorf("%s: the phone is not at %s: %v\n%s", step.name, step.from, err, out)
				}
			}
		})
	}
}

// stream is one TCP connection from the phone to the share's echo.
type stream struct {
	h    *home
	c    net.Conn
	r    *bufio.Reader
	next int
}

func (h *home) openStream() *stream {
	h.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := h.Phone.Dial(ctx, "tcp4", net.JoinHostPort(h.share, "7"))
	if err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() { c.Close() })
	return &stream{h: h, c: c, r: bufio.NewReader(c)}
}

// echo sends a line and says how long its echo took.
func (s *stream) echo() time.Duration {
	s.h.Helper()
	s.next++
	begun := time.Now()
	s.c.SetDeadline(begun.Add(30 * time.Second))
	want := fmt.Sprintf("line %d\n", s.next)
	if _, err := s.c.Write([]byte(want)); err != nil {
		s.h.Fatalf("the stream broke: %v", err)
	}
	if got, err := s.r.ReadString('\n'); err != nil || got != want {
		s.h.Fatalf("the stream broke: %q, %v, want %q", got, err, want)
	}
	return time.Since(begun)
}

// phoneSleeps stops the phone's WireGuard for a while.
func (h *home) phoneSleeps(d time.Duration) {
	pids := strings.Fields(h.Phone.Run("pgrep", "-f", "^wireguard-go "+h.ID+"$"))
	if len(pids) != 1 {
		h.Fatalf("the phone's program: %v", pids)
	}
	h.Phone.Run("kill", "-STOP", pids[0])
	time.Sleep(d)
	h.Phone.Run("kill", "-CONT", pids[0])
}
