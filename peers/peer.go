package peers

import (
	"net/netip"
	"slices"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/configs/secret"
)

// ID names a peer for as long as it exists. It is positive.
type ID int64

// Profile says what a peer sends through home.
type Profile string

// The profiles. The zero Profile of a NewPeer means ProfileHome.
const (
	// ProfileHome sends what is at home through the tunnel: the tunnel's own
	// prefixes and the LAN's.
	ProfileHome Profile = "home"
	// ProfileEverything sends all traffic home, IPv4 and IPv6.
	ProfileEverything Profile = "everything"
)

// ParseProfile reads the name of a profile; an empty one is ProfileHome.
func ParseProfile(s string) (Profile, error) {
	switch p := Profile(s); p {
	case "":
		return ProfileHome, nil
	case ProfileHome, ProfileEverything:
		return p, nil
	}
	return "", fieldErrorf("profile", "%.40q is not a profile: use %q or %q", s, ProfileHome, ProfileEverything)
}

// State says whether what is wanted of a peer is true in the device.
type State string

// The states.
const (
	// Active means that the device lets the peer in.
	Active State = "active"
	// Pending means that the device has not taken the latest change yet, and
	// that Run keeps trying. Enabled says which way the change goes: a peer
	// that was disabled and is pending may still come in.
	Pending State = "pending"
	// Disabled means that the device keeps the peer out.
	Disabled State = "disabled"
)

// Peer is a person's device that may come in. A Peer is a copy: changing it
// changes nothing.
type Peer struct {
	ID           ID
	Name         Name
	Profile      Profile
	Access       Access
	PublicKey    wgtypes.Key
	PresharedKey secret.Key
	Addresses    []netip.Addr  // one in each tunnel prefix, IPv4 first
	Keepalive    time.Duration // written into the client's config
	Enabled      bool
	Created      time.Time
	Next         NextKey // of a new code that was not used yet
	Version      int64   // grows with every change
	State        State
	Observed     Observed
}

// NextKey takes the place of a peer's keys at its first handshake. The zero value
// is none.
type NextKey struct {
	PublicKey    wgtypes.Key
	PresharedKey secret.Key
}

// Renewing reports whether a new code waits for its first use.
func (p Peer) Renewing() bool { return p.Next.PublicKey != wgtypes.Key{} }

// Observed is what the device saw of a peer since it started. The zero value
// means nothing yet.
type Observed struct {
	Endpoint      netip.AddrPort
	LastHandshake time.Time
	ReceivedBytes uint64
	SentBytes     uint64
}

// NewPeer is what Create needs. Only Name is required.
type NewPeer struct {
	Name      string
	Profile   Profile      // empty means ProfileHome
	Access    Access       // empty means AccessEverything
	PublicKey *wgtypes.Key // nil: homeward makes the key pair
}

// Issued is a config that was handed out, while it is remembered.
type Issued struct {
	Peer   Peer
	Client ClientConfig
	Until  time.Time // when the private key is forgotten
}

// clone returns a copy that shares nothing that can be changed.
func (p Peer) clone() Peer {
	p.Addresses = slices.Clone(p.Addresses)
	return p
}
