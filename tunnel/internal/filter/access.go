package filter

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
)

// Access says what one peer may reach. The zero Access grants nothing but what
// everybody has: names (DNS) and echo at the tunnel's own addresses.
type Access struct {
	Home     bool      // all things at home: private addresses and the box's networks
	Internet bool      // all that is neither at home nor special
	Peers    bool      // other peers' devices
	Box      []Service // the box's own services, by any of its addresses
	Allow    []Rule    // chosen things at home or in the internet; never the box or a peer
}

// Everything is home and the internet, not other peers and not the box's own services.
func Everything() Access { return Access{Home: true, Internet: true} }

// HomeOnly is all things at home.
func HomeOnly() Access { return Access{Home: true} }

// InternetOnly is the internet without anything at home.
func InternetOnly() Access { return Access{Internet: true} }

// Chosen is what the rules say and nothing else.
func Chosen(rules ...Rule) Access { return Access{Allow: rules} }

// Protocol is what a Service or Rule is about.
type Protocol uint8

// The protocols. The zero Protocol is all of them, those without ports included.
const (
	AnyProtocol Protocol = iota
	TCP
	UDP
	ICMP // echo; errors about a flow go with the flow
)

// PortRange is First to Last, both included.
type PortRange struct{ First, Last uint16 }

// Port is the range of one port.
func Port(p uint16) PortRange { return PortRange{p, p} }

// Service is a protocol and its ports. Without ports it is all of them.
type Service struct {
	Protocol Protocol
	Ports    []PortRange
}

// Range is First to Last, both included and of one family.
type Range struct{ First, Last netip.Addr }

// RangeOf is all addresses of a prefix.
func RangeOf(p netip.Prefix) Range {
	p = p.Masked()
	if !p.IsValid() {
		return Range{}
	}
	last := p.Addr().AsSlice()
	for i := p.Bits(); i < len(last)*8; i++ {
		last[i/8] |= 0x80 >> (i % 8)
	}
	end, _ := netip.AddrFromSlice(last)
	return Range{p.Addr(), end}
}

// Rule allows a service at some addresses.
type Rule struct {
	To Range
	Service
}

// Check says what is wrong with a.
func (a Access) Check() error {
	for _, s := range a.Box {
		if err := s.check(); err != nil {
			return fmt.Errorf("service of the box: %w", err)
		}
	}
	for _, r := range a.Allow {
		if err := errors.Join(r.To.check(), r.Service.check()); err != nil {
			return fmt.Errorf("rule for %v to %v: %w", r.To.First, r.To.Last, err)
		}
	}
	return nil
}

func (s Service) check() error {
	if s.Protocol > ICMP {
		return fmt.Errorf("protocol %d is not known", s.Protocol)
	}
	if s.Protocol == ICMP && len(s.Ports) > 0 {
		return errors.New("ICMP has no ports: leave them out")
	}
	for _, p := range s.Ports {
		if p.First > p.Last {
			return fmt.Errorf("ports %d to %d are the wrong way round", p.First, p.Last)
		}
	}
	return nil
}

func (r Range) check() error {
	for _, a := range []netip.Addr{r.First, r.Last} {
		if !a.IsValid() || a.Zone() != "" || a.Is4In6() {
			return fmt.Errorf("%v is no plain address", a)
		}
	}
	if r.First.BitLen() != r.Last.BitLen() {
		return errors.New("the addresses are of two families")
	}
	if r.First.Compare(r.Last) > 0 {
		return errors.New("the addresses are the wrong way round")
	}
	return nil
}

// contains relies on Compare, for which all of IPv4 comes before all of IPv6.
func (r Range) contains(a netip.Addr) bool {
	return r.First.Compare(a) <= 0 && a.Compare(r.Last) <= 0
}

// covers says whether a flow with this upper protocol and port is the service's.
func (s Service) covers(proto uint8, port uint16) bool {
	switch s.Protocol {
	case TCP:
		if proto != protoTCP {
			return false
		}
	case UDP:
		if proto != protoUDP {
			return false
		}
	case ICMP:
		return proto == protoICMP || proto == protoICMPv6
	}
	if len(s.Ports) == 0 {
		return true
	}
	return (proto == protoTCP || proto == protoUDP) &&
		slices.ContainsFunc(s.Ports, func(r PortRange) bool { return r.First <= port && port <= r.Last })
}

func (a *Access) allows(to netip.Addr, proto uint8, port uint16) bool {
	return slices.ContainsFunc(a.Allow, func(r Rule) bool { return r.To.contains(to) && r.covers(proto, port) })
}

func (a *Access) allowsBox(proto uint8, port uint16) bool {
	return slices.ContainsFunc(a.Box, func(s Service) bool { return s.covers(proto, port) })
}

// clone is a copy that shares nothing with a.
func (a Access) clone() Access {
	a.Box = slices.Clone(a.Box)
	for i, s := range a.Box {
		a.Box[i].Ports = slices.Clone(s.Ports)
	}
	a.Allow = slices.Clone(a.Allow)
	for i, r := range a.Allow {
		a.Allow[i].Ports = slices.Clone(r.Ports)
	}
	return a
}

func (a *Access) equal(b *Access) bool {
	sameService := func(x, y Service) bool { return x.Protocol == y.Protocol && slices.Equal(x.Ports, y.Ports) }
	return a.Home == b.Home && a.Internet == b.Internet && a.Peers == b.Peers &&
		slices.EqualFunc(a.Box, b.Box, sameService) &&
		slices.EqualFunc(a.Allow, b.Allow, func(x, y Rule) bool { return x.To == y.To && sameService(x.Service, y.Service) })
}
