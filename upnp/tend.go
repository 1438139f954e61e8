package upnp

import (
	"context"
	"net/netip"
	"time"
)

// tend does what is due on a mapping that we hold.
func (k *keeper) tend(ctx context.Context) {
	now := time.Now()
	if k.failures > 0 && now.Sub(k.heldSince) >= steadyAfter {
		k.failures, k.denied = 0, Denied{}
	}
	if !k.mapping.Foreign && !k.mapping.RenewAfter.IsZero() && !now.Before(k.mapping.RenewAfter) {
		k.renew(ctx)
	}
	if k.held() && !now.Before(k.nextCheck) {
		k.check(ctx)
	}
	if k.held() && !now.Before(k.nextAddress) {
		switch a := k.askAddress(ctx); a.outcome {
		case notThere:
			k.m.log.Info("opening the port again", "gateway", k.gw.Addr, "via", k.mapping.Via, "problem", a.problem)
			k.recheckForwards()
			k.renew(ctx)
		case moved, silent:
			k.lost(a)
		default:
			k.publish(k.heldVerdict(), answer{problem: a.problem})
		}
	}
}

// renew asks again for the mapping. Some routers say yes and don't lengthen the
// lease: near its end the entry is then made anew, within one second.
func (k *keeper) renew(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	g, a := k.session.add(ctx, k.want())
	if a.ok() && !g.foreign && g.lease > 0 && g.lease < k.longest/4 {
		k.session.remove(ctx, k.want())
		g, a = k.session.add(ctx, k.want())
	}
	if !a.ok() {
		k.lost(a)
		return
	}
	k.hold(ctx, g)
}

// checkPace is how often the mapping is read back: firewalls that were loaded anew and
// routers that tidy up tell nobody. PCP and NAT-PMP have no other way to look than to
// ask for the mapping again, one packet each way, by which PCP tells the router's address
// too. An IPv6 opening is asked for rarely: some routers add another one each time.
func (k *keeper) checkPace() time.Duration {
	if k.side.six {
		return checkEvery
	}
	return lookEvery
}

// lookAgain is the least time between two looks, however many wait for them.
const lookAgain = 5 * time.Second

// look reads the mapping back soon.
func (k *keeper) look() {
	k.nextCheck = earliest(k.nextCheck, k.checkedAt.Add(lookAgain))
}

// check reads the mapping back.
func (k *keeper) check(ctx context.Context) {
	if k.wantsWitness() {
		k.findWitness(ctx)
	}
	k.nextCheck = time.Now().Add(k.checkPace())
	g, a := k.session.check(ctx, k.want())
	switch a.outcome {
	case done:
		if !g.verified || k.side.six {
			k.asked = k.asked || !g.foreign
			k.hold(ctx, g) // asked for anew, for want of a way to look, or of one that is safe
			return
		}
		k.checkedAt = time.Now()
		seen := *k.mapping
		seen.VerifiedAt = k.checkedAt
		seen.Foreign = k.mapping.Foreign && g.foreign
		k.mapping = &seen
		k.publish(k.heldVerdict(), answer{})
	case notThere:
		if a.problem == "" || a.code != 0 {
			a.problem = "the router forgot the entry"
		}
		k.lost(a)
	case conflict, moved, silent:
		k.lost(a)
	default:
		// This router can't be asked; renewing is all there is.
	}
}

// askAddress asks the router for its address on the internet side.
func (k *keeper) askAddress(ctx context.Context) answer {
	every := addressEvery
	switch unwitnessed(k.session).(type) {
	case *pcpSession, *pmpSession, *firewallSession:
		every = epochEvery
	}
	addr, a := k.session.external(ctx)
	if a.outcome == failed || a.ok() && classify(addr) == wanNone {
		every = epochEvery // the line is down: somebody waits for it
	}
	k.nextAddress = time.Now().Add(every)
	switch a.outcome {
	case done:
		if addr != k.wan && k.wan.IsValid() {
			k.nextCheck = time.Now() // many routers load their firewall anew then
		}
		k.wan, k.wanTold, k.checkedAt = addr, true, time.Now()
	case failed:
		k.wan, k.wanTold = netip.Addr{}, true
	default:
		// The router didn't say: what it said last stands.
	}
	return a
}
