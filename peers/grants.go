package peers

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

const (
	maxGrants   = 64
	maxServices = 16 // of one grant
)

// Grants is an Access taken apart.
type Grants struct {
	Base  Access // everything, home, internet or nothing
	Peers bool   // other people's devices
	Admin bool   // the admin page
	// Box are services of this box itself, but for the admin page; a zero Service
	// is all of them.
	Box []Service
	// Things are granted besides.
	Things []Thing
}

// Thing is some addresses, of one family, and services there; none means all.
type Thing struct {
	First, Last netip.Addr
	Services    []Service
}

// Service is a protocol and ports. The zero Service is all of them.
type Service struct {
	Protocol    string // tcp, udp or icmp; empty means all
	First, Last uint16 // zero means all
}

// Access is the canonical text.
func (g Grants) Access() Access {
	var parts []string
	if g.Base != AccessNothing {
		parts = append(parts, string(g.Base))
	}
	if g.Peers {
		parts = append(parts, "peers")
	}
	if g.Admin {
		parts = append(parts, "admin")
	}
	if len(g.Box) > 0 {
		parts = append(parts, withServices("box", g.Box))
	}
	for _, t := range g.Things {
		parts = append(parts, withServices(t.where(), t.Services))
	}
	if len(parts) == 0 {
		return AccessNothing
	}
	return Access(strings.Join(parts, "; "))
}

// where is the addresses: one, a prefix, or the first and the last.
func (t Thing) where() string {
	if t.First == t.Last {
		return t.First.String()
	}
	for bits := range t.First.BitLen() {
		if p := netip.PrefixFrom(t.First, bits); p.Masked().Addr() == t.First && lastOf(p) == t.Last {
			return p.String()
		}
	}
	return t.First.String() + "-" + t.Last.String()
}

func withServices(where string, services []Service) string {
	for _, s := range services {
		if s != (Service{}) {
			where += " " + s.String()
		}
	}
	return where
}

// String is the service as ParseAccess reads it.
func (s Service) String() string {
	switch {
	case s.First == 0:
		return s.Protocol
	case s.First == s.Last:
		return fmt.Sprintf("%s/%d", s.Protocol, s.First)
	}
	return fmt.Sprintf("%s/%d-%d", s.Protocol, s.First, s.Last)
}

// ParseGrants is ParseAccess, taken apart.
func ParseGrants(s string) (Grants, error) {
	if strings.TrimSpace(s) == "" {
		return Grants{Base: AccessEverything}, nil
	}
	g := Grants{}
	parts := strings.FieldsFunc(s, func(r rune) bool { return r == ';' || r == '\n' || r == '\r' })
	if len(parts) > maxGrants {
		return g, fieldErrorf("access", "has %d grants: %d is the most", len(parts), maxGrants)
	}
	for _, part := range parts {
		if strings.ContainsFunc(part, func(r rune) bool { return unicode.IsControl(r) && r != '\t' }) {
			return g, fieldErrorf("access", "contains a control character: type it again")
		}
		if words := strings.Fields(part); len(words) > 0 {
			if err := g.add(strings.ToLower(words[0]), words[1:]); err != nil {
				return g, err
			}
		}
	}
	if g.Base == "" {
		g.Base = AccessNothing
	}
	return g, nil
}

func (g *Grants) add(what string, words []string) error {
	services, err := parseServices(what, words)
	if err != nil {
		return err
	}
	kind := Access(what)
	switch {
	case kind == AccessEverything || kind == AccessHome || kind == AccessInternet || kind == AccessNothing:
		if g.Base != "" && g.Base != kind {
			return fieldErrorf("access", "has %q and %q: choose one", g.Base, kind)
		}
		g.Base = kind
	case what == "peers":
		g.Peers = true
	case what == "admin":
		g.Admin = true
	case what == "box":
		g.addBox(services)
		return nil
	default:
		return g.addThing(what, services)
	}
	if len(services) > 0 {
		return fieldErrorf("access", "%q takes no services: leave %q out", what, strings.Join(words, " "))
	}
	return nil
}

// addBox adds services of the box; all of them take in each.
func (g *Grants) addBox(services []Service) {
	all := []Service{{}}
	if len(services) == 0 || slices.Equal(g.Box, all) {
		g.Box = all
		return
	}
	for _, s := range services {
		if !slices.Contains(g.Box, s) {
			g.Box = append(g.Box, s)
		}
	}
}

func (g *Grants) addThing(where string, services []Service) error {
	first, last, problem := parseWhere(where)
	if problem != "" {
		return fieldErrorf("access", "%.60q %s", where, problem)
	}
	for _, t := range g.Things {
		if t.First == first && t.Last == last && slices.Equal(t.Services, services) {
			return nil
		}
	}
	g.Things = append(g.Things, Thing{first, last, services})
	return nil
}

// parseWhere reads an address, a prefix, or a range with a hyphen.
func parseWhere(s string) (first, last netip.Addr, problem string) {
	var err error
	switch from, to, hyphen := strings.Cut(s, "-"); {
	case hyphen:
		first, err = netip.ParseAddr(from)
		if err == nil {
			last, err = netip.ParseAddr(to)
		}
	case strings.Contains(s, "/"):
		var p netip.Prefix
		if p, err = netip.ParsePrefix(s); err == nil {
			if p.Masked() != p {
				return first, last, "has more than its " + strconv.Itoa(p.Bits()) + " bits set: write " + p.Masked().String()
			}
			first, last = p.Addr(), lastOf(p)
		}
	default:
		first, err = netip.ParseAddr(s)
		last = first
	}
	if err != nil {
		return first, last, "is no grant: use everything, home, internet, nothing, peers, admin, box, or an address, a prefix or a range"
	}
	for _, a := range []netip.Addr{first, last} {
		if a.Zone() != "" || a.Is4In6() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() && first == last {
			return first, last, "is or has an address that cannot be granted"
		}
	}
	if first.Is4() != last.Is4() || last.Less(first) {
		return first, last, "is no range: write the lower address of the same kind first"
	}
	return first, last, ""
}

// lastOf is the highest address of a prefix.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	for i := p.Bits(); i < 8*len(b); i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(b) // of the length that it had
	return a
}

func parseServices(what string, words []string) ([]Service, error) {
	if len(words) > maxServices {
		return nil, fieldErrorf("access", "%.60q has %d services: %d is the most", what, len(words), maxServices)
	}
	var list []Service
	for _, w := range words {
		s, ok := parseService(strings.ToLower(w))
		if !ok {
			return nil, fieldErrorf("access", "%.40q is no service: write tcp, udp or icmp, or ports such as tcp/80 or udp/5000-5010", w)
		}
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list, nil
}

func parseService(w string) (Service, bool) {
	protocol, ports, some := strings.Cut(w, "/")
	s := Service{Protocol: protocol}
	if protocol != "tcp" && protocol != "udp" && (protocol != "icmp" || some) {
		return s, false
	}
	if !some {
		return s, true
	}
	from, to, hyphen := strings.Cut(ports, "-")
	if !hyphen {
		to = from
	}
	var ok1, ok2 bool
	s.First, ok1 = parsePort(from)
	s.Last, ok2 = parsePort(to)
	return s, ok1 && ok2 && s.First <= s.Last
}

func parsePort(s string) (uint16, bool) {
	n, err := strconv.ParseUint(s, 10, 16)
	return uint16(n), err == nil && n > 0 && s[0] != '0' && s[0] != '+'
}
