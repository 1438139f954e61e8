package peers_test

import (
	"bytes"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/configs/secret"
	"homeward/peers"
)

var update = flag.Bool("update", false, "write the golden files anew")

// sampleKey is a key that a person can tell apart in a golden file.
func sampleKey(b byte) secret.Key {
	return secret.NewKey(wgtypes.Key(bytes.Repeat([]byte{b}, wgtypes.KeyLen)))
}

func sampleClient() peers.ClientConfig {
	return peers.ClientConfig{
		ID: 3, Name: "Anna's phone", PrivateKey: sampleKey(0x50), PresharedKey: sampleKey(0x51), ServerKey: serverKey,
		Addresses:  []netip.Prefix{netip.MustParsePrefix("10.6.0.2/32"), netip.MustParsePrefix("fd00:6::2/128")},
		DNS:        []netip.Addr{netip.MustParseAddr("10.6.0.1"), netip.MustParseAddr("fd00:6::1")},
		MTU:        1412,
		AllowedIPs: []netip.Prefix{netip.MustParsePrefix("10.6.0.0/24"), netip.MustParsePrefix("192.168.1.0/24"), netip.MustParsePrefix("fd00:6::/64")},
		Endpoint:   peers.Endpoint{Host: "2001:db8::1", Port: 51820},
		Keepalive:  25 * time.Second,
	}
}

func mustText(t testing.TB, c peers.ClientConfig) []byte {
	t.Helper()
	text, err := c.Text()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestTextMatchesTheGoldenFiles(t *testing.T) {
	bare := sampleClient()
	bare.PrivateKey, bare.DNS, bare.MTU, bare.Keepalive = secret.Key{}, nil, 0, 0
	bare.Endpoint = peers.Endpoint{Host: "home.example.org", Port: 4500}
	for file, client := range map[string]peers.ClientConfig{"home.conf": sampleClient(), "own-key.conf": bare} {
		file = filepath.Join("testdata", file)
		got := mustText(t, client)
		if *update {
			if err := os.WriteFile(file, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs (-update writes it anew):\n%s", file, got)
		}
	}
}

// parsed is what a strict reader finds in a config: section.key → value.
type parsed map[string]string

// parseStrictly reads a config with nothing but the nine keys, each at most once.
func parseStrictly(text []byte) (parsed, error) {
	known := []string{
		"Interface.PrivateKey", "Interface.Address", "Interface.DNS", "Interface.MTU",
		"Peer.PublicKey", "Peer.PresharedKey", "Peer.AllowedIPs", "Peer.Endpoint", "Peer.PersistentKeepalive",
	}
	found, section := make(parsed), ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case line == "":
			continue
		case line == "[Interface]" && section == "", line == "[Peer]" && section == "Interface":
			section = strings.Trim(line, "[]")
			continue
		}
		key, value, ok := strings.Cut(line, " = ")
		key = section + "." + key
		if _, twice := found[key]; !ok || twice || value == "" || !slices.Contains(known, key) {
			return nil, fmt.Errorf("line %q in section %q", line, section)
		}
		found[key] = value
	}
	return found, nil
}

// client turns what was read back into the typed config.
func (f parsed) client() (c peers.ClientConfig, err error) {
	fail := func(e error) {
		if err == nil {
			err = e
		}
	}
	key := func(name string) wgtypes.Key {
		if f[name] == "" {
			return wgtypes.Key{}
		}
		k, e := wgtypes.ParseKey(f[name])
		fail(e)
		return k
	}
	number := func(name string) int {
		if f[name] == "" {
			return 0
		}
		n, e := strconv.Atoi(f[name])
		fail(e)
		return n
	}
	c.PrivateKey, c.PresharedKey = secret.NewKey(key("Interface.PrivateKey")), secret.NewKey(key("Peer.PresharedKey"))
	c.ServerKey, c.MTU = key("Peer.PublicKey"), number("Interface.MTU")
	c.Keepalive = time.Duration(number("Peer.PersistentKeepalive")) * time.Second
	c.Addresses, c.AllowedIPs = prefixes(f["Interface.Address"], fail), prefixes(f["Peer.AllowedIPs"], fail)
	if f["Interface.DNS"] != "" {
		for s := range strings.SplitSeq(f["Interface.DNS"], ", ") {
			a, e := netip.ParseAddr(s)
			fail(e)
			c.DNS = append(c.DNS, a)
		}
	}
	// The last colon parts host and port, brackets are only around an address.
	host, port, ok := cutLast(f["Peer.Endpoint"], ":")
	n, e := strconv.ParseUint(port, 10, 16)
	fail(e)
	if inner, v6 := strings.CutPrefix(host, "["); v6 {
		host, ok = strings.CutSuffix(inner, "]")
	}
	if !ok {
		fail(fmt.Errorf("endpoint %q", f["Peer.Endpoint"]))
	}
	c.Endpoint = peers.Endpoint{Host: host, Port: uint16(n)}
	return c, err
}

