package tunnel

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/dns/dnsmessage"
	"golang.zx2c4.com/wireguard/conn"
	wgdevice "golang.zx2c4.com/wireguard/device"
	wgnetstack "golang.zx2c4.com/wireguard/tun/netstack"

	"homeward/configs/secret"
)

var quiet = slog.New(slog.DiscardHandler)

func newKey(t *testing.T) secret.Key {
	t.Helper()
	k, err := secret.GeneratePrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func freePort(t *testing.T) uint16 {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).AddrPort().Port()
}

func testConfig(t *testing.T) Config {
	return Config{
		PrivateKey: newKey(t), ListenPort: freePort(t), Plane: PlaneNetstack, StateDir: t.TempDir(), Logger: quiet,
		Addresses: []netip.Prefix{netip.MustParsePrefix("10.66.7.1/24"), netip.MustParsePrefix("fd00:66:7::1/64")},
		Resolvers: func() []netip.AddrPort { return nil },
	}
}

// runTunnel runs a tunnel until the test ends and checks that it ends well.
func runTunnel(t *testing.T, cfg Config) *Tunnel {
	t.Helper()
	tun, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	run(t, tun)
	return tun
}

// run runs a tunnel as runTunnel does.
func run(t *testing.T, tun *Tunnel) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- tun.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(patience):
			t.Error("Run does not end")
		}
	})
	select {
	case <-tun.Ready():
	case err := <-done:
		done <- nil
		t.Fatalf("Run: %v", err)
	}
}

// phone is an independent WireGuard device on a stack of its own.
type phone struct {
	peer Peer
	net  *wgnetstack.Net
}

func newPhone(t *testing.T, cfg Config, addrs ...string) *phone {
	t.Helper()
	private, psk := newKey(t), newKey(t)
	p := &phone{peer: Peer{PublicKey: private.Public(), PresharedKey: psk}}
	for _, a := range addrs {
		p.peer.Addresses = append(p.peer.Addresses, netip.MustParseAddr(a))
	}
	dev, n, err := wgnetstack.CreateNetTUN(p.peer.Addresses, []netip.Addr{cfg.Addresses[0].Addr()}, 1400)
	if err != nil {
		t.Fatal(err)
	}
	d := wgdevice.NewDevice(dev, conn.NewDefaultBind(), wgdevice.NewLogger(wgdevice.LogLevelSilent, ""))
	t.Cleanup(d.Close)
	var c controlText
	c.key("private_key", private.Reveal())
	c.key("public_key", cfg.PrivateKey.Public())
	c.key("preshared_key", psk.Reveal())
	text := c.b.String() + fmt.Sprintf("endpoint=127.0.0.1:%d\nallowed_ip=0.0.0.0/0\nallowed_ip=::/0\n", cfg.ListenPort)
	if err := errors.Join(d.IpcSet(text), d.Up()); err != nil {
		t.Fatal(err)
	}
	p.net = n
	return p
}

// patience is how long is waited for what has to happen; a busy machine is slow.
const patience = time.Minute

// ask looks name up at our own address in the tunnel, by UDP.
func (p *phone) ask(t *testing.T, at netip.Addr, name string, wait time.Duration) (dnsmessage.Message, error) {
	t.Helper()
	c, err := p.net.DialUDPAddrPort(netip.AddrPort{}, netip.AddrPortFrom(at, 53))
	if err != nil {
		return dnsmessage.Message{}, err
	}
	defer c.Close()
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: 99, RecursionDesired: true}, Questions: []dnsmessage.Question{
		{Name: dnsmessage.MustNewName(name), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}}}
	q, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(wait))
	if _, err := c.Write(q); err != nil {
		return dnsmessage.Message{}, err
	}
	b := make([]byte, 2000)
	n, err := c.Read(b)
	if err != nil {
		return dnsmessage.Message{}, err
	}
	err = m.Unpack(b[:n])
	return m, err
}

