package peers

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/configs/secret"
)

// DefaultKeepalive keeps the path through the client's own NAT open, so that
// home can reach the client as well.
const DefaultKeepalive = 25 * time.Second

// ClientConfig is what a peer's device needs to come home. It is typed to the
// end: Text is the only place where it becomes text.
type ClientConfig struct {
	ID           ID
	Name         Name
	PrivateKey   secret.Key     // zero: the device brought its own public key
	Addresses    []netip.Prefix // of the client, /32 and /128
	DNS          []netip.Addr
	MTU          int // zero leaves it to the app
	ServerKey    wgtypes.Key
	PresharedKey secret.Key
	AllowedIPs   []netip.Prefix
	Endpoint     Endpoint
	Keepalive    time.Duration // whole seconds; zero leaves it out

	profile Profile        // what AllowedIPs follow
	home    []netip.Prefix // AllowedIPs of ProfileHome, for other
	second  bool           // made by other
}

// newClientConfig puts together what p gets.
func newClientConfig(p Peer, private secret.Key, endpoint Endpoint, f Facts) ClientConfig {
	addresses := make([]netip.Prefix, 0, len(p.Addresses))
	for _, a := range p.Addresses {
		addresses = append(addresses, netip.PrefixFrom(a, a.BitLen()))
	}
	var dns []netip.Addr
	if p.DNS {
		if dns = p.Resolvers.Addrs(); dns == nil {
			dns = f.DNS
		}
	}
	return ClientConfig{
		ID:           p.ID,
		Name:         p.Name,
		PrivateKey:   private,
		Addresses:    addresses,
		DNS:          dns,
		MTU:          f.MTU,
		ServerKey:    f.PublicKey,
		PresharedKey: p.PresharedKey,
		AllowedIPs:   p.routed(dns, f),
		Endpoint:     endpoint,
		Keepalive:    p.Keepalive,
		profile:      p.Profile,
		home:         allowedIPs(ProfileHome, f),
	}.clone()
}

// OtherProfile is the one that the config does not follow.
func (c ClientConfig) OtherProfile() Profile {
	if c.profile == ProfileEverything {
		return ProfileHome
	}
	return ProfileEverything
}

// other is the same config with the other profile.
func (c ClientConfig) other() ClientConfig {
	c = c.clone()
	c.second, c.profile = !c.second, c.OtherProfile()
	c.AllowedIPs = everywhere()
	if c.profile == ProfileHome {
		c.AllowedIPs = slices.Clone(c.home)
	}
	return c
}

// everywhere is both families always: one alone would leak the other past home.
func everywhere() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
}

// clone returns a copy that shares nothing that can be changed.
func (c ClientConfig) clone() ClientConfig {
	c.Addresses = slices.Clone(c.Addresses)
	c.DNS = slices.Clone(c.DNS)
	c.AllowedIPs = slices.Clone(c.AllowedIPs)
	c.Endpoint.Warnings = slices.Clone(c.Endpoint.Warnings)
	return c
}

// allowedIPs is what a client sends through the tunnel: masked, without
// duplicates and sorted. It is comfort for the client and no protection for
// home: what a peer may reach is decided in the tunnel.
func allowedIPs(profile Profile, f Facts) []netip.Prefix {
	if profile == ProfileEverything {
		return everywhere()
	}
	var list []netip.Prefix
	for _, p := range slices.Concat(f.Tunnel, f.LAN) {
		if p = p.Masked(); p.IsValid() && !p.Addr().IsLinkLocalUnicast() { // each link has its own fe80::/64
			list = append(list, p)
		}
	}
	slices.SortFunc(list, comparePrefixes)
	return slices.Compact(list)
}

// comparePrefixes puts IPv4 first, then orders by address and length.
func comparePrefixes(a, b netip.Prefix) int {
	if c := a.Addr().Compare(b.Addr()); c != 0 {
		return c
	}
	return a.Bits() - b.Bits()
}

// Text renders the config as a wg-quick file with no other keys than those the
// official apps accept. For a device that keeps its own private key the line
// is missing, and the owner adds it there. Text refuses a value that is
// missing, out of range or could begin another line.
func (c ClientConfig) Text() ([]byte, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("rendering the config of device %d: %w", c.ID, err)
	}
	var w textWriter
	w.section("Interface")
	if !c.PrivateKey.IsZero() {
		w.line("PrivateKey", c.PrivateKey.Reveal().String())
	}
	w.line("Address", joined(c.Addresses))
	if len(c.DNS) > 0 {
		w.line("DNS", joined(c.DNS))
	}
	if c.MTU != 0 {
		w.line("MTU", strconv.Itoa(c.MTU))
	}
	w.section("Peer")
	w.line("PublicKey", c.ServerKey.String())
	w.line("PresharedKey", c.PresharedKey.Reveal().String())
	w.line("AllowedIPs", joined(c.AllowedIPs))
	w.line("Endpoint", c.Endpoint.String())
	if c.Keepalive != 0 {
		w.line("PersistentKeepalive", strconv.Itoa(int(c.Keepalive/time.Second)))
	}
	if w.err != nil {
		return nil, fmt.Errorf("rendering the config of device %d: %w", c.ID, w.err)
	}
	return w.text.Bytes(), nil
}

// check refuses a config that no client could use.
func (c ClientConfig) check() error {
	switch {
	case len(c.Addresses) == 0:
		return errors.New("the device has no address")
	case len(c.AllowedIPs) == 0:
		return errors.New("nothing would go through the tunnel")
	case c.ServerKey == wgtypes.Key{}:
		return errors.New("the server's public key is missing")
	case c.PresharedKey.IsZero():
		return errors.New("the preshared key is missing")
	case c.MTU != 0 && (c.MTU < 1280 || c.MTU > 65535): // RFC 8200 section 5
		return fmt.Errorf("an MTU of %d is impossible: use 1280 to 65535", c.MTU)
	case c.Keepalive < 0 || c.Keepalive%time.Second != 0 || c.Keepalive/time.Second > 65535:
		return fmt.Errorf("a keepalive of %v is impossible: use whole seconds up to 65535", c.Keepalive)
	}
	for _, p := range slices.Concat(c.Addresses, c.AllowedIPs) {
		if !p.IsValid() {
			return errors.New("a network prefix is invalid")
		}
	}
	for _, a := range c.DNS {
		if !a.IsValid() || a.Zone() != "" { // a zone is free text
			return fmt.Errorf("%q is unusable as a DNS address", a)
		}
	}
	return c.Endpoint.check()
}

func joined[T fmt.Stringer](values []T) string {
	texts := make([]string, 0, len(values))
	for _, v := range values {
		texts = append(texts, v.String())
	}
	return strings.Join(texts, ", ")
}

// textWriter writes lines of which no value can break out, and keeps the first error.
type textWriter struct {
	text bytes.Buffer
	err  error
}

func (w *textWriter) section(name string) {
	if w.text.Len() > 0 {
		w.text.WriteByte('\n')
	}
	w.text.WriteString("[" + name + "]\n")
}

func (w *textWriter) line(key, value string) {
	hostile := func(r rune) bool { return r > unicode.MaxASCII || unicode.IsControl(r) || r == '#' }
	if w.err == nil && (value == "" || strings.ContainsFunc(value, hostile)) {
		w.err = fmt.Errorf("the value of %s is empty or contains characters that it must not", key)
	}
	w.text.WriteString(key + " = " + value + "\n")
}
