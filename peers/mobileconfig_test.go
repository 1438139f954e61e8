package peers_test

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"howett.net/plist"

	"homeward/peers"
	"homeward/peers/peerstest"
)

// installed is what Apple's devices read of a profile.
type installed struct {
	PayloadType, PayloadIdentifier, PayloadUUID, PayloadDisplayName string
	PayloadVersion                                                  int
	PayloadContent                                                  []struct {
		PayloadType, PayloadUUID, UserDefinedName, VPNType, VPNSubType string
		VendorConfig                                                   map[string]string
		VPN                                                            struct {
			RemoteAddress, AuthenticationMethod string
			OnDemandEnabled                     int
			OnDemandRules                       []map[string]any
		}
	}
}

func TestAnAppleProfileHoldsTheVeryConfig(t *testing.T) {
	m := newManager(t, openDB(t), peerstest.NewDevice())
	issued, err := m.Create(t.Context(), peers.NewPeer{Name: `<Anna's> "phone" & 日本`})
	if err != nil {
		t.Fatal(err)
	}
	read := func(on peers.Apple, d peers.OnDemand) installed {
		t.Helper()
		b, err := issued.Client.MobileConfig(on, d)
		if err != nil {
			t.Fatal(err)
		}
		again, err := issued.Client.MobileConfig(on, d)
		if err != nil || string(b) != string(again) {
			t.Errorf("it differs the next time (%v)", err)
		}
		var p installed
		if _, err := plist.Unmarshal(b, &p); err != nil || len(p.PayloadContent) != 1 {
			t.Fatalf("%v\n%s", err, b)
		}
		return p
	}
	p := read(peers.AppleIOS, peers.OnDemand{})
	vpn := p.PayloadContent[0]
	if vpn.VendorConfig["WgQuickConfig"] != string(mustText(t, issued.Client)) {
		t.Error("the config in it is another")
	}
	if p.PayloadType != "Configuration" || p.PayloadVersion != 1 || p.PayloadDisplayName != `homeward: <Anna's> "phone" & 日本` ||
		vpn.PayloadType != "com.apple.vpn.managed" || vpn.VPNType != "VPN" || vpn.VPNSubType != "com.wireguard.ios" ||
		vpn.VPN.RemoteAddress != "home.example.org:51820" || vpn.VPN.OnDemandEnabled != 0 || vpn.VPN.OnDemandRules != nil {
		t.Errorf("%+v", p)
	}
	if id := regexp.MustCompile(`^[0-9A-F]{8}-[0-9A-F]{4}-8[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$`); !id.MatchString(p.PayloadUUID) || !id.MatchString(vpn.PayloadUUID) || p.PayloadUUID == vpn.PayloadUUID {
		t.Errorf("UUIDs %s and %s", p.PayloadUUID, vpn.PayloadUUID)
	}
	vpn = read(peers.AppleMacOS, peers.OnDemand{On: true, HomeWiFi: []string{"Our <Wi-Fi>", "Our Wi-Fi 5"}}).PayloadContent[0]
	if got := fmt.Sprint(vpn.VPN.OnDemandEnabled, vpn.VPN.OnDemandRules); vpn.VPNSubType != "com.wireguard.macos" ||
		got != "1 [map[Action:Disconnect InterfaceTypeMatch:WiFi SSIDMatch:[Our <Wi-Fi> Our Wi-Fi 5]] map[Action:Connect]]" {
		t.Errorf("%s %s", vpn.VPNSubType, got)
	}
	if vpn := read(peers.AppleIOS, peers.OnDemand{On: true}).PayloadContent[0]; fmt.Sprint(vpn.VPN.OnDemandRules) != "[map[Action:Connect]]" {
		t.Errorf("%v", vpn.VPN.OnDemandRules)
	}
}

func TestAnAppleProfileRefusesWhatMakesNone(t *testing.T) {
	m := newManager(t, openDB(t), peerstest.NewDevice())
	issued, err := m.Create(t.Context(), peers.NewPeer{Name: "anna"})
	if err != nil {
		t.Fatal(err)
	}
	var f *peers.FieldError
	for _, ssid := range []string{"", strings.Repeat("x", 33), "a\nb", "\xff"} {
		if _, err := issued.Client.MobileConfig(peers.AppleIOS, peers.OnDemand{On: true, HomeWiFi: []string{ssid}}); !errors.As(err, &f) || f.Field != "home_wifi" {
			t.Errorf("%q: %v", ssid, err)
		}
	}
	if _, err := issued.Client.MobileConfig(peers.AppleIOS, peers.OnDemand{On: true, HomeWiFi: make([]string, 21)}); !errors.As(err, &f) {
		t.Errorf("too many: %v", err)
	}
	if _, err := issued.Client.MobileConfig("windows", peers.OnDemand{}); !errors.As(err, &f) || f.Field != "platform" {
		t.Errorf("windows: %v", err)
	}
	key := newPublicKey(t)
	own, err := m.Create(t.Context(), peers.NewPeer{Name: "router", PublicKey: &key})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := own.Client.MobileConfig(peers.AppleIOS, peers.OnDemand{}); !errors.Is(err, peers.ErrNoPrivateKey) {
		t.Errorf("its own key: %v", err)
	}
}
