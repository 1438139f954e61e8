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
	// Expired means that the peer's time is over and the device keeps it out.
	Expired State = "expired"
)

// Peer is a person's device that may come in. A Peer is a copy: changing it
// changes nothing.
type Peer struct {
	ID           ID
	Name         Name
	Kind         Kind
	Note         string // the owner's, in one or more lines
	Profile      Profile
	Access       Access
	PublicKey    wgtypes.Key
	PresharedKey secret.Key
	Addresses    []netip.Addr  // one in each tunnel prefix, IPv4 first
	DNS          bool          // whether its config names resolvers
	Routes       Routes        // what goes through home where the owner wrote it; empty: as Profile says
	Resolvers    Resolvers     // which ones where the owner wrote them; empty: ours
	Keepalive    time.Duration // written into the client's config
	Enabled      bool
	Expires      time.Time // when its time is over, to the second; zero means never
	IdleDays     int       // after as many days without a sign it is disabled; 0 means never
	IdledOut     bool      // that happened
	Created      time.Time
	Seen         time.Time // the latest handshake that is known, also from before the last start (then to an hour); zero means none
	Next         NextKey   // of a new code that was not used yet
	Version      int64     // grows with every change
	State        State
	Observed     Observed
	NeedsCode    []Reason     // why its code should be replaced; none: it is as it should be
	NextReady    bool         // the new code of Next says all that it should
	OwnKey       bool         // it keeps its own private key, so that its config can be had again at any time
	NextOwnKey   bool         // so does whoever got the new code of Next
	Leaves       time.Time    // when it is removed, unless somebody keeps it; zero means that it stays
	TwoPlaces    []netip.Addr // its key is used from these in turns; else empty

	folded   string       // Name.Folded, which is slow
	idleFrom time.Time    // idle days are counted from here, or from Seen
	said     *fingerprint // what its code said, if that is known; never changed
	nextSaid *fingerprint // the same of Next's
	kept     *keptCode    // the keys of the latest code; nil: they are not kept
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

// NewPeer is what Create needs. Only Name is required; what an empty field means is
// for Config.Defaults to say first.
type NewPeer struct {
	Name      string
	Kind      Kind           // empty means KindOther
	Note      string         // see Change, as for the fields that follow
	Profile   Profile        // empty means ProfileHome
	Access    Access         // empty means AccessEverything
	DNS       *bool          // nil means true
	Routes    Routes         // empty means as Profile says
	Resolvers Resolvers      // empty means our own
	Keepalive *time.Duration // nil means 25 s
	Expires   time.Time      // zero means never
	IdleDays  int            // 0 means never
	PublicKey *wgtypes.Key   // nil: homeward makes the key pair
}

// peer is the record of n, of which the rest is still to come.
func (n NewPeer) peer(now time.Time) (Peer, error) {
	c := Change{
		Name: &n.Name, Kind: &n.Kind, Note: &n.Note, Profile: &n.Profile, Access: &n.Access,
		DNS: n.DNS, Routes: &n.Routes, Resolvers: &n.Resolvers, Keepalive: n.Keepalive, Expires: &n.Expires, IdleDays: &n.IdleDays,
	}
	created := toSecond(now)
	return c.applyTo(Peer{DNS: true, Keepalive: DefaultKeepalive, Enabled: true, Created: created, Version: 1, idleFrom: created}, now)
}

// Issued is a config that was handed out, while it is remembered.
type Issued struct {
	Peer   Peer
	Client ClientConfig
	Until  time.Time // when the private key is forgotten; zero: not by itself
	Kept   bool      // its keys are kept sealed, so that it can be had again until there is another
}

// As is the config with another profile: the same key and address, so that a
// device can have a tunnel for each. An empty profile is the peer's own.
func (i Issued) As(profile Profile) (ClientConfig, error) {
	if profile == "" {
		return i.Client, nil
	}
	profile, err := ParseProfile(string(profile))
	if err != nil || profile == i.Client.profile {
		return i.Client, err
	}
	return i.Client.other(), nil
}

// settings is everything that Edit can change.
func (p Peer) settings() any {
	return struct {
		name         Name
		kind         Kind
		note         string
		profile      Profile
		access       Access
		dns, enabled bool
		routes       Routes
		resolvers    Resolvers
		keepalive    time.Duration
		expires      time.Time
		idleDays     int
	}{p.Name, p.Kind, p.Note, p.Profile, p.Access, p.DNS, p.Enabled, p.Routes, p.Resolvers, p.Keepalive, p.Expires, p.IdleDays}
}

// clone returns a copy that shares nothing that can be changed.
func (p Peer) clone() Peer {
	p.Addresses, p.TwoPlaces = slices.Clone(p.Addresses), slices.Clone(p.TwoPlaces)
	return p
}

// with returns a copy of p with what the device saw of it.
func (p Peer) with(o Observed) Peer {
	p = p.clone()
	p.Observed = o
	if o.LastHandshake.After(p.Seen) {
		p.Seen = o.LastHandshake
	}
	return p
}
