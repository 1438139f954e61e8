package upnp

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"homeward/upnp/guide"
)

const (
	forwardRetry = time.Minute // after an answer that may be another one soon
	forever      = 100 * 365 * 24 * time.Hour
)

// forwards is what the keeper knows of the ports that the owner wants open besides.
type forwards struct {
	slots []slot
	next  time.Time
}

// forwardDescription marks the entries that forwards have in the router's table: by
// it they are ours, whichever machine they lead to.
func (k *keeper) forwardDescription() string { return k.m.config.Description + forwardMark }

// forwarding is a session that can open ports to other machines: UPnP's.
type forwarding interface {
	tableReader
	specific(ctx context.Context, protocol string, port uint16) (entry, answer)
	addForward(ctx context.Context, s slot, description string, lease time.Duration) (time.Duration, answer)
}

// forwardsDue is when there is something to do about the forwards.
func (k *keeper) forwardsDue() time.Time {
	if !k.side.forwards || k.session == nil || k.stale {
		return time.Now().Add(forever) // whoever finds the router anew looks at them then
	}
	return k.forwards.next
}

// recheckForwards has all forwards looked at as soon as the router can be asked:
// what happened to our own port has happened to them, too.
func (k *keeper) recheckForwards() {
	k.forwards.next = time.Time{}
	for i := range k.forwards.slots {
		k.forwards.slots[i].due = time.Time{}
	}
}

// leaveForwards gives back what is on the old router, as far as it can be reached.
func (k *keeper) leaveForwards(ctx context.Context) {
	if !k.side.forwards {
		return
	}
	k.giveBackForwards(ctx)
	k.forwards = forwards{} // another place: nothing is known of it
}

// merge takes over what is wanted now.
func (k *keeper) mergeForwards() {
	for i := range k.forwards.slots {
		k.forwards.slots[i].wanted = false
	}
	for _, w := range slots(*k.m.wanted.Load()) {
		i := slices.IndexFunc(k.forwards.slots, w.same)
		switch {
		case i < 0:
			k.forwards.slots = append(k.forwards.slots, w)
		case k.forwards.slots[i].to != w.to:
			w.asked = k.forwards.slots[i].asked
			k.forwards.slots[i] = w
		default:
			k.forwards.slots[i].wanted, k.forwards.slots[i].id = true, w.id
		}
	}
	k.forwards.slots = slices.DeleteFunc(k.forwards.slots, func(s slot) bool { return !s.wanted && !s.asked })
}

// tendForwards does what is due about the forwards, for a bounded time.
func (k *keeper) tendForwards(ctx context.Context) {
	switch {
	case !k.side.forwards:
		return
	case k.session == nil || k.stale:
		k.forwardsUnknown()
		return
	case time.Now().Before(k.forwards.next):
		return
	}
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	k.mergeForwards()
	k.forwards.next = time.Now().Add(forever)
	if len(k.forwards.slots) > 0 {
		k.tendSlots(ctx)
	}
	k.publishForwards()
}

// forwardsUnknown says that nothing is known while the router can't be asked. One
// failure is none yet.
func (k *keeper) forwardsUnknown() {
	if k.failures < 2 || !slices.ContainsFunc(k.forwards.slots, func(s slot) bool { return s.state != ForwardWaiting }) {
		return
	}
	for i := range k.forwards.slots {
		k.forwards.slots[i].wait("The router doesn't answer now.")
	}
	k.publishForwards()
}

func (k *keeper) tendSlots(ctx context.Context) {
	r, err := k.reader(ctx)
	f, ok := r.(forwarding)
	if err != nil || !ok {
		for i := range k.forwards.slots {
			k.forwards.slots[i].wait("The router answers to no protocol that can open a port to another machine: UPnP has to be on.")
		}
		k.forwards.next = time.Now().Add(checkEvery)
		return
	}
	for i := range k.forwards.slots {
		s := &k.forwards.slots[i]
		switch {
		case ctx.Err() != nil: // the rest in the next step
		case !s.wanted:
			s.due = time.Now().Add(forwardRetry)
			s.asked = !k.closeSlot(ctx, f, *s).ok()
		case !time.Now().Before(s.due):
			s.due = time.Now().Add(checkEvery)
			k.openSlot(ctx, f, s)
			if !s.renewAfter.IsZero() {
				s.due = earliest(s.due, s.renewAfter)
			}
		}
		if s.wanted || s.asked {
			k.forwards.next = earliest(k.forwards.next, s.due)
		}
	}
	k.forwards.slots = slices.DeleteFunc(k.forwards.slots, func(s slot) bool { return !s.wanted && !s.asked })
}