func prefixes(list string, fail func(error)) (all []netip.Prefix) {
	for s := range strings.SplitSeq(list, ", ") {
		p, err := netip.ParsePrefix(s)
		fail(err)
		all = append(all, p)
	}
	return all
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// requireSameModel reads text and compares it with what c means.
func requireSameModel(t testing.TB, c peers.ClientConfig, text []byte) {
	t.Helper()
	found, err := parseStrictly(text)
	if err != nil {
		t.Fatalf("config does not read back: %v", err)
	}
	got, err := found.client()
	if err != nil {
		t.Fatalf("config does not read back: %v", err)
	}
	c.ID, c.Name, c.Endpoint.Source, c.Endpoint.Warnings = 0, "", "", nil
	if !reflect.DeepEqual(got, c) {
		t.Errorf("read back: %+v\nwant:      %+v", got, c)
	}
}

func TestTextReadsBackToTheSameModel(t *testing.T) {
	bare := sampleClient()
	bare.PrivateKey, bare.DNS, bare.MTU, bare.Keepalive = secret.Key{}, nil, 0, 0
	for _, c := range []peers.ClientConfig{sampleClient(), bare} {
		requireSameModel(t, c, mustText(t, c))
	}
}

func TestTextRefuses(t *testing.T) {
	for what, spoil := range map[string]func(*peers.ClientConfig){
		"newline in the host":     func(c *peers.ClientConfig) { c.Endpoint.Host = "x.example\nPostUp = reboot" },
		"brackets in the host":    func(c *peers.ClientConfig) { c.Endpoint.Host = "[2001:db8::1]" },
		"port in the host":        func(c *peers.ClientConfig) { c.Endpoint.Host = "x.example:1" },
		"comment in the host":     func(c *peers.ClientConfig) { c.Endpoint.Host = "x.example#" },
		"no host":                 func(c *peers.ClientConfig) { c.Endpoint.Host = "" },
		"no port":                 func(c *peers.ClientConfig) { c.Endpoint.Port = 0 },
		"no address":              func(c *peers.ClientConfig) { c.Addresses = nil },
		"invalid address":         func(c *peers.ClientConfig) { c.Addresses[0] = netip.Prefix{} },
		"no allowed IPs":          func(c *peers.ClientConfig) { c.AllowedIPs = nil },
		"invalid allowed IP":      func(c *peers.ClientConfig) { c.AllowedIPs[0] = netip.Prefix{} },
		"newline in a DNS zone":   func(c *peers.ClientConfig) { c.DNS[0] = netip.MustParseAddr("fe80::1").WithZone("1\nTable = off") },
		"invalid DNS":             func(c *peers.ClientConfig) { c.DNS[0] = netip.Addr{} },
		"small MTU":               func(c *peers.ClientConfig) { c.MTU = 1279 },
		"negative MTU":            func(c *peers.ClientConfig) { c.MTU = -1 },
		"huge MTU":                func(c *peers.ClientConfig) { c.MTU = 65536 },
		"no server key":           func(c *peers.ClientConfig) { c.ServerKey = wgtypes.Key{} },
		"no preshared key":        func(c *peers.ClientConfig) { c.PresharedKey = secret.Key{} },
		"half second keepalive":   func(c *peers.ClientConfig) { c.Keepalive = 500 * time.Millisecond },
		"negative keepalive":      func(c *peers.ClientConfig) { c.Keepalive = -time.Second },
		"keepalive of many hours": func(c *peers.ClientConfig) { c.Keepalive = 65536 * time.Second },
	} {
		c := sampleClient()
		spoil(&c)
		if text, err := c.Text(); err == nil || text != nil {
			t.Errorf("%s: accepted", what)
		}
		if _, err := c.QRPNG(300); err == nil {
			t.Errorf("%s: accepted as a code", what)
		}
	}
}

func TestAllowedIPsFollowTheProfile(t *testing.T) {
	lan := []netip.Prefix{
		netip.MustParsePrefix("192.168.1.7/24"), netip.MustParsePrefix("192.168.1.0/24"), netip.MustParsePrefix("fe80::5/64"),
		netip.MustParsePrefix("2001:db8:1::7/64"), netip.MustParsePrefix("10.6.0.9/24"),
	}
	for what, test := range map[string]struct {
		profile peers.Profile
		lan     []netip.Prefix
		want    string
	}{
		"home":           {peers.ProfileHome, lan, "[10.6.0.0/24 192.168.1.0/24 2001:db8:1::/64 fd00:6::/64]"},
		"home, no LAN":   {peers.ProfileHome, nil, "[10.6.0.0/24 fd00:6::/64]"},
		"everything":     {peers.ProfileEverything, lan, "[0.0.0.0/0 ::/0]"},
		"default (home)": {"", nil, "[10.6.0.0/24 fd00:6::/64]"},
	} {
		m := newManager(t, openDB(t), nopDevice{}, func(c *peers.Config) {
			c.Facts = func() peers.Facts { f := facts(); f.LAN = test.lan; return f }
		})
		issued, err := m.Create(t.Context(), peers.NewPeer{Name: "anna", Profile: test.profile})
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(issued.Client.AllowedIPs); got != test.want {
			t.Errorf("%s: %s, want %s", what, got, test.want)
		}
		if got := fmt.Sprint(issued.Client.Addresses); got != "[10.6.0.2/32 fd00:6::2/128]" || issued.Client.Keepalive != 25*time.Second {
			t.Errorf("%s: addresses %s, keepalive %v", what, got, issued.Client.Keepalive)
		}
		requireSameModel(t, peers.Plain(issued.Client), mustText(t, issued.Client))
	}
}

type nopDevice struct{}

func (nopDevice) SetPeers([]peers.DevicePeer) error        { return nil }
func (nopDevice) Observed() map[wgtypes.Key]peers.Observed { return nil }

func TestWGQuickReadsTheSameModel(t *testing.T) {
	if _, err := exec.LookPath("wg-quick"); err != nil {
		t.Skip("wg-quick is not installed (Debian: wireguard-tools)")
	}
	requireWGQuickReads(t, sampleClient())
}

// requireWGQuickReads has wg-quick read c with its own parser; it prints what wg
// itself takes.
func requireWGQuickReads(t testing.TB, c peers.ClientConfig) {
	t.Helper()
	file := filepath.Join(t.TempDir(), c.FileName()+".conf")
	if err := os.WriteFile(file, mustText(t, c), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("wg-quick", "strip", file)
	cmd.Stderr = os.Stderr
	stripped, err := cmd.Output()
	if err != nil {
		t.Fatalf("wg-quick strip: %v", err)
	}
	got, err := parseStrictly(stripped)
	if err != nil {
		t.Fatalf("wg-quick strip printed %v", err)
	}
	want, err := parseStrictly(mustText(t, c))
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"Interface.Address", "Interface.DNS", "Interface.MTU"} { // wg-quick's own
		delete(want, key)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("wg-quick reads %v, want %v", got, want)
	}
}

func FuzzTextOfAnyAcceptedPeerReadsBack(f *testing.F) {
	f.Add("anna's phone", "home.example.org", uint16(51820), 1412)          // the usual
	f.Add("a\nPostUp = x", "home.example.org\nPostUp = x", uint16(1), 1412) // breaks out of the line
	f.Add("# x", "[2001:db8::1]:443", uint16(0), 1280)                      // brackets
	f.Add("📱", "::ffff:203.0.113.7", uint16(4500), 0)                       // an address in disguise
	f.Add("x", "fe80::1%a\nTable = off", uint16(9), 70000)                  // a zone is free text
	f.Fuzz(func(t *testing.T, name, endpoint string, port uint16, mtu int) {
		n, err := peers.ParseName(name)
		if err != nil {
			return
		}
		e, err := peers.ParseEndpoint(endpoint, port)
		if err != nil {
			return
		}
		c := sampleClient()
		c.Name, c.Endpoint, c.MTU = n, e, mtu
		text, err := c.Text()
		if err != nil {
			if mtu == 0 || mtu >= 1280 && mtu <= 65535 {
				t.Fatalf("accepted values do not render: %v", err)
			}
			return
		}
		requireSameModel(t, c, text)
	})
}
