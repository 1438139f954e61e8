package main

import (
	"homeward/peers"
	"homeward/upnp"
)

// endpointFor decides what clients are told to call: what the operator wrote
// down, else the router's public address with the port that it really opened, else
// our own IPv6 address when the router's firewall is open for it. It returns nil
// while none is known, since a wrong endpoint in a phone is worse than none.
func endpointFor(operator *peers.Endpoint, router upnp.Status) *peers.Endpoint {
	if operator != nil {
		return operator
	}
	at := router.IPv6.Address
	if m := router.Mapping; m != nil && m.External.Addr().IsValid() {
		at = m.External
	}
	e, err := peers.NewEndpoint(at, peers.EndpointRouter)
	if err != nil {
		return nil
	}
	if at.Addr().Is6() {
		e.Warnings = append(e.Warnings, "only networks with IPv6 reach home: mobile networks mostly do, many others don't")
	}
	return &e
}
