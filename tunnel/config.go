package tunnel

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/configs/secret"
)

// DefaultMTU fits an outer IPv6 packet on a PPPoE line: 1492 bytes less the
// headers of IPv6 (40), UDP (8) and WireGuard (32).
const DefaultMTU = 1412

// DefaultInterface is the name of the TUN device unless Config says otherwise.
const DefaultInterface = "homeward0"

// PlaneKind names a data plane, or the choice between them.
type PlaneKind string

// The planes. The zero PlaneKind means PlaneAuto.
const (
	PlaneAuto     PlaneKind = "auto"     // tun where it would work, else netstack
	PlaneTUN      PlaneKind = "tun"      // a TUN device and the kernel's forwarding
	PlaneNetstack PlaneKind = "netstack" // rootless
)

// ParsePlaneKind reads the name of a plane; an empty one is PlaneAuto.
func ParsePlaneKind(s string) (PlaneKind, error) {
	switch k := PlaneKind(s); k {
	case "":
		return PlaneAuto, nil
	case PlaneAuto, PlaneTUN, PlaneNetstack:
		return k, nil
	}
	return "", fmt.Errorf("plane %.40q is not one of auto, tun, netstack", s)
}

// The errors that callers act on.
var (
	// ErrPortInUse says that another program has the UDP port.
	ErrPortInUse = errors.New("the UDP port is in use by another program")
	// ErrPlane says that the plane that was asked for does not work here.
	ErrPlane = errors.New("the data plane does not work here")
)

// Config is what a Tunnel needs. PrivateKey, ListenPort, Addresses, StateDir
// and Logger are required.
type Config struct {
	PrivateKey secret.Key
	ListenPort uint16 // UDP
	// Addresses are our own inside the tunnel, at most one of each family, with
	// the length of the tunnel's prefix: 10.6.0.1/24, fd00:6::1/64.
	Addresses []netip.Prefix
	MTU       int       // of inner packets; zero means DefaultMTU
	Plane     PlaneKind // zero means PlaneAuto
	Why       string    // a sentence: why Plane is that; empty means that it was asked for
	Interface string    // zero means DefaultInterface
	StateDir  string    // an existing folder, for what a crashed run must undo
	// Memory is how many bytes the process may use; the rootless plane's bounds
	// depend on it. Zero means 256 MiB.
	Memory int64
	// Resolvers are asked for names, in this order. Nil means those of
	// /etc/resolv.conf, see SystemResolvers.
	Resolvers func() []netip.AddrPort
	Logger    *slog.Logger
}

// Peer is what the device has to know of one peer.
type Peer struct {
	PublicKey    wgtypes.Key
	PresharedKey secret.Key
	Addresses    []netip.Addr  // inner addresses that are the peer's own
	Keepalive    time.Duration // whole seconds; zero for none
	Access       *Access       // nil means Everything
}

// PeerStatus is what was observed of one peer since the tunnel is up.
type PeerStatus struct {
	PublicKey     wgtypes.Key
	Endpoint      netip.AddrPort // invalid: not seen yet
	LastHandshake time.Time      // zero: never
	ReceivedBytes uint64
	SentBytes     uint64
}

// Status is a snapshot of the tunnel.
type Status struct {
	Up         bool
	Since      time.Time // when Up became what it is
	Plane      PlaneKind // the one in use, once it was chosen
	Reason     string    // why this one, in a sentence
	Interface  string    // name of the network interface; empty when there is none
	ListenPort uint16
	Further    []uint16 // other UDP ports that are listened on
	PublicKey  wgtypes.Key
	Problem    string // what does not work although the tunnel runs, and what to do
	Arrivals   Arrivals
	Limits     string // how many flows there may be, in words; empty while the tunnel is down
}

func (c *Config) complete() error {
	if c.MTU == 0 {
		c.MTU = DefaultMTU
	}
	if c.Interface == "" {
		c.Interface = DefaultInterface
	}
	if c.Plane == "" {
		c.Plane = PlaneAuto
	}
	switch {
	case c.PrivateKey.IsZero():
		return errors.New("making the tunnel: there is no private key")
	case c.ListenPort == 0:
		return errors.New("making the tunnel: there is no listen port")
	case len(c.Addresses) == 0:
		return errors.New("making the tunnel: there is no address")
	case c.MTU < 1280 || c.MTU > 65535:
		return fmt.Errorf("making the tunnel: MTU %d is not between 1280 and 65535", c.MTU)
	case c.Logger == nil:
		return errors.New("making the tunnel: there is no logger")
	}
	_, err := ParsePlaneKind(string(c.Plane))
	return err
}
