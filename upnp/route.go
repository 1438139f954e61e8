package upnp

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// lookAtRoute notices another gateway or another address of ours. Everything known
// is then about a network that we are no longer in.
func (k *keeper) lookAtRoute(ctx context.Context) {
	gw, err := k.side.gateway()
	if err != nil && !errors.Is(err, ErrNoGateway) && k.gw.Addr.IsValid() {
		// The kernel was too busy to say; that is no reason to leave.
		k.m.log.Debug("looking for the router", "err", err)
		k.nextRoute = time.Now().Add(noRouteEvery)
		return
	}
	gw.Addr, gw.Self = gw.Addr.Unmap(), gw.Self.Unmap()
	if err == nil && !k.side.fits(gw) {
		err = fmt.Errorf("the gateway %v isn't one for this family of addresses: %w", gw.Addr, ErrNoGateway)
	}
	if err != nil {
		k.nextRoute = time.Now().Add(noRouteEvery)
		if k.side.six {
			k.nextRoute = time.Now().Add(routeEvery) // most homes are without for ever
		}
		k.leave(ctx, Gateway{})
		k.publish(NoRouter, answer{problem: err.Error()})
		return
	}
	k.nextRoute = time.Now().Add(routeEvery)
	if gw != k.gw {
		k.leave(ctx, gw)
	}
}

// leave gives up the old place and begins at the new one. The old router is told
// if it can still be reached from the new place, briefly.
func (k *keeper) leave(ctx context.Context, next Gateway) {
	k.giveBack(ctx)
	k.leaveForwards(ctx)
	if k.gw.Self.IsValid() && k.gw.client() != next.client() {
		k.former = append(k.former, k.gw.client())
		if len(k.former) > 8 {
			k.former = k.former[1:]
		}
	}
	k.gw, k.session, k.mapping, k.asked = next, nil, nil, false
	k.candidates, k.passed, k.cut, k.missing, k.maker, k.worked, k.stale = nil, nil, false, false, nil, "", false
	k.lastSeen, k.wan, k.wanTold, k.longest = Router{}, netip.Addr{}, false, 0
	k.failures, k.denied, k.walked, k.nextTry, k.started = 0, Denied{}, false, time.Now(), false
	k.heldSince, k.nextWitness, k.knockUntil = time.Time{}, time.Time{}, time.Time{}
	k.restored, k.nonce = "", Nonce{}
	k.restore()
	k.ears.listen(k.stopping, k.side, next, k.m.log)
}
