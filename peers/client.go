package peers

import (
	"net/netip"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/configs/secret"
)

// ClientConfig is what a peer's device needs to come home.
type ClientConfig struct {
	ID           ID
	Name         Name
	PrivateKey   secret.Key // zero: the device brought its own public key
	Addresses    []netip.Prefix
	DNS          []netip.Addr
	MTU          int // zero leaves it to the app
	ServerKey    wgtypes.Key
	PresharedKey secret.Key
	AllowedIPs   []netip.Prefix
	Endpoint     Endpoint
	Keepalive    time.Duration // whole seconds; zero leaves it out
}

// Text TODO.
func (c ClientConfig) Text() ([]byte, error) { return nil, ErrNoPrivateKey }

// FileName TODO.
func (c ClientConfig) FileName() string { return "homeward" }
