package main

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"homeward/tunnel"
	"homeward/upnp"
	"homeward/web/api"
)

// nameWait is how long the house's name may take to be looked up.
const nameWait = 3 * time.Second

// knocks lets browsers knock at the tunnel's port.
type knocks struct {
	a *appliance

	mu   sync.Mutex // guards last
	last api.Knock
}

// BeginKnock implements api.Knocker.
func (k *knocks) BeginKnock(ctx context.Context) (api.Knock, error) {
	calls := callable(k.a.router(), k.a.endpointAddresses(ctx))
	if len(calls) == 0 {
		return api.Knock{}, api.ErrNoAddress
	}
	made := k.a.tunnel.AwaitKnock(func(from netip.Addr) bool { return k.a.outside(from, calls) })
	k.mu.Lock()
	defer k.mu.Unlock()
	k.last = api.Knock{User: made.User, Password: made.Password, Calls: calls, Until: made.Until}
	return k.last, nil
}

// Knock implements api.Knocker.
func (k *knocks) Knock() (api.Knock, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.last, time.Now().Before(k.last.Until)
}

// HeardKnocks implements api.Knocker.
func (k *knocks) HeardKnocks() []api.HeardKnock { return heardKnocks(k.a.tunnel.Knocks()) }

// heardKnocks are knocks for people and programs, the latest first.
func heardKnocks(heard []tunnel.HeardKnock) (list []api.HeardKnock) {
	slices.SortFunc(heard, func(a, b tunnel.HeardKnock) int { return b.At.Compare(a.At) })
	for _, k := range heard {
		p := proofFrom(upnp.ProofKnock, k.At, k.From.Addr())
		list = append(list, api.HeardKnock{At: k.At.UTC(), Family: familyOf(p), From: p.From.String(), Port: k.Port})
	}
	return list
}

// outside says whether a caller is none of the house's. Whoever seems to call from an
// address that the house is called by has turned round in the router.
func (a *appliance) outside(from netip.Addr, calls []netip.AddrPort) bool {
	turned := slices.ContainsFunc(calls, func(c netip.AddrPort) bool { return c.Addr() == from.Unmap() })
	return !turned && !insider{a.router().WAN, append(a.ownFace(), a.networks.Load().home...)}.has(from)
}

// endpointAddresses are where the endpoint that the operator wrote down leads.
func (a *appliance) endpointAddresses(ctx context.Context) []netip.AddrPort {
	e := a.operators(a.router().Port)
	if e == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, nameWait)
	defer cancel()
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", e.Host) // an address leads to itself
	if err != nil {
		a.log.Info("looking up the endpoint failed", "endpoint", e.Host, "err", err)
	}
	var list []netip.AddrPort
	for _, ip := range found[:min(len(found), 4)] {
		list = append(list, netip.AddrPortFrom(ip.Unmap(), e.Port))
	}
	return list
}

// callable are the public addresses by which the house can be called: those that the
// router opened, and the endpoint's.
func callable(r upnp.Status, endpoint []netip.AddrPort) []netip.AddrPort {
	list := slices.Clone(endpoint)
	if r.Mapping != nil {
		list = append(list, r.Mapping.External)
	}
	if r.Verdict == upnp.ByHand {
		list = append(list, netip.AddrPortFrom(r.External, r.Port))
	}
	if r.IPv6.Verdict == upnp.Mapped {
		list = append(list, r.IPv6.Address)
	}
	var public []netip.AddrPort
	for _, at := range list {
		if ip := at.Addr(); ip.IsGlobalUnicast() && !ip.IsPrivate() && at.Port() != 0 && !slices.Contains(public, at) {
			public = append(public, at)
		}
	}
	return public
}

var _ api.Knocker = (*knocks)(nil)
