package tunnel

import (
	"net/netip"
	"testing"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
)

// With some public keys everybody shares the same secret, zero (RFC 7748, section 6.1):
// anybody could come in by one that stood in a config.
func TestNobodyComesInByAKeyThatSharesItsSecretWithAll(t *testing.T) {
	cfg := testConfig(t)
	tun := runTunnel(t, cfg)
	honest := newCaller(t, newKey(t), cfg)
	list := []Peer{{PublicKey: honest.private.Public(), Addresses: []netip.Addr{netip.MustParseAddr("10.66.7.9")}}}
	for i, text := range []string{
		"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "4Ot6fDtBuK4WVuP68Z/EatoJjeucMrH9hmIFFl9JuAA=",
		"X5yVvKNQjCSx0LFVnIPvWwREXMRYHI6G2CJO3dCfEVc=", "7P///////////////////////////////////////38=",
		"7f///////////////////////////////////////38=", "7v///////////////////////////////////////38=",
	} {
		key, err := wgtypes.ParseKey(text)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, Peer{PublicKey: key, Addresses: []netip.Addr{netip.AddrFrom4([4]byte{10, 66, 7, byte(20 + i)})}})
	}
	if err := tun.SetPeers(list); err != nil {
		t.Fatal(err)
	}
	for _, p := range list[1:] {
		if honest.call(honest.initiationAs(p.PublicKey, make([]byte, 32), time.Now())) {
			t.Errorf("somebody comes in by the key %v", p.PublicKey)
		}
	}
	for end := time.Now().Add(time.Minute); !honest.call(honest.initiation(time.Now())); {
		if time.Now().After(end) {
			t.Fatal("who has a key is not answered: the test proves nothing")
		}
	}
}
