package upnp

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// keeper is the state of one Run. Only its goroutine touches it.
type keeper struct {
	m        *Mapper
	stopping context.Context // Run's: when it has ended, half an answer is no news
	ears     *ears

	gw      Gateway // the zero value while there is none
	former  []netip.Addr
	session session // the candidate in use; nil while none answered
	stale   bool    // the session is to be found anew before it is used for more than giving back
	// candidates are all sessions that answered, the preferred one first.
	candidates []session
	passed     []string // what the protocols before the first candidate answered
	cut        bool     // find didn't wait for all protocols
	missing    bool     // a candidate didn't do its work as a router should: find them anew
	maker      session  // the candidate that was asked for the mapping last
	worked     string   // Via of the one that made it
	lastSeen   Router   // of this gateway
	wan        netip.Addr
	wanTold    bool     // the router answered when asked for its address
	mapping    *Mapping // nil, or what is there, or is believed to be
	asked      bool     // an entry of ours may be on the router, also without a mapping
	swept      bool     // leftovers of earlier runs were looked for
	started    bool     // the first attempt is over: keep distance between calls

	failures  int           // in a row
	longest   time.Duration // the longest lease granted here
	checkedAt time.Time
	heldSince time.Time // zero while there is trouble

	nextRoute, nextTry, nextCheck, nextAddress time.Time
	nextWitness                                time.Time
	nextKnock, knockUntil                      time.Time // see knock; knockUntil is zero while all is well
	hintedAt                                   time.Time // when an announcement made, or will make, us ask
}

// step does what is due and returns when the next thing is.
func (k *keeper) step(ctx context.Context) time.Time {
	if !time.Now().Before(k.nextRoute) {
		k.lookAtRoute(ctx)
	}
	if !k.gw.Addr.IsValid() {
		return k.nextRoute
	}
	if !k.held() {
		k.knock(ctx)
		if !time.Now().Before(k.nextTry) {
			k.attempt(ctx)
		}
	} else {
		k.tend(ctx)
	}
	return k.due()
}

// held reports whether there is a mapping and a router to tend it with.
func (k *keeper) held() bool { return k.session != nil && !k.stale && k.mapping != nil }

func (k *keeper) due() time.Time {
	if !k.gw.Addr.IsValid() {
		return k.nextRoute
	}
	if !k.held() {
		at := earliest(k.nextRoute, k.nextTry)
		if k.knocking() {
			at = earliest(at, k.nextKnock)
		}
		return at
	}
	at := earliest(k.nextRoute, k.nextCheck, k.nextAddress)
	if !k.mapping.Foreign && !k.mapping.RenewAfter.IsZero() {
		at = earliest(at, k.mapping.RenewAfter)
	}
	return at
}

func earliest(first time.Time, more ...time.Time) time.Time {
	for _, t := range more {
		if t.Before(first) {
			first = t
		}
	}
	return first
}

// lookAtRoute notices another gateway or another address of ours. Everything known
// is then about a network that we are no longer in.
func (k *keeper) lookAtRoute(ctx context.Context) {
	gw, err := k.m.gateway()
	if err != nil && !errors.Is(err, ErrNoGateway) && k.gw.Addr.IsValid() {
		// The kernel was too busy to say; that is no reason to leave.
		k.m.log.Debug("looking for the router", "err", err)
		k.nextRoute = time.Now().Add(noRouteEvery)
		return
	}
	gw.Addr, gw.Self = gw.Addr.Unmap(), gw.Self.Unmap()
	if err == nil && (!gw.Addr.Is4() || !gw.Self.Is4()) {
		err = fmt.Errorf("the gateway has no IPv4 address: %w", ErrNoGateway)
	}
	if err != nil {
		k.nextRoute = time.Now().Add(noRouteEvery)
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
	if k.gw.Self.IsValid() && k.gw.Self != next.Self {
		k.former = append(k.former, k.gw.Self)
		if len(k.former) > 8 {
			k.former = k.former[1:]
		}
	}
	k.gw, k.session, k.mapping, k.asked = next, nil, nil, false
	k.candidates, k.passed, k.cut, k.missing, k.maker, k.worked, k.stale = nil, nil, false, false, nil, "", false
	k.lastSeen, k.wan, k.wanTold, k.longest = Router{}, netip.Addr{}, false, 0
	k.failures, k.nextTry, k.started = 0, time.Now(), false
	k.heldSince, k.nextWitness, k.knockUntil = time.Time{}, time.Time{}, time.Time{}
	k.ears.listen(k.stopping, k.m, next)
}

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
		k.failed(k.refusedVerdict(a), a)
		k.stale = k.stale || k.missing
		return
	}
	k.hold(g)
	k.sweep(ctx)
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

