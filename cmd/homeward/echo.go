package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"homeward/cmd/homeward/internal/house"
	"homeward/peers"
	"homeward/upnp"
	"homeward/web/api"
)

const (
	echoEvery   = time.Hour
	echoAtLeast = time.Minute // between two askings, whatever changes
	echoLook    = 5 * time.Second
	lookupTime  = 5 * time.Second
)

// echoed is what a server outside said of where it sees home.
type echoed struct {
	asked  string // of whom, as in the settings
	told   netip.AddrPort
	server peers.Endpoint
	seen   netip.AddrPort // invalid: nobody answered
	when   time.Time
	// times is how often, one after another, the same other address was seen than the
	// router told, and since when.
	times int
	since time.Time
}

// due says whether it is time to ask. e may be nil.
func (e *echoed) due(asked string, told netip.AddrPort, now time.Time) bool {
	switch {
	case e == nil:
		return true
	case e.asked != asked || e.told != told, e.times > 0 && !e.sighting().Confirmed():
		return now.Sub(e.when) >= echoAtLeast
	}
	return now.Sub(e.when) >= echoEvery
}

// followEcho asks those servers outside that the owner named, until ctx ends.
func (a *appliance) followEcho(ctx context.Context) error {
	t := time.NewTicker(echoLook)
	defer t.Stop()
	for {
		servers, router := a.book.Settings().Echo, a.router()
		told := toldBy(router)
		switch {
		case len(servers) == 0:
			a.echo.Store(nil)
		case a.tunnel.Status().Up && a.echo.Load().due(house.FormatEcho(servers), told, time.Now()):
			a.askEcho(ctx, servers, told)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
	}
}

// toldBy is where the router says that the house is.
func toldBy(r upnp.Status) netip.AddrPort { return netip.AddrPortFrom(r.Told(), r.Port) }

// differs says whether another address was seen than the router told.
func (e *echoed) differs() bool {
	return e.seen.IsValid() && e.told.Addr().IsValid() && e.seen.Addr() != e.told.Addr()
}

// after counts how often the same difference was seen. old may be nil.
func (e *echoed) after(old *echoed) {
	switch {
	case !e.differs():
		return
	case old != nil && old.times > 0 && old.told.Addr() == e.told.Addr() && old.seen.Addr() == e.seen.Addr():
		e.times, e.since = old.times+1, old.since
	default:
		e.times, e.since = 1, e.when
	}
}

// sighting is what it says of the router's word. e may be nil.
func (e *echoed) sighting() upnp.Sighting {
	if e == nil || e.times == 0 {
		return upnp.Sighting{}
	}
	return upnp.Sighting{By: e.server.String(), Told: e.told.Addr(), Seen: e.seen.Addr(), Times: e.times, Since: e.since}
}

// askEcho asks one server after the other until one answers. Where that one sees the
// house elsewhere than the router says, the others are asked, too: one that agrees with
// the router clears it.
func (a *appliance) askEcho(ctx context.Context, servers []peers.Endpoint, told netip.AddrPort) {
	e := askAll(servers, told, func(server peers.Endpoint) (netip.AddrPort, error) {
		at, err := publicAddress(ctx, server)
		if err != nil {
			return netip.AddrPort{}, err
		}
		return a.tunnel.Echo(ctx, at, told.Port())
	}, a.log)
	if ctx.Err() == nil {
		e.after(a.echo.Load())
		a.echo.Store(e)
	}
}

// askAll asks the servers in turn by ask.
func askAll(servers []peers.Endpoint, told netip.AddrPort, ask func(peers.Endpoint) (netip.AddrPort, error), log *slog.Logger) *echoed {
	e := &echoed{asked: house.FormatEcho(servers), told: told, when: time.Now()}
	for i, server := range servers {
		if i == 0 {
			e.server = server
		}
		seen, err := ask(server)
		if err != nil {
			log.Debug("nobody outside said where home is seen", "server", server, "err", err)
			continue
		}
		if first := !e.seen.IsValid(); first || seen.Addr() == told.Addr() {
			e.server, e.seen = server, seen
		}
		if !e.differs() {
			break
		}
	}
	return e
}

// publicAddress looks a server up. One in the house, or nowhere, would see nothing of
// the internet, and is not asked.
func publicAddress(ctx context.Context, server peers.Endpoint) (netip.AddrPort, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	list, err := net.DefaultResolver.LookupNetIP(ctx, "ip4", server.Host)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("looking %s up: %w", server.Host, err)
	}
	for _, addr := range list {
		if addr = addr.Unmap(); addr.IsGlobalUnicast() && !addr.IsPrivate() {
			return netip.AddrPortFrom(addr, server.Port), nil
		}
	}
	return netip.AddrPort{}, fmt.Errorf("looking %s up: it has no address on the internet", server.Host)
}

// sayEcho adds to the address's joint what was seen from outside. It only warns: the
// way in may be right all the same.
func sayEcho(j *api.Joint, e *echoed, router upnp.Status) {
	told := toldBy(router)
	switch {
	case e == nil || e.told != told:
	case !e.seen.IsValid():
		say(j, "echo_silent", "Server", e.server)
	case !told.Addr().IsValid():
	case e.differs():
		say(j, "echo_other", "Server", e.server, "Seen", e.seen.Addr(), "Told", told.Addr())
		if j.State == api.JointWorking {
			j.State = api.JointAttention
		}
		if j.Advice == "" {
			advise(j, "echo_advice")
		}
	case e.seen.Port() != told.Port():
		say(j, "echo_port", "Server", e.server, "Port", e.seen.Port())
	default:
		say(j, "echo_same", "Server", e.server)
	}
}

// fact says it for a report; empty where nobody was asked.
func (e *echoed) fact() string {
	switch {
	case e == nil:
		return ""
	case !e.seen.IsValid():
		return fmt.Sprintf("%v did not answer at %s", e.server, e.when.Local().Format(time.DateTime))
	}
	return fmt.Sprintf("at %v by %v, at %s", e.seen, e.server, e.when.Local().Format(time.DateTime))
}
