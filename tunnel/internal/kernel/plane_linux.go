package kernel

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
	"golang.zx2c4.com/wireguard/tun"

	"homeward/tunnel/internal/plane"
)

// Plane is the kernel's data plane. It implements plane.Plane,
// plane.FlowCutter, plane.FlowJudge, plane.BoxOpener, plane.PortKeeper,
// plane.Watcher and plane.ProblemReporter.
type Plane struct {
	cfg   plane.Config
	rules *ruleset

	device tun.Device
	link   netlink.Link // nil before it exists

	mu        sync.Mutex // guards what follows, and the table once it is written
	problems  []string   // with what was changed in the host
	undo      journal
	journal   string // path; empty when nothing was noted
	listeners map[io.Closer]struct{}
	conns     map[*conn]struct{} // accepted by listeners
	closed    bool
	boxUsers  []netip.Addr // in the table's sets, for OpenBox

	tableProblem   string    // what Watch found
	repaired       time.Time // when Watch wrote the table last
	forwardProblem string    // what Watch found
	forwarded      time.Time // when Watch switched forwarding on last
}

var (
	_ plane.Plane           = (*Plane)(nil)
	_ plane.FlowCutter      = (*Plane)(nil)
	_ plane.FlowJudge       = (*Plane)(nil)
	_ plane.BoxOpener       = (*Plane)(nil)
	_ plane.PortKeeper      = (*Plane)(nil)
	_ plane.Watcher         = (*Plane)(nil)
	_ plane.ProblemReporter = (*Plane)(nil)
)

// minMTU is what IPv6 needs (RFC 8200, section 5).
const minMTU = 1280

// Open removes what a killed run has left, changes the host as the package
// comment says, and returns the plane. After an error nothing is changed.
func Open(cfg plane.Config) (plane.Plane, error) {
	p, err := open(cfg)
	if err != nil {
		return nil, fmt.Errorf("opening the kernel data plane: %w", err)
	}
	return p, nil
}

func open(cfg plane.Config) (_ *Plane, err error) {
	if err := check(cfg); err != nil {
		return nil, err
	}
	if err := removeLeftover(cfg.Name); err != nil {
		return nil, err
	}
	p := &Plane{cfg: cfg, listeners: map[io.Closer]struct{}{}, conns: map[*conn]struct{}{}}
	if err := undoJournal(journalPath(cfg.StateDir, cfg.Name)); err != nil {
		p.complain("what an earlier run changed in the host could not be undone", err)
	}
	if !procSys.hasIPv6() {
		p.cfg.Addresses = slices.DeleteFunc(slices.Clone(cfg.Addresses), func(a netip.Prefix) bool { return a.Addr().Is6() })
		if len(p.cfg.Addresses) < len(cfg.Addresses) {
			p.problems = append(p.problems, "this system's kernel runs without IPv6, so that peers have IPv4 only: start it without ipv6.disable=1")
		}
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
		}
	}()
	if err := p.forward(); err != nil {
		return nil, err
	}
	p.rules = newRuleset(p.cfg)
	if err := p.rules.write(); err != nil {
		return nil, err
	}
	if p.device, p.link, err = createDevice(p.cfg); err != nil {
		return nil, err
	}
	// Once more: our interface has begun with what the host's default is.
	if err := p.forward(); err != nil {
		return nil, err
	}
	return p, nil
}

