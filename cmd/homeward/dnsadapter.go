package main

import (
	"context"
	"errors"
	"net/http"
	"net/netip"

	"homeward/cmd/homeward/internal/dnsname"
	"homeward/configs/secret"
	"homeward/upnp/ddns"
	"homeward/web/api"
)

// nameKeeper shows the house's DNS name to the API.
type nameKeeper struct{ keeper *dnsname.Keeper }

// DNSName implements api.DNS.
func (n nameKeeper) DNSName() api.DNSName {
	s := n.keeper.Status()
	out := api.DNSName{Chosen: s.Chosen, Problem: s.Problem, Providers: dnsProviders()}
	if !s.Chosen {
		return out
	}
	k := s.Keeping
	out.Provider, out.Name, out.User, out.Server = string(s.Settings.Provider), s.Settings.Name, s.Settings.User, s.Settings.Server
	out.Path, out.Zone, out.Algorithm = s.Settings.Path, s.Settings.Zone, s.Settings.Algorithm
	out.State, out.Ready = k.State.String(), s.Ready
	out.Verified, out.LastTry, out.NextTry = k.VerifiedAt.UTC(), k.LastTry.UTC(), k.NextTry.UTC()
	out.Problem, out.Advice = k.Problem, k.Advice
	for _, a := range []netip.Addr{k.Published.A, k.Published.AAAA} {
		if a.IsValid() {
			out.Published = append(out.Published, a.String())
		}
	}
	return out
}

// SetDNSName implements api.DNS.
func (n nameKeeper) SetDNSName(ctx context.Context, in api.NewDNSName) error {
	err := n.keeper.Set(ctx, dnsname.Settings{
		Provider: ddns.Provider(in.Provider), Name: in.Name, User: in.User, Secret: secret.NewText(in.Secret),
		Server: in.Server, Path: in.Path, Zone: in.Zone, Algorithm: in.Algorithm,
	})
	var field *ddns.FieldError
	switch {
	case errors.As(err, &field):
		return &api.Failure{Status: http.StatusBadRequest, Field: field.Field, Err: err}
	case errors.Is(err, dnsname.ErrNoSecret):
		return &api.Failure{Status: http.StatusBadRequest, Field: "secret", Err: err}
	}
	return err
}

// RemoveDNSName implements api.DNS.
func (n nameKeeper) RemoveDNSName(ctx context.Context) error { return n.keeper.Remove(ctx) }

// dnsProviders are those that may be chosen, the simplest first.
func dnsProviders() []api.DNSProvider {
	var list []api.DNSProvider
	for _, p := range ddns.Providers() {
		list = append(list, api.DNSProvider{Key: string(p), Label: p.Label(), Secret: p.SecretName(), NeedsUser: p.NeedsUser(), NeedsServer: p.NeedsServer()})
	}
	return list
}
