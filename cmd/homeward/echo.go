package main

import (
	"context"
	"fmt"
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
}

// due says whether it is time to ask. e may be nil.
func (e *echoed) due(asked string, told netip.AddrPort, now time.Time) bool {
	switch {
	case e == nil:
		return true
	case e.asked != asked || e.told != told:
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
		told := netip.AddrPortFrom(router.WAN, router.Port)
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

// askEcho asks one server after the other until one answers.
func (a *appliance) askEcho(ctx context.Context, servers []peers.Endpoint, told netip.AddrPort) {
	e := &echoed{asked: house.FormatEcho(servers), told: told, when: time.Now()}
	for _, server := range servers {
		e.server = server
		at, err := publicAddress(ctx, server)
		if err == nil {
			e.seen, err = a.tunnel.Echo(ctx, at, told.Port())
		}
		if err == nil {
			break
		}
		a.log.Debug("nobody outside said where home is seen", "server", server, "err", err)
	}
	if ctx.Err() == nil {
		a.echo.Store(e)
	}
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
	told := netip.AddrPortFrom(router.WAN, router.Port)
	switch {
	case e == nil || e.told != told:
	case !e.seen.IsValid():
		say(j, "echo_silent", "Server", e.server)
	case !told.Addr().IsValid():
	case e.seen.Addr() != told.Addr():
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
