package state

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
)

// Plan is the tunnel's address plan: one network of each family.
type Plan struct {
	V4 netip.Prefix // a /24, unless another one was chosen or imported
	V6 netip.Prefix // a unique local /64 (RFC 4193)
}

// ErrNoPlan says that there is no network for a tunnel that nobody else uses.
var ErrNoPlan = errors.New("no network was found for the tunnel")

// common are networks that homes, cafés, providers, containers and other VPNs
// use: a tunnel in one of them would collide sooner or later.
var common = parsePrefixes(
	"10.0.0.0/15", "10.8.0.0/16", "10.6.0.0/16", "10.10.0.0/16", "10.13.13.0/24", "10.42.0.0/15", "10.88.0.0/16", "10.89.0.0/16", "10.90.0.0/16",
	"10.96.0.0/12", "10.128.0.0/16", "10.211.0.0/16", "10.254.0.0/15",
)

func parsePrefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

// ChooseAddressPlan draws a plan from random that overlaps neither taken nor a
// network in common use.
func ChooseAddressPlan(taken []netip.Prefix, random io.Reader) (Plan, error) {
	return choosePlan(taken, random, 24, 64)
}

// choosePlan is ChooseAddressPlan for networks of other lengths, which imported
// servers have.
func choosePlan(taken []netip.Prefix, random io.Reader, bits4, bits6 int) (Plan, error) {
	avoid := slices.Concat(taken, common)
	var b [7]byte
	for range 1000 {
		if _, err := io.ReadFull(random, b[:]); err != nil {
			return Plan{}, fmt.Errorf("choosing the tunnel's addresses: %w", err)
		}
		p := Plan{
			V4: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, b[0], b[1], 0}), bits4).Masked(),
			V6: netip.PrefixFrom(netip.AddrFrom16([16]byte{0xfd, b[2], b[3], b[4], b[5], b[6], 0, b[1]}), bits6).Masked(),
		}
		if _, _, clash := p.Conflict(avoid); !clash {
			return p, nil
		}
	}
	return Plan{}, fmt.Errorf("choosing the tunnel's addresses: %w: none of the size /%d is free in 10.0.0.0/8", ErrNoPlan, bits4)
}

// Another draws another plan that ChooseAddressPlan could have drawn, with networks as
// long as p's. Its IPv4 network is not p's. The IPv6 network stays as long as nothing
// in taken overlaps it.
func (p Plan) Another(taken []netip.Prefix, random io.Reader) (Plan, error) {
	next, err := choosePlan(append(slices.Clone(taken), p.V4), random, p.V4.Bits(), p.V6.Bits())
	if err != nil {
		return Plan{}, err
	}
	if !slices.ContainsFunc(taken, p.V6.Overlaps) {
		next.V6 = p.V6
	}
	return next, nil
}

// Own returns our own addresses in the tunnel with the prefix's length: the
// first host of each network.
func (p Plan) Own() []netip.Prefix {
	return []netip.Prefix{
		netip.PrefixFrom(p.V4.Masked().Addr().Next(), p.V4.Bits()),
		netip.PrefixFrom(p.V6.Masked().Addr().Next(), p.V6.Bits()),
	}
}

// Conflict returns the first network of taken that overlaps the plan, and
// which of the plan's it hits.
func (p Plan) Conflict(taken []netip.Prefix) (mine, theirs netip.Prefix, clash bool) {
	for _, t := range taken {
		for _, own := range []netip.Prefix{p.V4, p.V6} {
			if own.Overlaps(t) {
				return own, t, true
			}
		}
	}
	return netip.Prefix{}, netip.Prefix{}, false
}

func parsePlan(v4, v6 string) (Plan, error) {
	var p Plan
	var err4, err6 error
	p.V4, err4 = netip.ParsePrefix(v4)
	p.V6, err6 = netip.ParsePrefix(v6)
	if err := errors.Join(err4, err6); err != nil {
		return Plan{}, err
	}
	if !p.V4.Addr().Is4() || !p.V6.Addr().Is6() {
		return Plan{}, fmt.Errorf("the networks %v and %v are of the wrong family", p.V4, p.V6)
	}
	return p, nil
}