// resolver answers every A query on loopback with 192.0.2.7.
func resolver(t *testing.T) netip.AddrPort {
	t.Helper()
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	go func() {
		b := make([]byte, 2000)
		for {
			n, from, err := c.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(b[:n]) != nil {
				continue
			}
			m.Response = true
			m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: m.Questions[0].Name, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}, Body: &dnsmessage.AResource{A: [4]byte{192, 0, 2, 7}}}}
			if out, err := m.Pack(); err == nil {
				c.WriteToUDPAddrPort(out, from)
			}
		}
	}()
	return c.LocalAddr().(*net.UDPAddr).AddrPort()
}

func TestAPeerComesInAndLooksUpANameByBothFamilies(t *testing.T) {
	cfg := testConfig(t)
	upstream := resolver(t)
	cfg.Resolvers = func() []netip.AddrPort { return []netip.AddrPort{upstream} }
	tun := runTunnel(t, cfg)
	anna := newPhone(t, cfg, "10.66.7.2", "fd00:66:7::2")
	if err := tun.SetPeers([]Peer{anna.peer}); err != nil {
		t.Fatal(err)
	}
	for _, own := range cfg.Addresses {
		m, err := anna.ask(t, own.Addr(), "nas.home.", patience)
		if err != nil || m.ID != 99 || len(m.Answers) != 1 {
			t.Errorf("asking %v: %v, %v", own.Addr(), m, err)
		}
	}
	seen := tun.Peers()
	if len(seen) != 1 || seen[0].LastHandshake.IsZero() || seen[0].ReceivedBytes == 0 || !seen[0].Endpoint.Addr().IsLoopback() {
		t.Errorf("observed = %+v", seen)
	}
}

