package netstack

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

// errNotDialable is what every refusal of the policy wraps.
var errNotDialable = errors.New("not reachable through the tunnel")

// errBox is the refusal of the host itself by one of its own addresses, said
// as such: the only one that a grant can lift.
var errBox = fmt.Errorf("%w: the host itself", errNotDialable)

// ownAddressesAge is how long a reading of the host's addresses is believed. A
// socket that still reaches the host by a newer address is recognised after
// connecting, see dialHost.
const ownAddressesAge = time.Second

// policy is the choke point: it decides to which addresses sockets may be
// opened for a peer. The sockets have the host's identity, so that whatever
// trusts the host (its loopback services, the cloud's metadata service) would
// trust the peer.
type policy struct {
	tunnel []netip.Prefix                 // our own addresses with the tunnel's prefix lengths
	host   func() ([]netip.Prefix, error) // addresses of the host with their networks' lengths
	now    func() time.Time

	mu     sync.Mutex // guards what follows
	read   time.Time
	own    map[netip.Addr]bool // true: the host's addresses; false: its networks' broadcast addresses
	failed error
}

func newPolicy(tunnel []netip.Prefix) *policy {
	return &policy{tunnel: tunnel, host: interfacePrefixes, now: time.Now}
}

// dialable says why a flow of a peer must not be carried on to addr, or nil.
func (p *policy) dialable(addr netip.Addr) error {
	if addr.Zone() != "" || addr.Is4In6() {
		// A mapped address never belongs on a wire (RFC 4942, section 2.2).
		return fmt.Errorf("%v: %w: not an address of a packet", addr, errNotDialable)
	}
	if err := p.plain(addr); err != nil {
		return err
	}
	for _, a := range embedded(addr) {
		if err := p.plain(a); err != nil {
			return fmt.Errorf("%v: %w: it leads to %v", addr, errNotDialable, err)
		}
	}
	return nil
}

// plain is dialable for an address taken at its word.
func (p *policy) plain(addr netip.Addr) error {
	refuse := func(why string) error { return fmt.Errorf("%v: %w: %s", addr, errNotDialable, why) }
	for _, f := range forbidden {
		if f.prefix.Contains(addr) {
			return refuse(f.why)
		}
	}
	for _, t := range p.tunnel {
		if t.Contains(addr) {
			return refuse("another peer")
		}
	}
	own, err := p.hostAddresses()
	if err != nil {
		return refuse("the host's own addresses are not known: " + err.Error())
	}
	if its, found := own[addr]; found && its {
		return fmt.Errorf("%v: %w", addr, errBox)
	} else if found {
		return refuse("broadcast")
	}
	return nil
}

// hostAddresses returns what the host's interfaces have now. When they cannot
// be read, the last reading counts; without any, nothing is dialable.
func (p *policy) hostAddresses() (map[netip.Addr]bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if !p.read.IsZero() && now.Sub(p.read) < ownAddressesAge {
		return p.own, p.failed
	}
	p.read = now
	prefixes, err := p.host() // a system call, and no more often than once in ownAddressesAge
	if err != nil {
		if p.own == nil {
			p.failed = err
		}
		return p.own, p.failed
	}
	own := make(map[netip.Addr]bool, 2*len(prefixes))
	for _, pre := range prefixes {
		if b, ok := broadcast(pre); ok {
			own[b] = false
			own[pre.Masked().Addr()] = false // the all-zeros broadcast of old
		}
	}
	for _, pre := range prefixes {
		own[pre.Addr()] = true
	}
	p.own, p.failed = own, nil
	return own, nil
}

// forbidden networks hold nothing that a peer may reach.
var forbidden = []struct {
	prefix netip.Prefix
	why    string
}{
	{netip.MustParsePrefix("0.0.0.0/8"), "unspecified"},
	{netip.MustParsePrefix("127.0.0.0/8"), "loopback"},
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local"},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast"},
	{netip.MustParsePrefix("240.0.0.0/4"), "reserved or broadcast"},
	{netip.MustParsePrefix("100.100.100.200/32"), "metadata service"},
	{netip.MustParsePrefix("168.63.129.16/32"), "metadata service"},
	{netip.MustParsePrefix("::/96"), "unspecified, loopback or an IPv4-compatible address"},
	{netip.MustParsePrefix("::ffff:0:0:0/96"), "IPv4-translated address"}, // RFC 2765
	{netip.MustParsePrefix("fe80::/10"), "link-local"},
	{netip.MustParsePrefix("fec0::/10"), "site-local"},
	{netip.MustParsePrefix("ff00::/8"), "multicast"},
	{netip.MustParsePrefix("fd00:ec2::254/128"), "metadata service"},
	{netip.MustParsePrefix("fd20:ce::254/128"), "metadata service"},
	// RFC 8215: where in it the IPv4 address lies is the network's own choice,
	// so that it cannot be looked at.
	{netip.MustParsePrefix("64:ff9b:1::/48"), "local-use translation prefix"},
}

var (
	nat64     = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052
	sixToFour = netip.MustParsePrefix("2002::/16")    // RFC 3056
	teredo    = netip.MustParsePrefix("2001::/32")    // RFC 4380
)

// embedded returns the IPv4 addresses to which a translator or a tunnel on the
// way would take addr.
func embedded(addr netip.Addr) []netip.Addr {
	if !addr.Is6() {
		return nil
	}
	b := addr.As16()
	at := func(i int) netip.Addr { return netip.AddrFrom4([4]byte(b[i : i+4])) }
	switch {
	case nat64.Contains(addr):
		return []netip.Addr{at(12)}
	case sixToFour.Contains(addr):
		return []netip.Addr{at(2)}
	case teredo.Contains(addr):
		client := at(12).As4()
		for i := range client {
			client[i] ^= 0xff // RFC 4380, section 4: obfuscated
		}
		return []netip.Addr{at(4), netip.AddrFrom4(client)}
	case b[8]&^0x03 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe: // ISATAP, RFC 5214, section 6.1
		return []netip.Addr{at(12)}
	}
	return nil
}

// broadcast returns the directed broadcast address of an IPv4 network. Go sets
// SO_BROADCAST on every UDP socket, so that nothing else would hold it back.
func broadcast(p netip.Prefix) (netip.Addr, bool) {
	if !p.Addr().Is4() || p.Bits() > 30 {
		return netip.Addr{}, false
	}
	b := p.Masked().Addr().As4()
	for i := p.Bits(); i < 32; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	return netip.AddrFrom4(b), true
}

// interfacePrefixes reads the addresses of all the host's interfaces.
func interfacePrefixes() ([]netip.Prefix, error) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("reading the host's addresses: %w", err)
	}
	var out []netip.Prefix
	for _, a := range addrs {
		n, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		if addr, ok := netip.AddrFromSlice(n.IP); ok {
			ones, bits := n.Mask.Size()
			addr = addr.Unmap()
			if addr.Is4() && bits == 128 {
				ones -= 96
			}
			out = append(out, netip.PrefixFrom(addr, ones))
		}
	}
	return out, nil
}