// openSlot looks at the router's entry and makes or renews it. Somebody else's is
// never taken, and what does as wanted already is left as it is.
func (k *keeper) openSlot(ctx context.Context, f forwarding, s *slot) {
	if s.protocol == udp && (s.external == k.port || s.external == k.m.config.Port) {
		s.state, s.problem = ForwardTaken, "By this port devices come home. Choose another."
		return
	}
	e, a := f.specific(ctx, s.protocol, s.external)
	named := e.description == k.forwardDescription()
	switch {
	case a.outcome == moved, a.outcome == silent:
		k.failSlot(s, a)
		return
	case a.ok() && s.is(e) && !named && !s.asked:
		s.open(time.Now(), true)
		return
	case a.ok() && s.is(e) && time.Now().Before(s.renewAfter):
		s.open(time.Now(), false)
		return
	case a.ok() && s.is(e) && s.renewAfter.IsZero() && s.state == ForwardOpen && e.lease == 0:
		s.open(time.Now(), false) // without end: nothing to renew
		return
	case a.ok() && !s.is(e) && !named:
		s.asked = false
		k.failSlot(s, withHolder(answer{outcome: conflict}, e, want{}))
		return
	case a.ok() && !s.is(e):
		f.deleteEntry(ctx, anyHost, s.external, s.protocol) // ours, for a machine or port of before
	}
	before := s.asked
	s.asked = true
	lease, a := f.addForward(ctx, *s, k.forwardDescription(), k.m.config.Lease)
	if !a.ok() {
		s.asked = before || !a.certain()
		if a.outcome == conflict {
			a = k.whoHas(ctx, f, *s, a)
		}
		k.failSlot(s, a)
		return
	}
	e, a = f.specific(ctx, s.protocol, s.external)
	switch {
	case a.ok() && !s.is(e):
		k.failSlot(s, withHolder(answer{outcome: conflict}, e, want{}))
		return
	case a.outcome == notThere:
		k.failSlot(s, a)
		return
	case a.ok() && e.lease > 0 && (lease == 0 || e.lease < lease):
		lease = e.lease
	}
	s.renewAfter = time.Time{}
	if lease > 0 {
		s.renewAfter = time.Now().Add(max(lease/2, minRenew))
	}
	verified := time.Time{} // a router that can't be asked is believed
	if a.ok() {
		verified = time.Now()
	}
	s.open(verified, false)
}

// whoHas looks who has the port after a conflict. Some routers say conflict when
// their settings forbid it.
func (k *keeper) whoHas(ctx context.Context, f forwarding, s slot, a answer) answer {
	e, looked := f.specific(ctx, s.protocol, s.external)
	switch {
	case looked.outcome == notThere && a.code == codeConflict:
		return answer{outcome: notAllowed, problem: a.problem}
	case looked.ok():
		return withHolder(a, e, want{})
	}
	return a
}

// closeSlot removes the entry if it is ours still.
func (k *keeper) closeSlot(ctx context.Context, f forwarding, s slot) answer {
	e, a := f.specific(ctx, s.protocol, s.external)
	switch {
	case a.outcome == notThere:
		return answer{}
	case a.ok() && e.description != k.forwardDescription() && !s.is(e):
		return answer{} // nothing of ours is left
	case a.outcome == moved || a.outcome == silent:
		return a
	}
	if a = f.deleteEntry(ctx, anyHost, s.external, s.protocol); a.outcome == notThere {
		a = answer{}
	}
	if a.ok() {
		k.m.log.Info("closed a port on the router", "protocol", s.protocol, "port", s.external, "to", s.to)
	}
	return a
}

