package main

import (
	"net/netip"
	"slices"

	"homeward/configs"
	"homeward/peers"
	"homeward/upnp"
)

// operatorsEndpoint is what the operator wrote down, or nil.
func operatorsEndpoint(s configs.Settings, port uint16) (*peers.Endpoint, error) {
	if s.Endpoint == "" {
		return nil, nil
	}
	e, err := peers.ParseEndpoint(s.Endpoint, port)
	if err != nil {
		return nil, usage(err)
	}
	return &e, nil
}

// houseNames are the names by which the house is called, if it has any.
func (a *appliance) houseNames() []string {
	var list []string
	for _, n := range []string{a.name.Status().Settings.Name, hostOf(a.operators(a.port))} {
		if _, err := netip.ParseAddr(n); n != "" && err != nil && !slices.Contains(list, n) {
			list = append(list, n)
		}
	}
	return list
}

func hostOf(e *peers.Endpoint) string {
	if e == nil {
		return ""
	}
	return e.Host
}

// callAt is what clients are told to call at this moment, or nil.
func (a *appliance) callAt(router upnp.Status) *peers.Endpoint {
	return endpointFor(a.operators(router.Port), a.name.Status(), router)
}

// operators is what people wrote down: in the file, else on the page; or nil. Without a
// port it means the one that is open.
func (a *appliance) operators(port uint16) *peers.Endpoint {
	text := a.settings.Endpoint
	if text == "" {
		text = a.book.Settings().Endpoint
	}
	if text == "" {
		return nil
	}
	e, err := peers.ParseEndpoint(text, port)
	if err != nil {
		return a.endpoint // both were checked
	}
	return &e
}
