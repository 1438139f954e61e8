package main

import (
	"net/netip"

	"homeward/cmd/homeward/internal/dnsname"
	"homeward/peers"
	"homeward/upnp"
)

// endpointFor decides what clients are told to call: what the operator wrote
// down; else the house's DNS name, once it was seen to lead here; else the
// router's public address; else our own IPv6 address when the router's firewall is
// open for it. The port is the one that the router really opened. It returns nil
// while none is known, since a wrong endpoint in a phone is worse than none.
func endpointFor(operator *peers.Endpoint, name dnsname.Status, router upnp.Status) *peers.Endpoint {
	if operator != nil {
		return operator
	}
	at, only6 := openedAt(router)
	if name.Ready && at.Port() != 0 {
		if e, err := peers.NewNameEndpoint(name.Settings.Name, at.Port()); err == nil {
			return withWarnings(e, only6, dnsname.Status{})
		}
	}
	e, err := peers.NewEndpoint(at, peers.EndpointRouter)
	if err != nil {
		return nil
	}
	return withWarnings(e, only6, name)
}

// openedAt is where the router lets devices in. Its address is not valid when the
// router doesn't tell it; only6 says that there is no way by IPv4.
func openedAt(router upnp.Status) (at netip.AddrPort, only6 bool) {
	m := router.Mapping
	if m != nil && m.External.Addr().IsValid() {
		return m.External, false
	}
	if router.Verdict == upnp.ByHand && router.External.IsValid() {
		return netip.AddrPortFrom(router.External, router.Port), false
	}
	if router.IPv6.Address.IsValid() {
		return router.IPv6.Address, true
	}
	if m != nil {
		return m.External, false
	}
	return netip.AddrPort{}, false
}

func withWarnings(e peers.Endpoint, only6 bool, name dnsname.Status) *peers.Endpoint {
	if only6 {
		e.Warnings = append(e.Warnings, "only networks with IPv6 reach home: mobile networks mostly do, many others don't")
	}
	if name.Chosen {
		e.Warnings = append(e.Warnings, name.Settings.Name+" was not seen to lead here yet: a code that is made now has the address of today")
	}
	return &e
}