// giveBackForwards removes all entries of ours, quickly.
func (k *keeper) giveBackForwards(ctx context.Context) {
	i := slices.IndexFunc(k.forwards.slots, func(s slot) bool { return s.asked })
	if i < 0 {
		return
	}
	f, ok := k.knownReader().(forwarding)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(hurried(ctx), releaseTime)
	defer cancel()
	for i := range k.forwards.slots {
		if s := &k.forwards.slots[i]; s.asked {
			s.asked = !k.closeSlot(ctx, f, *s).ok()
		}
	}
}

// leftover reports an entry of a forward that an earlier run made and nobody wants
// any more.
func (k *keeper) leftover(r row) bool {
	if r.description != k.forwardDescription() {
		return false
	}
	return !slices.ContainsFunc(slots(*k.m.wanted.Load()), func(s slot) bool {
		return s.external == r.external && strings.EqualFold(s.protocol, r.protocol)
	})
}

// open notes that the router has the entry; verified is zero where it can't be asked.
func (s *slot) open(verified time.Time, foreign bool) {
	s.state, s.problem, s.foreign = ForwardOpen, "", foreign
	s.verifiedAt = verified
	if foreign {
		s.renewAfter = time.Time{}
	}
}

func (s *slot) wait(problem string) {
	s.state, s.problem, s.foreign = ForwardWaiting, problem, false
}

// failSlot notes what an answer means, in a sentence for a person.
func (k *keeper) failSlot(s *slot, a answer) {
	if k.stopping.Err() != nil {
		return
	}
	s.renewAfter, s.foreign = time.Time{}, false
	port := fmt.Sprintf("%s %d", s.protocol, s.external)
	switch a.outcome {
	case moved, silent:
		s.wait("The router doesn't answer now.")
		s.due = time.Now().Add(forwardRetry)
	case conflict:
		s.state, s.problem = ForwardTaken, port+" is taken on the router. Choose another, or remove it there."
		if h := a.holder; h.client.IsValid() {
			s.problem = fmt.Sprintf("%s on the router already goes to %v", port, h.client)
			if h.name != "" {
				s.problem += fmt.Sprintf(" (“%s”)", h.name)
			}
			s.problem += ". Choose another port, or remove that entry."
		}
	case notAllowed:
		s.state = ForwardRefused
		s.problem = "The router refuses to open this port for a program."
		if s.to.Addr() != k.gw.Self {
			s.problem = fmt.Sprintf("The router lets a machine open ports only to itself (its “secure mode”), and %v is another one.", s.to.Addr())
		}
		s.problem += " Enter the rule in the router by hand" + k.byHandAt() + "."
		if s.external < 1024 {
			s.problem += " Many routers also keep ports below 1024 from programs: a higher one may do."
		}
	case tableFull:
		s.state, s.problem = ForwardFailed, "The router's list is full: remove what nobody needs."
	case notThere:
		s.state, s.problem = ForwardFailed, "The router said yes, but keeps no such entry."
		s.due = time.Now().Add(forwardRetry)
	default:
		s.state, s.problem = ForwardFailed, fmt.Sprintf("The router doesn't accept it (%s). Enter the rule in the router by hand%s.", a.problem, k.byHandAt())
	}
}

// byHandAt says where rules are entered on this router, if that is known.
func (k *keeper) byHandAt() string {
	if b := guide.Recognise(k.lastSeen.Name); b != guide.Generic {
		return " (" + strings.Join(guide.For(b, guide.Rule{}).Menu, " > ") + ")"
	}
	return ""
}

// publishForwards makes what is known of the forwards the current status.
func (k *keeper) publishForwards() {
	if k.stopping.Err() != nil {
		return
	}
	now := forwardStatuses(k.forwards.slots)
	before := k.m.forwarded.Swap(&now)
	for _, s := range now {
		same := before != nil && slices.ContainsFunc(*before, func(o ForwardStatus) bool { return o.ID == s.ID && o.State == s.State && o.Problem == s.Problem })
		if !same {
			k.m.log.Info("a port that is kept open changed", "forward", s.ID, "state", s.State.String(), "problem", s.Problem)
		}
	}
}
