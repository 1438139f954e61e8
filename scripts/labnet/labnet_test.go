//go:build linux

package labnet

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// listener is a UDP port on a host that says what arrives.
func listener(t *testing.T, h *Host, port string) net.PacketConn {
	t.Helper()
	p, err := h.ListenPacket("udp", ":"+port)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// arrives sends one datagram from a host to addr and reports whether p gets it.
func arrives(t *testing.T, from *Host, addr string, p net.PacketConn) bool {
	t.Helper()
	c, err := from.Dial(t.Context(), "udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, addr)
	got := make([]byte, 100)
	p.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
	n, _, err := p.ReadFrom(got)
	return err == nil && string(got[:n]) == addr
}

// ask maps UDP port 40000 from the NAS by an independent client.
func ask(l *Lab) (string, error) {
	return l.NAS.Try("upnpc", "-m", "eth0", "-e", "lab", "-a", NAS4, "40000", "40000", "UDP", "3600")
}

func TestHome(t *testing.T) {
	l := New(t)
	p := listener(t, l.NAS, "40000")
	through := RouterWAN + ":40000"

	t.Run("the phone reaches nothing at home", func(t *testing.T) {
		if arrives(t, l.Phone, through, p) {
			t.Error("through the router's address")
		}
		for _, addr := range []string{Share4, NAS6, NASPublic6} {
			if out, err := l.Phone.Try("ping", "-c1", "-W1", addr); err == nil {
				t.Errorf("by a ping to %s:\n%s", addr, out)
			}
		}
		if arrives(t, l.Phone, "["+NASPublic6+"]:40000", p) {
			t.Error("through the IPv6 firewall")
		}
		if !arrives(t, l.Laptop, "["+NASPublic6+"]:40000", p) || !arrives(t, l.Laptop, NAS4+":40000", p) {
			t.Error("nor does the laptop: the test would prove nothing")
		}
	})
	t.Run("a mapping lets the phone in", func(t *testing.T) {
		if out, err := ask(l); err != nil {
			t.Fatal(out)
		}
		if !arrives(t, l.Phone, through, p) {
			t.Errorf("no datagram arrives\n%s", l.RouterRuleset())
		}
		if list := l.Mappings(); len(list) != 1 || !strings.Contains(list[0], "40000->"+NAS4+":40000") {
			t.Errorf("the router has %q", list)
		}
	})
	t.Run("a pinhole lets the phone in by IPv6", func(t *testing.T) {
		out, err := l.NAS.Try("upnpc", "-6", "-u", "http://["+RouterLAN6+"]:5555/rootDesc.xml", "-A", "", "0", NASPublic6, "40000", "UDP", "3600")
		if err != nil {
			t.Fatal(out)
		}
		if !arrives(t, l.Phone, "["+NASPublic6+"]:40000", p) {
			t.Errorf("no datagram arrives\n%s\n%s", out, l.RouterRuleset())
		}
	})
	t.Run("forgotten rules keep the phone out", func(t *testing.T) {
		l.FlushMappings()
		if arrives(t, l.Phone, through, p) {
			t.Error("a datagram arrives")
		}
	})
	t.Run("from home one reaches the internet", func(t *testing.T) {
		for _, addr := range []string{Internet4, Internet6, Phone4, Phone6} {
			l.Laptop.Run("ping", "-c1", "-W3", addr)
		}
		l.Internet.ServeHTTP(":80", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.RemoteAddr) }))
		for addr, want := range map[string]netip.Addr{Internet4: l.PublicAddr4(), "[" + Internet6 + "]": netip.MustParseAddr("2a01:5ead:77::30")} {
			if got := body(t, l.Laptop, addr); got.Addr() != want {
				t.Errorf("seen there as %v, want %v", got, want)
			}
		}
	})
	t.Run("the router knows the share's name", func(t *testing.T) {
		for kind, want := range map[string]string{"A": Share4, "AAAA": Share6} {
			if out := l.Laptop.Run("dig", "+short", ShareName, kind); strings.TrimSpace(out) != want {
				t.Errorf("%s: %q, want %q", kind, out, want)
			}
		}
		if out := l.Laptop.Run("getent", "hosts", ShareName); !strings.Contains(out, Share6) {
			t.Errorf("programs look up %q", out)
		}
	})
}

// body is what the server at addr says of who asked.
func body(t *testing.T, h *Host, addr string) netip.AddrPort {
	t.Helper()
	resp, err := h.HTTPClient().Get("http://" + addr)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	a, err := netip.ParseAddrPort(string(text))
	if err != nil {
		t.Fatalf("got %q", text)
	}
	return a
}

func TestTheRouterCanBeRestarted(t *testing.T) {
	l := New(t)
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		l.StopIGD(s)
		if out, err := ask(l); err == nil {
			t.Errorf("after %v it still answers:\n%s", s, out)
		}
		l.StartIGD()
		if out, err := ask(l); err != nil {
			t.Errorf("started after %v, it does not answer:\n%s", s, out)
		}
	}
}