func check(cfg plane.Config) error {
	if n := len(cfg.Name); n == 0 || n >= unix.IFNAMSIZ || strings.ContainsAny(cfg.Name, "/: \t\n%") || cfg.Name == "." || cfg.Name == ".." {
		return fmt.Errorf("interface name %q: it must have 1 to %d characters, without spaces, slashes, colons and percent signs", cfg.Name, unix.IFNAMSIZ-1)
	}
	if cfg.MTU < minMTU || cfg.MTU > 65535 {
		return fmt.Errorf("MTU %d is not between %d and 65535", cfg.MTU, minMTU)
	}
	seen := map[bool]netip.Prefix{}
	for _, a := range cfg.Addresses {
		if !a.IsValid() || a.Addr().Is4In6() || a.Addr().Zone() != "" {
			return fmt.Errorf("tunnel address %v: it is no plain address with a prefix length", a)
		}
		if ip := a.Addr(); ip.IsMulticast() || ip.IsLoopback() || ip.IsUnspecified() || ip.IsLinkLocalUnicast() {
			return fmt.Errorf("tunnel address %v: it is of no use to peers, choose a private one", a)
		}
		if other, ok := seen[a.Addr().Is4()]; ok {
			return fmt.Errorf("tunnel addresses %v and %v: there may be one of each family", other, a)
		}
		seen[a.Addr().Is4()] = a
	}
	if len(seen) == 0 {
		return errors.New("no tunnel address is given")
	}
	return nil
}

// KeepPorts keeps the source ports of peers' flows off these.
func (p *Plane) KeepPorts(ports []uint16) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	if err := p.rules.keepPorts(ports); err != nil {
		return fmt.Errorf("keeping peers off the UDP ports %v: %w", ports, err)
	}
	return nil
}

// complain tells a problem once, whatever temporary file its error names.
func (p *Plane) complain(what string, err error) {
	if slices.ContainsFunc(p.problems, func(told string) bool { return strings.HasPrefix(told, what) }) {
		return
	}
	p.cfg.Logger.Warn(what, "err", err)
	p.problems = append(p.problems, fmt.Sprintf("%s: %v", what, err))
}

// Device returns the TUN device.
func (p *Plane) Device() tun.Device { return p.device }

// Problem says what keeps peers from reaching what they may reach, or "".
func (p *Plane) Problem() string {
	p.mu.Lock()
	problems := slices.Clone(p.problems)
	for _, found := range []string{p.tableProblem, p.forwardProblem} {
		if found != "" {
			problems = append(problems, found)
		}
	}
	p.mu.Unlock()
	if chains := blockers(p.cfg.Name); len(chains) > 0 {
		problems = append(problems, fmt.Sprintf(
			"other firewall rules drop by default what they don't know (%s), so that peers may not get through: allow interface %s there, or use the netstack plane",
			strings.Join(chains, ", "), p.cfg.Name))
	}
	return strings.Join(problems, "; ")
}

// Close ends all flows and undoes what Open changed.
func (p *Plane) Close() error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil
	}
	p.closed = true
	listeners := p.listeners
	p.listeners = nil
	p.mu.Unlock()

	for l := range listeners {
		l.Close()
	}
	p.cutConns(func(netip.Addr) bool { return true })
	var errs []error
	if p.device != nil {
		p.device.Close() // wireguard-go has; its second answer means nothing
	}
	if p.link != nil {
		errs = append(errs, deleteLink(p.link))
		p.forgetFlows(func(a netip.Addr) bool {
			return slices.ContainsFunc(p.cfg.Addresses, func(own netip.Prefix) bool { return own.Contains(a) })
		})
	}
	if p.rules != nil {
		errs = append(errs, deleteTable(p.cfg.Name))
	}
	if err := procSys.restore(p.undo); err != nil {
		errs = append(errs, err) // the journal stays for Cleanup
	} else if p.journal != "" {
		errs = append(errs, removeJournal(p.journal))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("closing the kernel data plane: %w", err)
	}
	return nil
}

// Cleanup removes what a killed run with this interface name and state folder
// has left: the interface, the nftables table and changed sysctls. It leaves
// everything alone when the interface is in use. Nothing there is no error.
func Cleanup(name, stateDir string) error {
	if err := removeLeftover(name); err != nil && !errors.Is(err, errForeign) {
		return fmt.Errorf("cleaning up: %w", err)
	}
	if err := errors.Join(deleteTable(name), undoJournal(journalPath(stateDir, name))); err != nil {
		return fmt.Errorf("cleaning up: %w", err)
	}
	return nil
}