func TestARemovedPeerIsOutAndAnUnchangedOneKeepsItsSession(t *testing.T) {
	cfg := testConfig(t)
	upstream := resolver(t)
	cfg.Resolvers = func() []netip.AddrPort { return []netip.AddrPort{upstream} }
	tun := runTunnel(t, cfg)
	anna, bert := newPhone(t, cfg, "10.66.7.2"), newPhone(t, cfg, "10.66.7.3")
	if err := tun.SetPeers([]Peer{anna.peer, bert.peer}); err != nil {
		t.Fatal(err)
	}
	home := cfg.Addresses[0].Addr()
	for _, p := range []*phone{anna, bert} {
		if _, err := p.ask(t, home, "nas.home.", patience); err != nil {
			t.Fatal(err)
		}
	}
	before := handshake(t, tun, anna.peer)
	for range 2 { // again with the same: idempotent
		if err := tun.SetPeers([]Peer{anna.peer}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := bert.ask(t, home, "nas.home.", 700*time.Millisecond); err == nil {
		t.Error("the removed peer still gets answers")
	}
	if _, err := anna.ask(t, home, "nas.home.", patience); err != nil {
		t.Errorf("the other peer: %v", err)
	}
	if after := handshake(t, tun, anna.peer); !after.Equal(before) {
		t.Errorf("the other peer had to shake hands again: %v, then %v", before, after)
	}
}

func handshake(t *testing.T, tun *Tunnel, p Peer) time.Time {
	t.Helper()
	for _, s := range tun.Peers() {
		if s.PublicKey == p.PublicKey {
			return s.LastHandshake
		}
	}
	t.Fatal("the peer is not there")
	return time.Time{}
}

func TestPeersSetBeforeRunAreRemembered(t *testing.T) {
	cfg := testConfig(t)
	tun, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := tun.SetPeers([]Peer{testPeer(9, "10.66.7.9")}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- tun.Run(ctx) }()
	<-tun.Ready()
	if got := tun.Peers(); len(got) != 1 {
		t.Errorf("peers = %v", got)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if s := tun.Status(); s.Up || len(tun.Peers()) != 0 {
		t.Errorf("after Run: %+v", s)
	}
}

func TestTheStatusSaysHowManyFlowsThereMayBe(t *testing.T) {
	cfg := testConfig(t)
	cfg.Memory = 64 << 20
	if got := runTunnel(t, cfg).Status().Limits; !strings.HasPrefix(got, "packet filter 32768 (8192 a device") || !strings.Contains(got, "TCP 1024 (256 a device)") {
		t.Errorf("limits %q", got)
	}
}

func TestAPortInUseIsNamed(t *testing.T) {
	cfg := testConfig(t)
	c, err := net.ListenPacket("udp4", fmt.Sprintf(":%d", cfg.ListenPort))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	tun, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	err = tun.Run(t.Context())
	if !errors.Is(err, ErrPortInUse) || !strings.Contains(err.Error(), fmt.Sprint(cfg.ListenPort)) || !strings.Contains(err.Error(), "--port") {
		t.Errorf("error = %v, want ErrPortInUse with the port and what to do", err)
	}
}

func TestAListOfPeersWithAMistakeChangesNothing(t *testing.T) {
	cfg := testConfig(t)
	good := testPeer(9, "10.66.7.9", "fd00:66:7::9")
	for name, list := range map[string][]Peer{
		"the same key twice":        {testPeer(1), testPeer(1)},
		"no key":                    {{}},
		"our own key":               {{PublicKey: cfg.PrivateKey.Public()}},
		"the same address twice":    {testPeer(1, "10.66.7.2"), testPeer(2, "10.66.7.2")},
		"twice in one peer":         {testPeer(1, "10.66.7.2", "10.66.7.2")},
		"our own address":           {testPeer(1, "10.66.7.1")},
		"an address from elsewhere": {testPeer(1, "192.168.1.5")},
		"a mapped address":          {testPeer(1, "::ffff:10.66.7.5")},
		"an address with a zone":    {testPeer(1, "fd00:66:7::5%eth0")},
		"no address at all":         {{PublicKey: testPeer(1).PublicKey, Addresses: make([]netip.Addr, 1)}},
		"a keepalive of a day":      {{PublicKey: testPeer(1).PublicKey, Keepalive: 24 * time.Hour}},
		"a negative keepalive":      {{PublicKey: testPeer(1).PublicKey, Keepalive: -time.Second}},
	} {
		t.Run(name, func(t *testing.T) {
			tun, err := New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			if err := tun.SetPeers([]Peer{good}); err != nil {
				t.Fatal(err)
			}
			if err := tun.SetPeers(append(list, good)); err == nil {
				t.Error("accepted")
			}
			if len(tun.wanted) != 1 || !samePeer(tun.wanted[good.PublicKey], good) {
				t.Errorf("wanted = %v", tun.wanted)
			}
		})
	}
}

func TestNothingRunsAfterTheEnd(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	cfg := testConfig(t)
	tun, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- tun.Run(ctx) }()
	<-tun.Ready()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestBadConfigsAreRefused(t *testing.T) {
	for name, spoil := range map[string]func(*Config){
		"no key":     func(c *Config) { c.PrivateKey = secret.Key{} },
		"no port":    func(c *Config) { c.ListenPort = 0 },
		"no address": func(c *Config) { c.Addresses = nil },
		"tiny MTU":   func(c *Config) { c.MTU = 500 },
		"no logger":  func(c *Config) { c.Logger = nil },
		"odd plane":  func(c *Config) { c.Plane = "kernel" },
	} {
		cfg := testConfig(t)
		spoil(&cfg)
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestMorePacketsAreUnderWayWithMoreCores(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	for cores, want := range map[int]int{1: 128, 2: 192, 4: 320, 64: 384} {
		runtime.GOMAXPROCS(cores)
		if got := underWay(); got != want {
			t.Errorf("%d cores: %d packets, want %d", cores, got, want)
		}
	}
}
