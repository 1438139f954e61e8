package upnp

import "time"

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
	k.denial(a)
	k.failures++
	k.nextTry = time.Now().Add(pause(a, k.failures))
	k.heldSince = time.Time{}
	k.recheckForwards()
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