func (k *keeper) want() want {
	return want{
		port:        k.m.config.Port,
		description: k.m.config.Description,
		lease:       k.m.config.Lease,
		client:      k.gw.Self,
		former:      k.former,
		held:        k.mapping != nil && !k.mapping.Foreign,
	}
}

// hold notes what the router granted.
func (k *keeper) hold(g grant) {
	now := time.Now()
	k.checkedAt = now
	fresh := k.mapping == nil
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
	k.knockUntil = time.Time{}
	if fresh && g.verified || k.wantsWitness() {
		k.nextCheck = now.Add(firstCheck)
	} else {
		k.nextCheck = now.Add(checkEvery)
	}
	k.publish(k.heldVerdict(), answer{})
}

// heldVerdict says what a mapping is worth, given the router's own address.
func (k *keeper) heldVerdict() Verdict {
	if !k.wanTold {
		return Mapped
	}
	switch classify(k.wan) {
	case wanPrivate:
		return PrivateWAN
	case wanCarrier:
		return CarrierNAT
	case wanNone:
		return NoWAN
	}
	return Mapped
}

// tend does what is due on a mapping that we hold.
func (k *keeper) tend(ctx context.Context) {
	now := time.Now()
	if k.failures > 0 && now.Sub(k.heldSince) >= steadyAfter {
		k.failures = 0
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
	k.hold(g)
}

// check reads the mapping back.
func (k *keeper) check(ctx context.Context) {
	k.nextCheck = time.Now().Add(checkEvery)
	if k.wantsWitness() {
		k.findWitness(ctx)
	}
	g, a := k.session.check(ctx, k.want())
	switch a.outcome {
	case done:
		if !g.verified {
			k.hold(g) // asked for anew, for want of a way to look
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

// knock asks a router that went away whether it is back, by the one packet that
// NAT-PMP and PCP need: searching for it every few seconds would be too much for
// the LAN, and waiting for the next search too long for the one who is out.
func (k *keeper) knock(ctx context.Context) {
	if !k.knocking() || time.Now().Before(k.nextKnock) {
		return
	}
	k.nextKnock = time.Now().Add(knockEvery)
	if _, a := unwitnessed(k.maker).external(ctx); a.outcome != moved && a.outcome != silent {
		k.nextTry = time.Now()
	}
}

// knocking is true for a while after a router that we had a mapping on, by PCP or
// NAT-PMP, stopped answering altogether.
func (k *keeper) knocking() bool {
	return len(k.candidates) == 0 && time.Now().Before(k.knockUntil)
}

// lost notes that what we held is in doubt or gone. The first time we try again
// at once, and only that tells whether it is news; when it happens again soon,
// the usual pauses follow.
func (k *keeper) lost(a answer) {
	if k.failures > 0 {
		k.failed(k.refusedVerdict(a), a)
		return
	}
	k.note(a)
	k.nextTry = time.Now()
}

// failed notes a failure and says so.
func (k *keeper) failed(v Verdict, a answer) {
	k.note(a)
	k.publish(v, a)
}

// note remembers a failure and when to try again. A mapping that was there is
// still believed in until its lease ends, unless the router itself said otherwise.
func (k *keeper) note(a answer) {
	if k.stopping.Err() != nil {
		return // we were interrupted; that says nothing about the router
	}
	k.failures++
	k.nextTry = time.Now().Add(backoff(k.failures))
	k.heldSince = time.Time{}
	switch a.outcome {
	case notThere, conflict, notAllowed:
		// The router knows its table, and we are not in it.
		k.mapping, k.checkedAt = nil, time.Now()
		if h := a.holder; h.former && h.ends > 0 {
			k.nextTry = earliest(k.nextTry, time.Now().Add(h.ends+time.Second))
		}
	case moved, silent, broken, unsupported, badShape:
		k.stale = true
		if _, looks := k.maker.(tableReader); k.maker != nil && !looks && k.worked != "" && k.knockUntil.IsZero() {
			k.nextKnock, k.knockUntil = time.Now().Add(knockEvery), time.Now().Add(knockFor)
		}
	default:
		k.checkedAt = time.Now()
		k.stale = k.mapping != nil // what is there may stay; find the router anew before trying again
	}
	if k.mapping != nil && !k.mapping.GoodUntil.IsZero() && time.Now().After(k.mapping.GoodUntil) {
		k.mapping = nil
	}
}

// notFoundVerdict is the verdict after a search without result.
func notFoundVerdict(a answer) Verdict {
	if a.outcome == broken || a.outcome == behindNAT {
		return RouterBroken
	}
	return NoIGD
}

// refusedVerdict is the verdict after a router that we had found didn't do as asked.
func (k *keeper) refusedVerdict(a answer) Verdict {
	switch a.outcome {
	case notAllowed, unsupported:
		return Refused // some routers hide the action instead of refusing it
	case conflict:
		return Conflict
	case failed:
		if v := k.heldVerdict(); v != Mapped {
			return v // with no public address many routers do nothing
		}
	}
	return RouterBroken
}

// askAddress asks the router for its address on the internet side.
func (k *keeper) askAddress(ctx context.Context) answer {
	every := addressEvery
	switch unwitnessed(k.session).(type) {
	case *pcpSession, *pmpSession:
		every = epochEvery
	}
	k.nextAddress = time.Now().Add(every)
	addr, a := k.session.external(ctx)
	switch a.outcome {
	case done:
		k.wan, k.wanTold, k.checkedAt = addr, true, time.Now()
	case failed:
		k.wan, k.wanTold = netip.Addr{}, true
	default:
		// The router didn't say: what it said last stands.
	}
	return a
}

// publish puts together what is known. At the end of Run nothing is published: an
// answer that was cut off says nothing about the router.
func (k *keeper) publish(v Verdict, a answer) {
	if k.stopping.Err() != nil {
		return
	}
	s := Status{
		Verdict:   v,
		CheckedAt: k.checkedAt,
		Port:      k.m.config.Port,
		Gateway:   k.gw,
		Router:    k.lastSeen,
		WAN:       k.wan,
		Problem:   a.problem,
	}
	if classify(k.wan) == wanPublic {
		s.External = k.wan
	}
	if k.mapping != nil {
		shown := *k.mapping
		shown.External = netip.AddrPortFrom(s.External, shown.External.Port())
		s.Mapping = &shown
	}
	s.Advice = advice(s, a)
	k.m.publish(s)
}

// giveBack removes our entry, if there may be one.
func (k *keeper) giveBack(ctx context.Context) {
	if k.maker == nil || !k.asked {
		return
	}
	ctx, cancel := context.WithTimeout(hurried(ctx), releaseTime)
	defer cancel()
	if a := k.maker.remove(ctx, k.want()); !a.ok() {
		k.m.log.Info("leaving the mapping to the end of its lease", "port", k.m.config.Port,
			"gateway", k.gw.Addr, "problem", a.problem)
		return
	}
	k.asked = false
	k.m.log.Debug("removed the mapping", "port", k.m.config.Port, "gateway", k.gw.Addr)
}

// release ends the run.
func (k *keeper) release(ctx context.Context) {
	k.giveBack(ctx)
	s := Off(k.m.config.Port)
	s.Gateway, s.Router, s.Advice = k.gw, k.lastSeen, ""
	k.m.publish(s)
}
