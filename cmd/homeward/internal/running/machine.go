package running

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/peers/imports"
)

// Kind is where an interface runs.
type Kind string

// The kinds.
const (
	Kernel  Kind = "kernel"
	Program Kind = "userspace"
)

// Why an interface cannot be read.
var (
	ErrNone       = errors.New("there is none that speaks WireGuard")
	ErrNotAllowed = errors.New("reading it needs the rights of root")
	ErrSilent     = errors.New("its program does not answer")
)

// Interface is one that runs.
type Interface struct {
	Name string
	Kind Kind
	// Port is the UDP port on which it listens, and Devices is how many it knows.
	Port    uint16
	Devices int
	// Err is why those two are not known.
	Err error
}

// Machine is this machine's, but for the one interface that is homeward's own.
type Machine struct {
	own    string
	names  func() ([]named, error)
	ask    func(name string) (*wgtypes.Device, error)
	turns  turns
	waits  time.Duration
	prefix func(name string) ([]netip.Prefix, error)
}

// named is an interface of which no more is known.
type named struct {
	name string
	kind Kind
}

// usual are the names that wg-quick takes. The kernel takes others, such as one with a
// semicolon, which nobody is to be told to type into a shell.
var usual = regexp.MustCompile(`^[a-zA-Z0-9_=+.][a-zA-Z0-9_=+.-]{0,14}$`)

// New looks at the machine. The interface named own is never told nor read; empty: none
// is homeward's.
func New(own string) *Machine {
	return &Machine{own: own, names: names, ask: ask, waits: 3 * time.Second, prefix: prefixes}
}

// List tells what runs, has a usual name and could be a server, in the order of the names. With an error
// there may be more than that.
func (m *Machine) List(ctx context.Context) ([]Interface, error) {
	found, err := m.names()
	var list []Interface
	for _, f := range found {
		if f.name == m.own || !usual.MatchString(f.name) {
			continue
		}
		i := Interface{Name: f.name, Kind: f.kind}
		d, err := m.read(ctx, f.name)
		switch {
		case errors.Is(err, ErrNone): // it went away, or its program did and left the socket
			continue
		case err != nil:
			i.Err = err
		case leadsOut(d):
			continue
		default:
			i.Port, i.Devices = uint16(d.ListenPort), len(d.Peers)
		}
		list = append(list, i)
	}
	slices.SortFunc(list, func(a, b Interface) int { return cmp.Compare(a.Name, b.Name) })
	return list, err
}

// Conf is an interface as the wg-quick file that would make it, with its keys.
func (m *Machine) Conf(ctx context.Context, name string) ([]byte, error) {
	if name == m.own || !usual.MatchString(name) {
		return nil, ErrNone
	}
	own, err := m.prefix(name)
	if err != nil {
		return nil, err
	}
	d, err := m.read(ctx, name)
	if err != nil {
		return nil, err
	}
	return imports.ConfOf(*d, own), nil
}

// leadsOut says that an interface is the way of this machine to somewhere else, such as
// to a provider of a VPN: who has a default route behind it is no device of a house.
func leadsOut(d *wgtypes.Device) bool {
	return slices.ContainsFunc(d.Peers, func(p wgtypes.Peer) bool {
		return slices.ContainsFunc(p.AllowedIPs, func(n net.IPNet) bool { ones, _ := n.Mask.Size(); return ones == 0 })
	})
}

// prefixes are an interface's own addresses but the link-local ones, which every
// interface makes for itself.
func prefixes(name string) ([]netip.Prefix, error) {
	in, err := net.InterfaceByName(name)
	if err != nil {
		return nil, ErrNone
	}
	addrs, err := in.Addrs()
	if err != nil {
		return nil, fmt.Errorf("reading the addresses of %s: %w", name, err)
	}
	var own []netip.Prefix
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && !p.Addr().IsLinkLocalUnicast() {
			own = append(own, p)
		}
	}
	return own, nil
}
