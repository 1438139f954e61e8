package peers

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"howett.net/plist"
)

// Apple says on which of its systems a profile is installed.
type Apple string

// The systems: each has its own WireGuard app.
const (
	AppleIOS   Apple = "ios" // iPhone and iPad
	AppleMacOS Apple = "macos"
)

// OnDemand says when an Apple device switches the tunnel on by itself. The zero
// value means never.
type OnDemand struct {
	On       bool
	HomeWiFi []string // names of networks on which the tunnel is off, up to 20
}

// profile is Apple's configuration profile, as far as the WireGuard app takes it:
// https://developer.apple.com/documentation/devicemanagement/vpn and
// MOBILECONFIG.md of the app.
type profile struct {
	PayloadType        string
	PayloadVersion     int
	PayloadIdentifier  string
	PayloadUUID        string
	PayloadDisplayName string
	PayloadContent     []vpnPayload
}

type vpnPayload struct {
	PayloadType        string
	PayloadVersion     int
	PayloadIdentifier  string
	PayloadUUID        string
	PayloadDisplayName string
	UserDefinedName    string
	VPNType            string
	VPNSubType         string
	VendorConfig       struct{ WgQuickConfig string }
	VPN                vpnSettings
}

type vpnSettings struct {
	RemoteAddress        string
	AuthenticationMethod string
	OnDemandEnabled      int
	OnDemandRules        []onDemandRule `plist:",omitempty"`
}

type onDemandRule struct {
	Action             string
	InterfaceTypeMatch string   `plist:",omitempty"`
	SSIDMatch          []string `plist:",omitempty"`
}

// MobileConfig renders the config as a profile that Apple's devices install, for
// their WireGuard app. It holds the very bytes of Text. Installing it again
// replaces it. It refuses with a FieldError or ErrNoPrivateKey.
func (c ClientConfig) MobileConfig(on Apple, demand OnDemand) ([]byte, error) {
	if c.PrivateKey.IsZero() {
		return nil, ErrNoPrivateKey
	}
	if on != AppleIOS && on != AppleMacOS {
		return nil, fieldErrorf("platform", "%.40q is not known: use ios or macos", string(on))
	}
	rules, err := demand.rules()
	if err != nil {
		return nil, err
	}
	text, err := c.Text()
	if err != nil {
		return nil, err
	}
	id := "homeward." + c.PrivateKey.Public().String() + "." + string(c.profile)
	vpn := vpnPayload{
		PayloadType: "com.apple.vpn.managed", PayloadVersion: 1, PayloadIdentifier: "homeward.tunnel." + uuid(id+" tunnel"), PayloadUUID: uuid(id + " tunnel"),
		PayloadDisplayName: "VPN", UserDefinedName: c.FileName(), VPNType: "VPN", VPNSubType: "com.wireguard." + string(on),
		VPN: vpnSettings{RemoteAddress: c.Endpoint.String(), AuthenticationMethod: "Password", OnDemandRules: rules},
	}
	if demand.On {
		vpn.VPN.OnDemandEnabled = 1
	}
	vpn.VendorConfig.WgQuickConfig = string(text)
	out, err := plist.MarshalIndent(profile{
		PayloadType: "Configuration", PayloadVersion: 1, PayloadIdentifier: "homeward." + uuid(id), PayloadUUID: uuid(id),
		PayloadDisplayName: "homeward: " + string(c.Name), PayloadContent: []vpnPayload{vpn},
	}, plist.XMLFormat, "\t")
	if err != nil {
		return nil, fmt.Errorf("rendering the profile of device %d: %w", c.ID, err)
	}
	return out, nil
}

// rules are tried from the first to the last.
func (d OnDemand) rules() ([]onDemandRule, error) {
	if !d.On {
		return nil, nil
	}
	if len(d.HomeWiFi) > 20 {
		return nil, fieldErrorf("home_wifi", "%d networks are too many: use up to 20", len(d.HomeWiFi))
	}
	for _, ssid := range d.HomeWiFi { // IEEE 802.11: up to 32 bytes
		if ssid == "" || len(ssid) > 32 || !utf8.ValidString(ssid) || strings.ContainsFunc(ssid, unicode.IsControl) {
			return nil, fieldErrorf("home_wifi", "%.40q is not the name of a Wi-Fi network", ssid)
		}
	}
	connect := onDemandRule{Action: "Connect"}
	if len(d.HomeWiFi) == 0 {
		return []onDemandRule{connect}, nil
	}
	return []onDemandRule{{"Disconnect", "WiFi", d.HomeWiFi}, connect}, nil
}

// uuid is a UUID that s always has (RFC 9562 section 5.8).
func uuid(s string) string {
	b := sha256.Sum256([]byte(s))
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80
	return strings.ToUpper(fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16]))
}
