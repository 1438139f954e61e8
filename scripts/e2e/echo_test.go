//go:build linux

package e2e

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/stun/v3"

	"homeward/scripts/labnet"
)

// T66: a server on the internet that the owner names sees the house where the router
// says it is; and where the router tells a wrong address, that is said.
func TestWhereHomeIsSeenIsHeldAgainstTheRoutersWord(t *testing.T) {
	bin := build(t, t.TempDir())
	for name, tt := range map[string]struct {
		igd  []string
		says string
	}{
		"it is true":  {nil, "sees home there, too"},
		"it is wrong": {[]string{"ext_ip=81.2.69.99"}, "sees home at " + labnet.RouterWAN + ", and the router says 81.2.69.99"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lab := labnet.New(t, labnet.Options{IGD: tt.igd})
			asked := stunServer(t, lab)
			h := startHomeward(t, lab, bin, true)
			openPort(t, h)
			if out, err := h.do("status"); err != nil || strings.Contains(out, "sees home") || len(asked) > 0 {
				t.Errorf("somebody is asked though nobody was named: %v\n%s", err, out)
			}
			if out, err := h.do("settings", "set", "--echo", labnet.Internet4); err != nil {
				t.Fatal(out)
			}
			labnet.Eventually(t, 20*time.Second, "it is told where home is seen", func() bool {
				out, err := h.do("status")
				return err == nil && strings.Contains(strings.Join(strings.Fields(out), " "), tt.says)
			})
			if len(asked) != 1 {
				t.Errorf("asked %d times", len(asked))
			}
			if out, err := h.do("peers", "add", "phone"); err != nil {
				t.Fatal(out)
			}
			want := labnet.RouterWAN
			if tt.igd != nil {
				want = "81.2.69.99" // it only warns
			}
			if out, err := h.do("peers", "config", "phone"); err != nil || !strings.Contains(out, "Endpoint = "+want+":") {
				t.Errorf("the code: %v\n%s", err, out)
			}
			h.stop()
		})
	}
}

// stunServer answers STUN questions on the internet, and tells of each one.
func stunServer(t *testing.T, lab *labnet.Lab) <-chan netip.AddrPort {
	t.Helper()
	c, err := lab.Internet.ListenPacket("udp4", labnet.Internet4+":3478")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	asked := make(chan netip.AddrPort, 100)
	go func() { // ends with the socket
		for buf := make([]byte, 1500); ; {
			n, from, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			at := from.(*net.UDPAddr).AddrPort()
			m := stun.New()
			if stun.Decode(buf[:n], m) != nil {
				continue
			}
			asked <- at
			reply, err := stun.Build(m, stun.BindingSuccess, &stun.XORMappedAddress{IP: net.IP(at.Addr().AsSlice()), Port: int(at.Port())})
			if err == nil {
				c.WriteTo(reply.Raw, from)
			}
		}
	}()
	return asked
}
