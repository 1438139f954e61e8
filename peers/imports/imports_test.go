package imports

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/configs/secret"
)

// The fixtures have the form that the programs' own sources write: PiVPN
// (scripts/wireguard/makeCONF.sh, disableCONF.sh), linuxserver's docker-wireguard
// (init-wireguard-confs), wg-easy 14 (src/lib/WireGuard.js) and 15
// (src/server/database/migrations), and two common install scripts.

const (
	serverKey = "yP7Kgb4ZbN8sreq/E8SQPXYy3OSVWqaLbl2a3vVOJhY="
	keyA      = "wcMY7u6tEXeOVmokqMsEubQx64TPpiPGpoLH7lbI4gY="
	keyB      = "y8LmMC6aG8ikcwSAXztJpRMNPrOcUnoFpNJYVBKQ+S8="
	keyC      = "YYUy16/Rl38E0zeMbkq3jsNQnGes1wGcwu/1B7O9zW0="
	psk1      = "eISLkpmgp661vMPK0djf5u30+wIJEBceJSwzOkFIT1Y="
	psk2      = "mKOqsbi/xs3U2+Lp8Pf+BQwTGiEoLzY9REtSWWBnbnU="
)

var now = time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)

// folder reads all files of a fixture.
func folder(t *testing.T, name string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	root := filepath.Join("testdata", name)
	err := filepath.Walk(root, func(file string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		rel, err := filepath.Rel(root, file)
		if err == nil {
			files[filepath.ToSlash(rel)], err = os.ReadFile(file)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// device is what is expected of one.
type device struct{ name, key, psk, addresses, off string }

func check(t *testing.T, w Wanted, port uint16, v4, v6 string, devices ...device) {
	t.Helper()
	prefix := func(p netip.Prefix) string {
		if !p.IsValid() {
			return ""
		}
		return p.String()
	}
	if w.Port != port || w.PrivateKey.Public().String() != serverKey || prefix(w.V4) != v4 || prefix(w.V6) != v6 {
		t.Errorf("port %d, key %v, networks %v, %v", w.Port, w.PrivateKey.Public(), w.V4, w.V6)
	}
	if len(w.Devices) != len(devices) {
		t.Fatalf("%d devices, want %d: %+v", len(w.Devices), len(devices), w.Devices)
	}
	for i, want := range devices {
		d := w.Devices[i]
		var addresses []string
		for _, a := range d.Addresses {
			addresses = append(addresses, a.String())
		}
		got := device{string(d.Name), d.PublicKey.String(), "", strings.Join(addresses, " "), ""}
		if !d.PresharedKey.IsZero() {
			got.psk = d.PresharedKey.Reveal().String()
		}
		if !d.Enabled {
			got.off = "off"
		}
		if got != want {
			t.Errorf("device %d:\n%+v, want\n%+v", i, got, want)
		}
	}
}

func told(t *testing.T, w Wanted, parts ...string) {
	t.Helper()
	all := strings.Join(w.Told, "\n")
	for _, p := range parts {
		if !strings.Contains(all, p) {
			t.Errorf("%q is not told: %s", p, all)
		}
	}
}

func read(t *testing.T, name string) (Server, Wanted) {
	t.Helper()
	s, err := Read(folder(t, name), nil)
	if err != nil {
		t.Fatal(err)
	}
	w, err := s.Check(nil, now)
	if err != nil {
		t.Fatal(err)
	}
	return s, w
}

func TestPiVPN(t *testing.T) {
	s, w := read(t, "pivpn")
	check(t, w, 51820, "10.6.0.0/24", "fd11:5ee:bad:c0de::a06:0/111",
		device{"anna", keyA, psk1, "10.6.0.2 fd11:5ee:bad:c0de::a06:2", ""}, device{"old laptop", keyB, psk2, "10.6.0.3 fd11:5ee:bad:c0de::a06:3", "off"})
	if s.Endpoint != "home.example.org:51820" || s.Kind != "PiVPN" {
		t.Errorf("%s, endpoint %q", s.Kind, s.Endpoint)
	}
	if w.Devices[0].Created.Unix() != 1700000000 || w.Devices[1].Created.Unix() != 1700000100 {
		t.Errorf("created %v and %v", w.Devices[0].Created, w.Devices[1].Created)
	}
	told(t, w, "mtu = 1420", `"old_laptop" is called "old laptop"`)
}

func TestLinuxserver(t *testing.T) {
	s, w := read(t, "linuxserver")
	check(t, w, 51899, "10.13.13.0/24", "", device{"phone", keyA, psk1, "10.13.13.2", ""}, device{"1", keyB, "", "10.13.13.3", ""})
	if s.Endpoint != "vpn.example.net:51899" {
		t.Errorf("endpoint %q", s.Endpoint)
	}
	told(t, w, "iptables -A FORWARD", "192.168.50.0/24 behind this device", "The devices call port 51899")
}

func TestWGEasy14(t *testing.T) {
	_, w := read(t, "wgeasy14")
	check(t, w, 51833, "10.8.0.0/24", "", device{"Anna's iPhone 📱", keyA, psk1, "10.8.0.2", ""}, device{"Guest", keyB, psk2, "10.8.0.3", "off"})
	if !w.Devices[1].Expires.Equal(time.Date(2031, 2, 3, 23, 59, 59, 0, time.UTC)) || w.Devices[0].Created.Unix() != 1700000000 {
		t.Errorf("times: %+v", w.Devices)
	}
	told(t, w, "POSTROUTING")
	files := folder(t, "wgeasy14")
	delete(files, "wg0.conf")
	if s, err := Read(files, nil); err != nil || s.Port != easyPort || !strings.Contains(strings.Join(s.Dropped, "\n"), "51820 is taken for it") {
		t.Errorf("without its wg0.conf: port %d, %v, %v", s.Port, err, s.Dropped)
	}
	files["wg0.conf"] = []byte("[Interface]\nListenPort = 51833\nnonsense\n")
	if _, err := Read(files, nil); err == nil || !strings.Contains(err.Error(), "wg0.conf, line 3") {
		t.Errorf("with a damaged wg0.conf: %v", err)
	}
}

// easy15Tables are those of wg-easy from 15 on.
func easy15Tables() map[string]Table {
	return map[string]Table{
		"interfaces_table":   {{"name": "wg0", "port": int64(51820), "private_key": "AAgPFh0kKzI5QEdOVVxjanF4f4aNlJuiqbC3vsXM01o=", "ipv4_cidr": "10.8.0.0/24", "ipv6_cidr": "fdcc:ad94:bacf:61a4::cafe:0/112"}},
		"user_configs_table": {{"id": "wg0", "host": "home.example.org", "port": int64(51820)}},
		"hooks_table":        {{"id": "wg0", "post_up": "iptables -t nat -A POSTROUTING -s {{ipv4Cidr}} -o {{device}} -j MASQUERADE;", "pre_up": ""}},
		"clients_table": {
			{"name": "Guest", "public_key": keyB, "pre_shared_key": psk2, "ipv4_address": "10.8.0.3", "ipv6_address": "fdcc:ad94:bacf:61a4::cafe:3", "enabled": int64(0), "expires_at": "2031-02-03T23:59:59.000Z", "server_allowed_ips": `["192.168.9.0/24"]`, "created_at": "2024-01-02 03:04:05"},
			{"name": "Anna", "public_key": keyA, "pre_shared_key": psk1, "ipv4_address": "10.8.0.2", "ipv6_address": "fdcc:ad94:bacf:61a4::cafe:2", "enabled": int64(1), "server_allowed_ips": `[]`, "post_up": "echo hello"},
		},
	}
}

func TestWGEasy15(t *testing.T) {
	tables := func([]byte, ...string) (map[string]Table, error) { return easy15Tables(), nil }
	s, err := Read(map[string][]byte{"wg-easy.db": []byte("SQLite format 3\x00")}, tables)
	if err != nil {
		t.Fatal(err)
	}
	w, err := s.Check(nil, now)
	if err != nil {
		t.Fatal(err)
	}
	check(t, w, 51820, "10.8.0.0/24", "fdcc:ad94:bacf:61a4::cafe:0/112",
		device{"Anna", keyA, psk1, "10.8.0.2 fdcc:ad94:bacf:61a4::cafe:2", ""}, device{"Guest", keyB, psk2, "10.8.0.3 fdcc:ad94:bacf:61a4::cafe:3", "off"})
	if s.Endpoint != "home.example.org:51820" || w.Devices[1].Expires.Year() != 2031 {
		t.Errorf("endpoint %q, %+v", s.Endpoint, w.Devices[1])
	}
	told(t, w, "POSTROUTING", "echo hello", "192.168.9.0/24 behind")
	ahead := append([]byte("SQLite format 3\x00\x10\x00"), 2, 2) // it keeps a journal beside it
	if s, err := Read(map[string][]byte{"etc/wg-easy.db": ahead}, tables); err != nil || !strings.Contains(strings.Join(s.Dropped, "\n"), "wg-easy.db-wal beside it") {
		t.Errorf("with a journal: %v, %v", err, s.Dropped)
	}
}

func TestFilesOfInstallScripts(t *testing.T) {
	_, w := read(t, "script")
	check(t, w, 51820, "10.7.0.0/24", "fddd:2c4:2c4:2c4::/64",
		device{"tablet", keyA, psk1, "10.7.0.2 fddd:2c4:2c4:2c4::2", ""}, device{"bob", keyB, psk2, "10.7.0.3", ""}, device{"the living room", keyC, "", "10.7.0.4", ""})
	told(t, w, "saveconfig", "fwmark", "table", "endpoint", "persistentkeepalive")
}

func TestAnInterfaceThatRuns(t *testing.T) {
	key := func(s string) wgtypes.Key {
		k, err := wgtypes.ParseKey(s)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	_, network, err := net.ParseCIDR("10.9.0.2/32")
	if err != nil {
		t.Fatal(err)
	}
	text := ConfOf(wgtypes.Device{PrivateKey: key("AAgPFh0kKzI5QEdOVVxjanF4f4aNlJuiqbC3vsXM01o="), ListenPort: 4242, Peers: []wgtypes.Peer{
		{PublicKey: key(keyA), PresharedKey: key(psk1), AllowedIPs: []net.IPNet{*network}},
	}}, []netip.Prefix{netip.MustParsePrefix("10.9.0.1/24")})
	s, err := Read(map[string][]byte{"wg0.conf": text}, nil)
	if err != nil {
		t.Fatal(err)
	}
	w, err := s.Check(nil, now)
	if err != nil {
		t.Fatal(err)
	}
	check(t, w, 4242, "10.9.0.0/24", "", device{"Device 1", keyA, psk1, "10.9.0.2", ""})
}

func TestAllProblemsAreToldAtOnce(t *testing.T) {
	const file = `[Interface]
PrivateKey = AAgPFh0kKzI5QEdOVVxjanF4f4aNlJuiqbC3vsXM01o=
Address = 10.7.0.5/24
Address = 192.168.1.1/24
ListenPort = 51820
[Peer]
PublicKey = ` + keyA + `
AllowedIPs = 10.7.0.2/32
[Peer]
PublicKey = ` + keyA + `
AllowedIPs = 10.7.0.2/32, 10.99.0.1
[Peer]
PublicKey = ` + serverKey + `
[Peer]
AllowedIPs = 10.7.0.5/32
[Peer]
PublicKey = AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
AllowedIPs = 10.7.0.6/32
`
	s, err := Conf("wg0.conf", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Check([]netip.Prefix{netip.MustParsePrefix("10.7.0.0/16")}, now)
	var problems Problems
	if !errors.As(err, &problems) {
		t.Fatalf("err = %v", err)
	}
	for _, part := range []string{
		"always the first one of the network, 10.7.0.1", "more than one address of a family: 192.168.1.1/24", "one of this machine's own (10.7.0.0/16)",
		"its public key is also that of device Device 1", "its address 10.7.0.2 is also that of device Device 1", "10.99.0.1 is not in the tunnel's networks",
		"also that of the server itself", "device Device 3: it has no address of its own", "device Device 4: it has no public key", "10.7.0.5 is also that of the server itself",
		"device Device 5: this key gives no protection",
	} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not told: %v", part, err)
		}
	}
}

func TestDamagedFilesAreRefusedWithTheLine(t *testing.T) {
	for text, want := range map[string]string{
		"":                                      "none of them is",
		"[Interface]\nListenPort = 0\n":         "wg0.conf, line 2",
		"[Interface]\nListenPort = 5\nnonsense": "wg0.conf, line 3",
		"[Interface]\nListenPort = 5\nPrivateKey = c2VjcmV0\n": "line 3: the private key is no WireGuard key",
		"[Interface]\nListenPort = 5\nListenPort = 6\n":        "line 3: listenport is there twice",
		"[Interface]\nListenPort = 5\n[Bogus]\n":               "line 3",
		"[Interface]\nListenPort = 5\nAddress = 10.0.0.1/33\n": "line 3",
		"ListenPort = 5\n": "in no section",
		"[Interface]\nListenPort = 5\n[Peer]\nAllowedIPs = 10.0.0.300/32\n":               "line 4",
		"[Interface]\nListenPort = 5\n[Peer]\nPublicKey = x\n[Peer]\nPublicKey = \x1b[2J": "line 4",
	} {
		_, err := Read(map[string][]byte{"wg0.conf": []byte(text)}, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
		if err != nil && (strings.Contains(err.Error(), "c2VjcmV0") || strings.ContainsRune(err.Error(), 0x1b)) {
			t.Errorf("%q: the error shows what it must not: %q", text, err)
		}
	}
	two := map[string][]byte{"a.conf": []byte("[Interface]\nListenPort = 1\n"), "b.conf": []byte("[Interface]\nListenPort = 2\n")}
	if _, err := Read(two, nil); err == nil || !strings.Contains(err.Error(), "a.conf, b.conf") {
		t.Errorf("two servers: %v", err)
	}
}

func TestKeysInTheWrongPlaceAreNotShown(t *testing.T) {
	stray := wgtypes.Key{8, 30: 7, 31: 64}.String()
	text := "[Interface]\nListenPort = 5\nAddress = 10.0.0.1/24\nPrivateKey = " + wgtypes.Key{16, 31: 64}.String() +
		"\nPresharedKey = " + stray + "\n[Peer]\nPrivateKey = " + stray + "\nTable = off\n"
	s, err := Conf("wg0.conf", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	said := strings.Join(s.Dropped, "\n")
	for _, want := range []string{"line 5: presharedkey = (a key)", "line 7: privatekey = (a key)", "line 8: table = off"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q does not tell %q", said, want)
		}
	}
	if strings.Contains(said, stray) {
		t.Errorf("it shows a key: %q", said)
	}
}

func TestManyDevicesOfOneNameAreNumbered(t *testing.T) {
	s := Server{Port: 1, PrivateKey: secret.NewKey(wgtypes.Key{8, 31: 64}), Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/16")}}
	for i := range MaxDevices {
		s.Devices = append(s.Devices, Device{Name: "phone", PublicKey: wgtypes.Key{9, byte(i), byte(i >> 8), 1}, Addresses: []netip.Addr{netip.AddrFrom4([4]byte{10, 0, byte(1 + i>>8), byte(i)})}})
	}
	began := time.Now()
	w, err := s.Check(nil, now)
	if err != nil || w.Devices[0].Name != "phone" || w.Devices[1].Name != "phone 2" || w.Devices[MaxDevices-1].Name != "phone 10000" {
		t.Errorf("%v, %v, %v", err, w.Devices[1].Name, w.Devices[MaxDevices-1].Name)
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("that took %v", took)
	}
}
