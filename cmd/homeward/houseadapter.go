package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"homeward/cmd/homeward/internal/house"
	"homeward/peers"
	"homeward/web/api"
)

// houseBook shows the settings of the house to the API.
type houseBook struct {
	keeper *house.Keeper
	file   []api.FileSetting
	calls  func() *peers.Endpoint                    // where devices call at this moment, or nil
	forget func(ctx context.Context, was bool) error // erases what is kept of codes; was: until now they were
}

// Settings implements api.House.
func (b houseBook) Settings() api.Settings {
	s := b.keeper.Settings()
	out := api.Settings{
		House: s.Name, Endpoint: s.Endpoint, Resolvers: house.FormatResolvers(s.Resolvers), Echo: house.FormatEcho(s.Echo), MTU: s.MTU,
		Profile: cmp.Or(string(s.New.Profile), string(peers.ProfileHome)), Access: cmp.Or(string(s.New.Access), string(peers.AccessEverything)),
		DNS: s.New.DNS == nil || *s.New.DNS, Keepalive: int(peers.DefaultKeepalive / time.Second), File: b.file,
		EchoAnswered: s.EchoAnswered || len(s.Echo) > 0, EchoOffers: house.EchoOffers(), KeepCodes: s.KeepCodes,
	}
	if s.New.Keepalive != nil {
		out.Keepalive = int(*s.New.Keepalive / time.Second)
	}
	if e := b.calls(); e != nil {
		out.Calls = e.String()
	}
	return out
}

// ChangeSettings implements api.House. The codes that were kept are erased before it
// returns, if they are not to be kept any more.
func (b houseBook) ChangeSettings(ctx context.Context, c api.SettingsChange) error {
	was := false
	err := b.keeper.Change(ctx, func(s *house.Settings) error {
		was = s.KeepCodes
		if c.KeepCodes != nil {
			s.KeepCodes = *c.KeepCodes
		}
		if c.House != nil {
			s.Name = strings.TrimSpace(*c.House)
		}
		if c.Endpoint != nil {
			s.Endpoint = strings.TrimSpace(*c.Endpoint)
		}
		if c.Resolvers != nil {
			list, err := house.ParseResolvers(*c.Resolvers)
			if err != nil {
				return err
			}
			s.Resolvers = list
		}
		if c.Echo != nil {
			list, err := house.ParseEcho(*c.Echo)
			if err != nil {
				return err
			}
			s.Echo, s.EchoAnswered = list, true
		}
		if c.MTU != nil {
			s.MTU = *c.MTU
		}
		if c.Profile != nil {
			s.New.Profile = peers.Profile(*c.Profile)
		}
		if c.Access != nil {
			s.New.Access = peers.Access(*c.Access)
		}
		if c.DNS != nil {
			on := *c.DNS
			s.New.DNS = &on
		}
		if c.Keepalive != nil {
			every := time.Duration(min(max(*c.Keepalive, -1), 1<<16)) * time.Second // what is too much stays too much
			s.New.Keepalive = &every
		}
		return nil
	})
	if err != nil || c.KeepCodes == nil || *c.KeepCodes {
		return err
	}
	if err := b.forget(ctx, was); err != nil {
		return fmt.Errorf("codes are not kept any more, and those that were will be erased as soon as it is possible: %w", err)
	}
	return nil
}
