package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"log/slog"
	"net/netip"

	"homeward/cmd/homeward/internal/dnsname"
	"homeward/cmd/homeward/internal/house"
	"homeward/configs"
	"homeward/configs/state"
	"homeward/peers"
	"homeward/tunnel"
	"homeward/upnp"
	"homeward/upnp/byhand"
	"homeward/upnp/forwards"
	"homeward/upnp/journal"
	"homeward/upnp/proven"
	"homeward/web/account"
	"homeward/web/account/passkeys"
	"homeward/web/account/tokens"
)

func (a *appliance) makeParts(ctx context.Context, b *box) error {
	var err error
	if a.clock, err = newClock(ctx, a.state, b.tty.wall); err != nil {
		return err
	}
	if a.book, err = house.New(ctx, a.state.DB(), a.log); err != nil {
		return err
	}
	if a.tunnel, err = newTunnel(b, a.state, a.identity, a.port, a.resolvers(), a.aside); err != nil {
		return err
	}
	a.keeper = &lastGoodKeeper{state: a.state, now: a.clock.Now, log: a.log, again: make(chan struct{}, 1)}
	a.keeper.identity.Store(&a.identity)
	if a.name, err = dnsname.New(ctx, dnsname.Config{Vault: a.state, Logger: a.log}); err != nil {
		return err
	}
	a.peers, err = peers.New(ctx, peers.Config{DB: a.state.DB(), Device: device{a.tunnel, a.settings.AdminPort, &sightings{clock: a.clock}}, Now: a.clock.Now, Facts: a.facts, Defaults: func() peers.Defaults { return a.book.Settings().New },
		KeepCodes: func() bool { return a.book.Settings().KeepCodes }, Box: a.state.Box, EraseAside: a.eraseAside, Logger: a.log})
	if err != nil {
		return err
	}
	rules := forwards.Config{DB: a.state.DB(), House: a.house}
	if a.settings.MapPort {
		elsewhere, err := a.elsewhere()
		if err != nil {
			return err
		}
		if a.mapper, err = newMapper(a.settings, a.state, a.identity, a.port, elsewhere, a.log); err != nil {
			return err
		}
		rules.Mapper = a.mapper
	}
	var owner byhand.Mapper
	if a.mapper != nil {
		owner = a.mapper
	}
	if a.byHand, err = byhand.New(ctx, a.state.DB(), owner); err != nil {
		return err
	}
	if a.proven, err = proven.New(ctx, a.state.DB()); err != nil {
		return err
	}
	if a.forwards, err = forwards.New(ctx, rules); err != nil {
		return err
	}
	if a.account, err = account.New(account.Config{DB: a.state.DB(), Box: a.state.Box, Logger: a.log, Refused: a.noteRefused}); err != nil {
		return err
	}
	if a.tokens, err = tokens.NewBook(tokens.Config{DB: a.state.DB(), Logger: a.log, Refused: func(from netip.Addr) { a.noteRefused(refusedToken, from, "") }}); err != nil {
		return err
	}
	if a.passkeys, err = passkeys.NewBook(passkeys.Config{DB: a.state.DB(), Logger: a.log, Refused: func(from netip.Addr) { a.noteRefused(refusedPasskey, from, "") }}); err != nil {
		return err
	}
	if err := a.makeHistory(ctx); err != nil {
		return err
	}
	a.keeper.peers = a.peers
	return a.catchUp(ctx)
}

// resolvers are asked for names by devices: those of the page, else the box's own.
func (a *appliance) resolvers() func() []netip.AddrPort {
	own := tunnel.SystemResolvers()
	return func() []netip.AddrPort {
		if chosen := a.book.Settings().Resolvers; len(chosen) > 0 {
			return chosen
		}
		return own()
	}
}

// newTunnel makes the tunnel of an identity; no resolvers are the box's own. One that
// stands aside has no network interface, whatever the settings say.
func newTunnel(b *box, st *state.State, id state.Identity, port uint16, resolvers func() []netip.AddrPort, aside bool) (*tunnel.Tunnel, error) {
	c := tunnel.Config{
		PrivateKey: id.PrivateKey, ListenPort: port, Addresses: id.Plan.Own(), Plane: tunnel.PlaneKind(b.settings.Plane),
		Interface: b.settings.Interface, StateDir: st.Dir(), Memory: b.budget.Limit, Resolvers: resolvers, Logger: b.log,
	}
	if aside && c.Plane != tunnel.PlaneNetstack {
		c.Plane, c.Why = tunnel.PlaneNetstack, "Rootless, since a network interface with addresses of this machine's own network would cut it off."
	}
	return tunnel.New(c)
}

// elsewhere lets the mapper use another port. An operator who chose one gets that or
// none: he may have had a reason, such as a rule of his own in the router.
func (a *appliance) elsewhere() (upnp.Elsewhere, error) {
	if a.settings.Port != 0 {
		return nil, nil
	}
	o := &otherPort{
		first: a.port, tunnel: a.tunnel, state: a.state, port: a.identity.OtherPort,
		promised: func() bool { return len(a.peers.List()) > 0 },
		kept:     a.keeper.otherPort,
	}
	return o, o.listen(o.port)
}

// newMapper makes the port mapper of an identity; elsewhere may be nil.
func newMapper(s configs.Settings, st *state.State, id state.Identity, port uint16, elsewhere upnp.Elsewhere, log *slog.Logger) (*upnp.Mapper, error) {
	cfg := mapperConfig(s, id, port, log)
	cfg.Elsewhere = elsewhere
	cfg.Journal = journal.New(st.DB())
	return upnp.New(cfg)
}

// mapperConfig is a port mapper's without a memory.
func mapperConfig(s configs.Settings, id state.Identity, port uint16, log *slog.Logger) upnp.Config {
	return upnp.Config{Port: port, Description: "homeward-" + id.Instance, Secret: pcpSecret(id), SecondRouter: s.MapSecond, Logger: log}
}

// pcpSecret is what the port mapper proves its ownership with: the same at every
// start, and useless for anything else.
func pcpSecret(id state.Identity) []byte {
	key := id.PrivateKey.Reveal()
	h := hmac.New(sha256.New, key[:])
	h.Write([]byte("homeward port mapping"))
	return h.Sum(nil)
}
