package upnp

import (
	"context"
	"time"
)

// SetByHand says whether the owner forwards the port himself in the router's settings.
// Then the router is not asked for it, so that the two don't fight over it, an entry
// that we made is taken back, and the verdict is ByHand. The router is still looked
// for and asked for its address. The way in by IPv6 and the forwards go on.
func (m *Mapper) SetByHand(on bool) {
	m.byHand.Store(on)
	select {
	case m.rewanted <- struct{}{}:
	default: // the keeper will look anyway
	}
}

// leavesToOwner reports whether this side's port is the owner's business.
func (k *keeper) leavesToOwner() bool { return k.side.leads && k.m.byHand.Load() }

// rehand has a change of SetByHand take effect at once.
func (k *keeper) rehand() {
	if on := k.leavesToOwner(); on != k.left {
		k.left, k.failures, k.nextTry = on, 0, time.Now()
	}
}

// leaveToOwner does what is due while the owner forwards the port: looks where home is.
func (k *keeper) leaveToOwner(ctx context.Context) {
	if k.mapping != nil {
		k.mapping, k.heldSince, k.nextTry = nil, time.Time{}, time.Now()
	}
	if time.Now().Before(k.nextTry) {
		return
	}
	k.giveBack(ctx) // again where it didn't work the last time
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	defer func() { k.started = true }()
	var a answer
	if len(k.candidates) == 0 || k.stale {
		a = k.find(ctx, true)
	}
	next := checkEvery // as for any router that doesn't answer
	if a.ok() {
		// The last one is UPnP, where it is spoken, which tells the address best.
		k.session = k.candidates[len(k.candidates)-1]
		k.lastSeen = k.session.router()
		a = k.askAddress(ctx)
		next = addressEvery
		k.stale = a.outcome == moved || a.outcome == silent
	}
	k.nextTry = time.Now().Add(next)
	v := k.heldVerdict()
	if v == Mapped {
		v = ByHand // what stands in the way of any forwarding is said first
	}
	k.publish(v, answer{problem: a.problem})
}
