package upnp

import (
	"context"
	"net/netip"
	"time"
)

// attempt finds the router if need be, and maps the port.
func (k *keeper) attempt(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	if !k.started {
		ctx = hurried(ctx)
	}
	defer func() { k.started = true }()
	if len(k.candidates) == 0 || k.stale {
		if a := k.find(ctx, false); !a.ok() {
			k.failed(notFoundVerdict(a), a)
			return
		}
	}
	g, a := k.mapPort(ctx)
	if !a.ok() && k.cut && ctx.Err() == nil {
		// A protocol that is slow to answer may do what the quick ones refuse.
		if k.find(ctx, true).ok() {
			g, a = k.mapPort(ctx)
		}
	}
	if !a.ok() {
		g, a = k.elsewhere(ctx, a)
	}
	if !a.ok() {
		k.failed(k.refusedVerdict(a), a)
		k.stale = k.stale || k.missing
		return
	}
	k.hold(ctx, g)
	k.sweep(ctx)
	k.settleNotes(ctx)
}

// sweep looks for leftovers of earlier runs, once, as soon as somebody can.
func (k *keeper) sweep(ctx context.Context) {
	if k.swept {
		return
	}
	n, a := k.session.sweep(ctx, k.want())
	k.swept = a.outcome != unsupported
	if n > 0 {
		k.m.log.Info("removed leftovers of an earlier run from the router", "entries", n)
	}
}

// hold notes what the router granted.
func (k *keeper) hold(ctx context.Context, g grant) {
	now := time.Now()
	k.checkedAt = now
	k.awaySince, k.walked = time.Time{}, false
	fresh := k.mapping == nil
	if fresh {
		k.grantedAt = now
	}
	k.longest = max(k.longest, g.lease)
	if k.heldSince.IsZero() {
		k.heldSince = now
	}
	if g.told {
		k.wan, k.wanTold = g.external, true
	}
	w := k.want()
	next := Mapping{
		Via:      k.session.router().Via,
		Internal: netip.AddrPortFrom(w.client, w.port),
		External: netip.AddrPortFrom(netip.Addr{}, w.port),
		Granted:  g.lease,
		Foreign:  g.foreign,
	}
	if g.verified {
		next.VerifiedAt = now
	}
	if g.lease > 0 && !g.foreign {
		next.GoodUntil = now.Add(g.lease)
		next.RenewAfter = now.Add(max(g.lease/2, minRenew))
	}
	k.mapping = &next
	k.asked = k.asked && !g.foreign
	if !g.foreign {
		k.prolong(ctx)
	}
	k.knockUntil = time.Time{}
	if fresh && g.verified || k.wantsWitness() {
		k.nextCheck = now.Add(firstCheck)
	} else {
		k.nextCheck = now.Add(k.checkPace())
	}
	k.publish(k.heldVerdict(), answer{})
}

// giveBack removes our entry, if there may be one.
func (k *keeper) giveBack(ctx context.Context) {
	if k.maker == nil || !k.asked {
		return
	}
	ctx, cancel := context.WithTimeout(hurried(ctx), releaseTime)
	defer cancel()
	if a := k.maker.remove(ctx, k.want()); !a.ok() {
		k.m.log.Info("leaving the mapping to the end of its lease", "port", k.port,
			"gateway", k.gw.Addr, "problem", a.problem)
		return
	}
	k.asked = false
	k.struck(ctx, k.maker)
	k.m.log.Debug("removed the mapping", "port", k.port, "gateway", k.gw.Addr)
}

// release ends the run.
func (k *keeper) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, releaseTime)
	defer cancel()
	k.giveBack(ctx)
	k.giveBackForwards(ctx)
	s := Off(k.port)
	s.FirstPort = k.m.config.Port
	s.Gateway, s.Router, s.Advice = k.gw, k.lastSeen, ""
	k.side.tell(s)
}
