package main

import (
	"context"
	"net/netip"
	"time"

	"homeward/web/api"
)

const (
	// How often it is tried out whether the router turns packets round: what was
	// seen is believed for longer than what was not.
	hairpinEvery = 6 * time.Hour
	hairpinAgain = 10 * time.Minute
	// hairpinLook is how long a change of home's address may go unnoticed by that.
	hairpinLook = 5 * time.Second
)

// hairpin is whether the router turned packets to home's own address round.
type hairpin struct {
	at    netip.AddrPort // home's address and port on the internet
	turns bool
	when  time.Time
}

// due says whether it is time to try it out. h may be nil.
func (h *hairpin) due(at netip.AddrPort, now time.Time) bool {
	if h == nil || h.at != at {
		return true
	}
	every := hairpinEvery
	if !h.turns {
		every = hairpinAgain
	}
	return now.Sub(h.when) >= every
}

// followHairpin looks again and again whether a device at home can reach the
// house by its public address, until ctx ends.
func (a *appliance) followHairpin(ctx context.Context) error {
	t := time.NewTicker(hairpinLook)
	defer t.Stop()
	for {
		m, old := a.router().Mapping, a.hairpin.Load()
		switch {
		case m == nil || !m.External.Addr().IsValid():
			a.hairpin.Store(nil)
		case a.tunnel.Status().Up && old.due(m.External, time.Now()):
			turns := a.tunnel.Turns(ctx, m.External)
			if ctx.Err() == nil {
				a.hairpin.Store(&hairpin{m.External, turns, time.Now()})
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
	}
}

// atHome is what devices at home find when they call the public address.
func (a *appliance) atHome() api.Hairpin {
	switch h := a.hairpin.Load(); {
	case h == nil:
		return api.HairpinUnknown
	case h.turns:
		return api.HairpinWorks
	}
	return api.HairpinMissing
}

// hairpinFact says it for a report.
func hairpinFact(h api.Hairpin) string {
	return map[api.Hairpin]string{
		api.HairpinWorks:   "the router lets devices at home reach its public address",
		api.HairpinMissing: "the router doesn't let devices at home reach its public address: there, switch the tunnel off",
	}[h]
}
