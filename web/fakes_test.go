package web

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"homeward/peers"
	"homeward/web/api"
)

// noRouter has one port open.
type noRouter struct{}

func (noRouter) Ports(context.Context) (api.PortTable, error) {
	return api.PortTable{Router: "phone router", Complete: true, Ports: []api.Port{{Protocol: "TCP", External: 3389, Risk: "danger"}}}, nil
}

func (noRouter) ClosePort(context.Context, string, uint16) error { return nil }

func (noRouter) ForwardByHand(context.Context, string) error { return nil }

func (noRouter) AskRouterAgain(context.Context) error { return nil }

func (noRouter) Guide(string) (api.Guide, error) { return api.Guide{Name: "a phone's router"}, nil }

// fakeName takes any name but one.
type fakeName struct{ now api.NewDNSName }

func (f *fakeName) DNSName() api.DNSName {
	n := f.now
	return api.DNSName{Provider: n.Provider, Name: n.Name, User: n.User, Server: n.Server, Path: n.Path, Zone: n.Zone, Algorithm: n.Algorithm, Providers: []api.DNSProvider{}}
}

func (f *fakeName) SetDNSName(_ context.Context, n api.NewDNSName) error {
	if n.Name == "" {
		return &api.Failure{Status: http.StatusBadRequest, Field: "name", Err: errors.New("the name is missing")}
	}
	f.now = n
	return nil
}

func (f *fakeName) RemoveDNSName(context.Context) error { f.now = api.NewDNSName{}; return nil }

// fakeHouse takes anything but a bad endpoint.
type fakeHouse struct{ now api.Settings }

func (f *fakeHouse) Settings() api.Settings { return f.now }

func (f *fakeHouse) ChangeSettings(_ context.Context, c api.SettingsChange) error {
	for to, text := range map[*string]*string{&f.now.House: c.House, &f.now.Endpoint: c.Endpoint, &f.now.Resolvers: c.Resolvers, &f.now.Echo: c.Echo, &f.now.Profile: c.Profile, &f.now.Access: c.Access} {
		if text == nil {
			continue
		}
		if to == &f.now.Endpoint && *text != "" {
			if _, err := peers.ParseEndpoint(*text, 51820); err != nil {
				return err
			}
		}
		if to == &f.now.Echo && strings.Contains(*text, "://") {
			return peers.NewFieldError("echo", "more than two servers to ask are too many: leave the others out")
		}
		*to = *text
	}
	if c.DNS != nil {
		f.now.DNS = *c.DNS
	}
	if c.KeepCodes != nil {
		f.now.KeepCodes = *c.KeepCodes
	}
	f.now.EchoAnswered = f.now.EchoAnswered || c.Echo != nil
	for to, n := range map[*int]*int{&f.now.MTU: c.MTU, &f.now.Keepalive: c.Keepalive} {
		if n != nil {
			*to = *n
		}
	}
	return nil
}