func TestOptions(t *testing.T) {
	upnp := func(l *Lab) bool { _, err := ask(l); return err == nil }
	pmp := func(l *Lab) bool {
		out, err := l.NAS.Try("timeout", "5", "natpmpc", "-g", RouterLAN, "-a", "41000", "41000", "udp", "600")
		return err == nil && strings.Contains(out, "Mapped public port 41000")
	}
	for name, tt := range map[string]struct {
		opts       Options
		upnp, pmp  bool
		descriptor string
	}{
		"usual":      {Options{}, true, true, "InternetGatewayDevice:2"},
		"IGD 1":      {Options{IGDv1: true}, true, true, "InternetGatewayDevice:1"},
		"no UPnP":    {Options{NoUPnP: true}, false, true, ""},
		"no NAT-PMP": {Options{NoNATPMP: true}, true, false, ""},
		"nothing":    {Options{NoUPnP: true, NoNATPMP: true}, false, false, ""},
		// Asked by NAT-PMP, this router tries every port there is before it refuses.
		"all refused": {Options{PortsDeny: true, NoNATPMP: true}, false, false, "InternetGatewayDevice:2"},
		"own lines":   {Options{IGD: []string{"http_port=5678", "deny 40000 0.0.0.0/0 40000"}}, false, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := New(t, tt.opts)
			if got := upnp(l); got != tt.upnp {
				t.Errorf("UPnP maps: %v", got)
			}
			if got := pmp(l); got != tt.pmp {
				t.Errorf("NAT-PMP maps: %v", got)
			}
			want := 0
			for _, worked := range []bool{tt.upnp, tt.pmp} {
				if worked {
					want++
				}
			}
			if list := l.Mappings(); len(list) != want {
				t.Errorf("the router has %q, want %d", list, want)
			}
			if tt.descriptor != "" {
				if out := l.NAS.Run("curl", "-s", descriptionURL); !strings.Contains(out, tt.descriptor) {
					t.Errorf("the router describes itself as\n%s", out)
				}
			}
		})
	}
}

func TestBehindACarriersNAT(t *testing.T) {
	l := New(t, Options{WAN: netip.MustParseAddr("100.64.5.2")})
	l.Internet.ServeHTTP(":80", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.RemoteAddr) }))
	if got := body(t, l.Laptop, Internet4); got.Addr() != l.PublicAddr4() || l.PublicAddr4().String() == RouterWAN {
		t.Errorf("seen from the internet as %v, said to be %v", got, l.PublicAddr4())
	}
	if out := l.Router.Run("ip", "-br", "addr", "show", "wan0"); !strings.Contains(out, "100.64.5.2/24") {
		t.Errorf("the router has %s", out)
	}
	if out, err := l.NAS.Try("upnpc", "-u", descriptionURL, "-s"); strings.Contains(out, "ExternalIPAddress = 8") {
		t.Errorf("the router claims to have a public address: %v\n%s", err, out)
	}
}

func TestThePhoneUsesAWireGuardServerAtHome(t *testing.T) {
	l := New(t)
	NeedPrograms(t, "wg-quick:wireguard-tools", "wireguard-go:wireguard-go", "dig:bind9-dnsutils")
	serverKey, serverPub := keyPair(t)
	phoneKey, phonePub := keyPair(t)
	l.NAS.Sysctl("net.ipv4.ip_forward", "1")
	l.Router.AddRoute("10.66.0.0/24", NAS4)
	server := l.write(l.ID+"-nas.conf", fmt.Sprintf("[Interface]\nPrivateKey = %s\nListenPort = 40000\nAddress = 10.66.0.1/24\n[Peer]\nPublicKey = %s\nAllowedIPs = 10.66.0.2/32\n", serverKey, phonePub))
	if err := wgQuick(t.Context(), l.NAS, "up", server, l.Dir); err != nil {
		t.Fatal(err)
	}
	if out, err := ask(l); err != nil {
		t.Fatal(out)
	}
	lookUp := func() string {
		out, _ := l.Phone.Try("dig", "+short", "+time=1", "+tries=1", ShareName, "A")
		return strings.TrimSpace(out)
	}
	if got := lookUp(); got == Share4 {
		t.Fatal("the phone knows the share without a tunnel: the test would prove nothing")
	}
	resolver := l.Phone.Run("cat", "/etc/resolv.conf")
	down := l.PhoneUp([]byte(fmt.Sprintf("[Interface]\nPrivateKey = %s\nAddress = 10.66.0.2/32\nDNS = %s\n[Peer]\nPublicKey = %s\nEndpoint = %s:40000\nAllowedIPs = 10.66.0.0/24, %s\n",
		phoneKey, RouterLAN, serverPub, RouterWAN, LANPrefix4)))
	Eventually(t, 15*time.Second, "names are looked up through the tunnel", func() bool { return lookUp() == Share4 })
	l.Phone.Run("ping", "-c1", "-W3", Share4)
	down()
	if after := l.Phone.Run("cat", "/etc/resolv.conf"); after != resolver {
		t.Errorf("the phone asks %q, before %q", after, resolver)
	}
	if out, err := l.Phone.Try("ping", "-c1", "-W1", Share4); err == nil {
		t.Errorf("the share is still reached:\n%s", out)
	}
	if _, err := l.TryPhoneUp(t.Context(), []byte("[Interface]\nPrivateKey = nonsense\n")); err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("a bad config: %v", err)
	}
}

// keyPair makes WireGuard keys by an independent program.
func keyPair(t *testing.T) (private, public string) {
	t.Helper()
	out, err := exec.Command("sh", "-c", "k=$(wg genkey); echo $k; echo $k | wg pubkey").Output()
	f := strings.Fields(string(out))
	if err != nil || len(f) != 2 {
		t.Fatalf("making keys: %v: %q", err, out)
	}
	return f[0], f[1]
}

func TestTwoHomesStandSideBySide(t *testing.T) {
	a, b := New(t), New(t)
	if out, err := ask(a); err != nil {
		t.Fatal(out)
	}
	if list := a.Mappings(); len(list) != 1 {
		t.Errorf("the one router has %q", list)
	}
	if list := b.Mappings(); len(list) != 0 {
		t.Errorf("the other router has %q", list)
	}
	if a.ID == b.ID || a.Dir == b.Dir {
		t.Errorf("the same lab twice: %s %s", a.ID, b.ID)
	}
}
