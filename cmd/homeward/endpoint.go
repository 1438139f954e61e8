package main

import (
	"homeward/peers"
	"homeward/upnp"
)

// endpointFor decides what clients are told to call: what the operator wrote
// down, else the router's public address with the port that it really opened.
// It returns nil while neither is known, since a wrong endpoint in a phone is
// worse than none.
func endpointFor(operator *peers.Endpoint, router upnp.Status) *peers.Endpoint {
	if operator != nil {
		return operator
	}
	m := router.Mapping
	if m == nil || !m.External.Addr().IsValid() {
		return nil
	}
	e, err := peers.NewEndpoint(m.External, peers.EndpointRouter)
	if err != nil {
		return nil
	}
	return &e
}
