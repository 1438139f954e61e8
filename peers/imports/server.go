package imports

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/configs/secret"
	"homeward/peers"
)

// Bounds of what is believed to be a home's server.
const (
	MaxFile    = 16 << 20 // bytes
	MaxDevices = 10_000

	maxAddresses = 64    // of a device
	maxProblems  = 1_000 // that are told: nobody reads more, and a file of nonsense has millions
	maxDropped   = 1_000
)

// Server is another WireGuard server as homeward understands it.
type Server struct {
	Kind       string // of its software, for people
	PrivateKey secret.Key
	Port       uint16         // UDP
	Addresses  []netip.Prefix // its own in the tunnel, with the network's length
	Endpoint   string         // what its devices call, if it is known
	Devices    []Device
	Dropped    []string // what is not taken over, in sentences
}

// Device is one that may come in there.
type Device struct {
	Name         string // as it is there; empty when it has none
	PublicKey    wgtypes.Key
	PresharedKey secret.Key // zero: none
	Addresses    []netip.Addr
	Access       peers.Access // what it may reach, if the server bounds that; empty: it does not
	Enabled      bool
	Expires      time.Time // zero: never
	Created      time.Time // zero: not known
}

// Problem is something that keeps a server from being imported.
type Problem struct {
	Where string `json:"where"` // "wg0.conf, line 7", "device Anna"
	What  string `json:"what"`  // a sentence
}

// Problems are all that were found.
type Problems []Problem

// Error implements error.
func (p Problems) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d problems:", len(p))
	if len(p) == 1 {
		b.Reset()
		b.WriteString("a problem:")
	}
	for _, one := range p {
		fmt.Fprintf(&b, "\n  %s: %s", one.Where, one.What)
	}
	return b.String()
}

// orNil is an error only if there are problems.
func (p Problems) orNil() error {
	if len(p) == 0 {
		return nil
	}
	return p
}

func (p *Problems) add(where, format string, args ...any) {
	if len(*p) == maxProblems {
		where, format, args = "the files", "there are more problems than %d: these are the first ones", []any{maxProblems}
	}
	if len(*p) <= maxProblems {
		*p = append(*p, Problem{where, fmt.Sprintf(format, args...)})
	}
}

func (s *Server) drop(format string, args ...any) {
	switch {
	case len(s.Dropped) > maxDropped:
		return
	case len(s.Dropped) == maxDropped:
		format, args = "More than %d things are not taken over: these are the first ones.", []any{maxDropped}
	}
	if said := fmt.Sprintf(format, args...); !slices.Contains(s.Dropped, said) {
		s.Dropped = append(s.Dropped, said)
	}
}

// takeAllowed gives a device the single addresses of its server-side AllowedIPs;
// networks behind it are not taken over.
func (s *Server) takeAllowed(d *Device, where, list string, problems *Problems) {
	for part := range strings.SplitSeq(list, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		p, err := parsePrefix(part)
		switch {
		case err != nil:
			problems.add(where, "%q is no address", short(part))
		case len(d.Addresses) >= maxAddresses:
			problems.add(where, "more than %d addresses", maxAddresses)
			return
		case p.IsSingleIP():
			if !slices.Contains(d.Addresses, p.Addr()) {
				d.Addresses = append(d.Addresses, p.Addr())
			}
		default:
			s.drop("%s: the network %v behind this device is not reached any more.", where, p)
		}
	}
}

// parsePrefix reads an address with or without a length.
func parsePrefix(s string) (netip.Prefix, error) {
	if strings.Contains(s, "/") {
		p, err := netip.ParsePrefix(s)
		if err == nil && p.Addr().Is4In6() {
			err = fmt.Errorf("%s is an IPv4 address in IPv6's form", s)
		}
		return p, err
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" || a.Is4In6() {
		return netip.Prefix{}, fmt.Errorf("%s is no address", s)
	}
	return netip.PrefixFrom(a, a.BitLen()), nil
}

func parseKey(where, what, text string, problems *Problems) wgtypes.Key {
	k, err := wgtypes.ParseKey(strings.TrimSpace(text))
	if err != nil || k == (wgtypes.Key{}) { // the text may be a secret: it is not shown
		problems.add(where, "the %s is no WireGuard key", what)
		return wgtypes.Key{}
	}
	return k
}

// short makes a foreign text fit to be shown.
func short(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	if r := []rune(s); len(r) > 80 {
		return string(r[:79]) + "…"
	}
	return s
}

// harmless makes the value of a setting fit to be shown: a key, which may be a device's
// private one noted where it does not belong, is not.
func harmless(value string) string {
	if _, err := wgtypes.ParseKey(value); err == nil {
		return "(a key)"
	}
	return short(value)
}
