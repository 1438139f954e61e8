package upnp

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"
)

// probeGrace is how long the first protocol that answered waits for the others:
// long enough for a router in the same house, after one lost packet, and too short
// for a person to notice.
const probeGrace = 300 * time.Millisecond

// probed is what one protocol's probe came to.
type probed struct {
	session session
	answer  answer
	over    bool
}

// find asks the gateway by all protocols side by side, and keeps those that answer
// as candidates, in the order of preference. Unless it is to be patient, it waits
// for the rest only a moment once one has answered; then cut is set.
func (k *keeper) find(ctx context.Context, patient bool) answer {
	heard := k.probeAll(ctx, patient)
	k.candidates, k.passed, k.cut = nil, nil, false
	var best answer
	for i, h := range heard {
		name := k.side.protocols[i].name()
		switch {
		case h.answer.ok() && h.over:
			k.candidates = append(k.candidates, h.session)
			continue
		case !h.over:
			k.cut = true
			h.answer.problem = "slow to answer"
		case best.ok() || h.answer.tells() >= best.tells():
			best = h.answer
		}
		if len(k.candidates) == 0 {
			k.passed = append(k.passed, name+": "+h.answer.problem)
		}
	}
	if len(k.candidates) == 0 {
		best.problem = strings.Join(k.passed, "; ")
		return best
	}
	k.attachWitness()
	if k.worked != "" {
		k.putFirst(k.worked)
	}
	for _, s := range k.candidates {
		if via := s.router().Via; k.maker != nil && k.maker.router().Via == via || k.maker == nil && k.restored == via {
			k.maker = s
		}
	}
	k.stale = false
	k.hearEvents()
	return answer{}
}

// probeAll runs every probe at once and has waited for all of them when it returns.
func (k *keeper) probeAll(ctx context.Context, patient bool) []probed {
	ctx, cancel := context.WithCancel(ctx)
	type result struct {
		i int
		p probed
	}
	results := make(chan result, len(k.side.protocols))
	var wait sync.WaitGroup
	defer wait.Wait()
	defer cancel()
	for i, p := range k.side.protocols {
		wait.Go(func() {
			s, a := p.probe(ctx, k.gw)
			results <- result{i, probed{s, a, true}}
		})
	}
	heard := make([]probed, len(k.side.protocols))
	var grace <-chan time.Time
	for range heard {
		select {
		case r := <-results:
			heard[r.i] = r.p
			if r.p.answer.ok() && grace == nil && !patient {
				grace = time.After(probeGrace)
			}
		case <-grace:
			return heard
		}
	}
	return heard
}

// tells orders failures by how much they say about what to do.
func (a answer) tells() int {
	switch a.outcome {
	case conflict:
		if a.holder.client.IsValid() {
			return 9
		}
		return 7
	case notAllowed:
		if a.code == int(pcpCannotProvideExternal) {
			return 6 // PCP doesn't quite say so; UPnP knows better
		}
		return 8
	case failed:
		return 6
	case notThere:
		return 5
	case tableFull, badArgument, badLease, samePort:
		return 4
	case behindNAT:
		return 3
	case broken, badShape:
		return 2
	case unsupported:
		return 1
	}
	return 0
}

// attachWitness lets UPnP, which can read the table, look at what the others make.
func (k *keeper) attachWitness() {
	var witness tableReader
	for _, s := range k.candidates {
		if r, ok := s.(tableReader); ok {
			witness = r
		}
	}
	if witness == nil {
		return
	}
	for i, s := range k.candidates {
		if _, ok := s.(tableReader); !ok {
			k.candidates[i] = &witnessed{session: s, witness: witness}
		}
	}
}

// putFirst prefers the protocol that made the mapping: what works is kept.
func (k *keeper) putFirst(via string) {
	i := slices.IndexFunc(k.candidates, func(s session) bool { return s.router().Via == via })
	if i > 0 {
		s := k.candidates[i]
		k.candidates = slices.Insert(slices.Delete(k.candidates, i, i+1), 0, s)
	}
}

// mapPort asks the candidates in turn for the mapping, until one makes it. The
// answer is that of the candidate that says most about what to do.
func (k *keeper) mapPort(ctx context.Context) (grant, answer) {
	var (
		best    answer
		teller  session
		why     = slices.Clone(k.passed)
		missing bool
	)
	for _, s := range k.candidates {
		notThisPort := best.outcome == conflict || best.code == int(pcpCannotProvideExternal)
		if _, looks := s.(tableReader); notThisPort && !looks {
			continue // PCP and NAT-PMP are two doors to one table; only who reads it knows more
		}
		k.use(ctx, s)
		// The address comes first: after the entry is made nothing may fail any more.
		k.askAddress(ctx)
		before := k.asked
		k.asked, k.maker = true, s
		k.jot(ctx, s)
		g, a := s.add(ctx, k.want())
		if a.ok() {
			k.lastSeen = s.router()
			k.lastSeen.Why = strings.Join(why, "; ")
			k.worked = s.router().Via
			return g, a
		}
		if k.asked = before || !a.certain(); !k.asked {
			k.struck(ctx, s)
		}
		k.m.log.Debug("not mapped", "via", s.router().Via, "outcome", a.outcome.String(), "problem", a.problem)
		why = append(why, s.router().Via+": "+a.problem)
		missing = missing || a.gone()
		if teller == nil || a.tells() > best.tells() {
			best, teller = a, s
		}
		if ctx.Err() != nil {
			break
		}
	}
	k.lastSeen = teller.router()
	k.missing = missing
	return grant{}, best
}

// certain reports a refusal after which there is no entry that wasn't there before.
func (a answer) certain() bool {
	switch a.outcome {
	case notAllowed, unsupported, badShape, conflict, failed, tableFull, notNeeded, behindNAT:
		return true
	}
	return false
}

// gone reports a router, or a service of it, that is to be found anew.
func (a answer) gone() bool {
	switch a.outcome {
	case moved, silent, broken, unsupported, badShape:
		return true
	}
	return false
}

// use makes s the session. What another protocol may have made is removed before:
// the same port asked for by two protocols may be two entries.
func (k *keeper) use(ctx context.Context, s session) {
	if k.asked && k.maker != s && slices.Contains(k.candidates, k.maker) {
		if k.maker.remove(ctx, k.want()).ok() {
			k.asked, k.mapping = false, nil
			k.struck(ctx, k.maker)
		}
	}
	k.session = s
}
