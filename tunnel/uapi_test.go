package tunnel

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/configs/secret"
)

func testPeer(n byte, addrs ...string) Peer {
	p := Peer{PublicKey: wgtypes.Key{31: n}, PresharedKey: secret.NewKey(wgtypes.Key{0: n})}
	for _, a := range addrs {
		p.Addresses = append(p.Addresses, netip.MustParseAddr(a))
	}
	return p
}

func byKey(list ...Peer) map[wgtypes.Key]Peer {
	m := map[wgtypes.Key]Peer{}
	for _, p := range list {
		m[p.PublicKey] = p
	}
	return m
}

func TestChangesTouchOnlyWhatChanged(t *testing.T) {
	anna, bert := testPeer(1, "10.6.0.2"), testPeer(2, "10.6.0.3")
	moved := testPeer(1, "10.6.0.9")
	rekeyed := anna
	rekeyed.PresharedKey = secret.NewKey(wgtypes.Key{0: 77})
	slow := anna
	slow.Keepalive = 25 * time.Second
	for _, c := range []struct {
		name      string
		from, to  map[wgtypes.Key]Peer
		want, not []string
		cut       []string
	}{
		{"nothing", byKey(anna, bert), byKey(anna, bert), nil, []string{"="}, nil},
		{"one more", byKey(anna), byKey(anna, bert), []string{"02\npreshared_key=02", "allowed_ip=10.6.0.3/32"}, []string{"01\n", "remove"}, nil},
		{"one less", byKey(anna, bert), byKey(anna), []string{"02\nremove=true"}, []string{"01\n"}, []string{"10.6.0.3"}},
		{"another address", byKey(anna, bert), byKey(moved, bert), []string{"01\nupdate_only=true", "replace_allowed_ips=true\nallowed_ip=10.6.0.9/32"}, []string{"02\n", "preshared", "remove=true"}, []string{"10.6.0.2"}},
		{"another keepalive", byKey(anna), byKey(slow), []string{"update_only=true\npersistent_keepalive_interval=25"}, []string{"remove=true"}, nil},
		{"another preshared key", byKey(anna), byKey(rekeyed), []string{"01\nremove=true\npublic_key=", "preshared_key=4d"}, []string{"update_only"}, []string{"10.6.0.2"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			text, cut := changes(c.from, c.to)
			for _, w := range c.want {
				if !strings.Contains(text, w) {
					t.Errorf("lacks %q:\n%s", w, text)
				}
			}
			for _, n := range c.not {
				if strings.Contains(text, n) {
					t.Errorf("has %q:\n%s", n, text)
				}
			}
			var got []string
			for _, a := range cut {
				got = append(got, a.String())
			}
			if !slices.Equal(got, c.cut) {
				t.Errorf("cut = %v, want %v", got, c.cut)
			}
		})
	}
}

func TestZonesNeverReachTheControlText(t *testing.T) {
	p := testPeer(1)
	p.Addresses = []netip.Addr{netip.MustParseAddr("fe80::1").WithZone("x\nprivate_key=00")}
	text, _ := changes(nil, byKey(p))
	if strings.Contains(text, "private_key=00") {
		t.Errorf("a zone became a line:\n%s", text)
	}
}

func TestParseStatusReadsEveryPeer(t *testing.T) {
	key := strings.Repeat("ab", 32)
	list, err := parseStatus("private_key=" + key + "\nlisten_port=5\npublic_key=" + key + "\nendpoint=[2001:db8::1]:7\nlast_handshake_time_sec=10\nlast_handshake_time_nsec=5\nrx_bytes=3\ntx_bytes=4\n" +
		"public_key=" + strings.Repeat("cd", 32) + "\nlast_handshake_time_sec=0\nlast_handshake_time_nsec=0\n")
	if err != nil || len(list) != 2 {
		t.Fatalf("%v, %v", list, err)
	}
	if p := list[0]; p.Endpoint.String() != "[2001:db8::1]:7" || !p.LastHandshake.Equal(time.Unix(10, 5)) || p.ReceivedBytes != 3 || p.SentBytes != 4 {
		t.Errorf("first = %+v", p)
	}
	if !list[1].LastHandshake.IsZero() {
		t.Errorf("second has a handshake: %+v", list[1])
	}
}
