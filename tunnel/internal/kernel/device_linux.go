package kernel

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
	"golang.zx2c4.com/wireguard/tun"

	"homeward/tunnel/internal/plane"
)

const (
	tunPath        = "/dev/net/tun"
	addrGenModeNot = 1 // IN6_ADDR_GEN_MODE_NONE: no link-local address on the tunnel
)

// The name belongs to an interface that we must leave alone.
var (
	errForeign = errors.New("homeward did not make it")
	errInUse   = errors.New("another program uses it")
)

// removeLeftover removes a TUN device that nobody holds. A device of a program
// that runs, or of another kind, is an error.
func removeLeftover(name string) error {
	link, err := netlink.LinkByName(name)
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for interface %q: %w", name, err)
	}
	device, ok := link.(*netlink.Tuntap)
	if !ok {
		return fmt.Errorf("interface %q exists already and is a %s: %w: choose another name, or remove it with \"ip link delete %s\"", name, link.Type(), errForeign, name)
	}
	// A device that does not persist exists only as long as a program holds it.
	if device.NonPersist || device.Mode != netlink.TUNTAP_MODE_TUN || attached(name) {
		return fmt.Errorf("interface %q exists already: %w: stop that program, or choose another name", name, errInUse)
	}
	if err := netlink.LinkDel(link); err != nil {
		return fmt.Errorf("removing the leftover interface %q: %w", name, err)
	}
	return nil
}

// attached says whether a program holds the persistent TUN device.
func attached(name string) bool {
	fd, err := unix.Open(tunPath, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return true // can't tell
	}
	defer unix.Close(fd)
	req, err := unix.NewIfreq(name)
	if err != nil {
		return true
	}
	req.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	return unix.IoctlIfreq(fd, unix.TUNSETIFF, req) != nil
}

// createDevice makes the TUN device, gives it our addresses and brings it up.
// The returned device is to be closed even after an error, unless it is nil.
func createDevice(cfg plane.Config) (tun.Device, netlink.Link, error) {
	device, err := openTUN(cfg.Name, cfg.MTU)
	if err != nil {
		return nil, nil, fmt.Errorf("creating the TUN device %q: %w", cfg.Name, err)
	}
	link, err := netlink.LinkByName(cfg.Name)
	if err != nil {
		return device, nil, fmt.Errorf("looking for the new interface %q: %w", cfg.Name, err)
	}
	if err := prepareInterface(cfg.Name, link); err != nil {
		return device, link, err
	}
	if err := netlink.LinkSetMTU(link, cfg.MTU); err != nil {
		return device, link, fmt.Errorf("setting the MTU of interface %q to %d: %w", cfg.Name, cfg.MTU, err)
	}
	for _, a := range cfg.Addresses {
		if err := addAddress(link, a); err != nil {
			return device, link, err
		}
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return device, link, fmt.Errorf("bringing interface %q up: %w", cfg.Name, err)
	}
	for _, a := range cfg.Addresses {
		if err := awaitAddress(a.Addr()); err != nil {
			return device, link, err
		}
	}
	return device, link, nil
}

// awaitAddress waits until packets to our own address are taken for ours. IPv6
// does that in the background, and would forward them before.
func awaitAddress(a netip.Addr) error {
	const patience, pause = 2 * time.Second, 2 * time.Millisecond
	var tick *time.Ticker
	for began := time.Now(); ; <-tick.C {
		routes, err := netlink.RouteGet(a.AsSlice())
		if err == nil && slices.ContainsFunc(routes, func(r netlink.Route) bool { return r.Type == unix.RTN_LOCAL }) {
			return nil
		}
		if time.Since(began) > patience {
			return fmt.Errorf("waiting for address %v to be usable: it was not within %v (%v)", a, patience, err)
		}
		if tick == nil {
			tick = time.NewTicker(pause)
			defer tick.Stop()
		}
	}
}

// prepareInterface sets what belongs to the interface and goes with it.
func prepareInterface(name string, link netlink.Link) error {
	conf4 := "net/ipv4/conf/" + name
	wanted := []setting{{conf4 + "/forwarding", "1"}}
	if procSys.hasIPv6() {
		// The kernel may be told to have no IPv6 on new interfaces.
		wanted = append(wanted, setting{"net/ipv6/conf/" + name + "/disable_ipv6", "0"})
	}
	for _, w := range wanted {
		if now, err := procSys.read(w.Key); err == nil && now == w.Value {
			continue
		}
		if err := procSys.write(w.Key, w.Value); err != nil {
			return err
		}
	}
	// Peers are no neighbours of each other. It does no harm where settings are
	// read-only, as in a tight service.
	_ = procSys.write(conf4+"/send_redirects", "0")
	// Refused by kernels without IPv6; a link-local address does no harm.
	_ = netlink.LinkSetIP6AddrGenMode(link, addrGenModeNot)
	return nil
}

// addAddress adds one of our addresses; the route to the peers comes with it.
// IPv6 addresses are usable at once: there is nobody who could have the same.
func addAddress(link netlink.Link, p netip.Prefix) error {
	a := &netlink.Addr{IPNet: ipNet(p)}
	if p.Addr().Is6() {
		a.Flags = unix.IFA_F_NODAD
	}
	if err := netlink.AddrAdd(link, a); err != nil {
		return fmt.Errorf("adding address %v to interface %q: %w", p, link.Attrs().Name, err)
	}
	return nil
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// deleteLink makes sure that the interface is gone.
func deleteLink(link netlink.Link) error {
	err := netlink.LinkDel(link)
	if err == nil || errors.Is(err, unix.ENODEV) {
		return nil
	}
	return fmt.Errorf("removing interface %q: %w", link.Attrs().Name, err)
}
