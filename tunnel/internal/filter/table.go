package filter

import (
	"sync/atomic"
	"time"
)

// touchEvery is how exactly the time of a flow's last packet is kept.
const touchEvery = time.Second

// table holds the flows of one peer. In the queue of each phase the flow that
// was quiet for longest comes first.
type table struct {
	limits Limits
	total  *atomic.Int64 // flows of all peers
	size   atomic.Int64  // flows of this one; written under the member's lock

	flows  map[key]*flow
	queues [phases]queue
	recent [2]*flow // found last, by whether its opener had sent the packet
	most   int      // in flows since it was made
}

// queue is a list of flows, linked through them.
type queue struct {
	first, last *flow
	length      int
}

func (q *queue) push(fl *flow) {
	fl.prev, fl.next = q.last, nil
	if q.last != nil {
		q.last.next = fl
	} else {
		q.first = fl
	}
	q.last = fl
	q.length++
}

func (q *queue) remove(fl *flow) {
	if fl.prev != nil {
		fl.prev.next = fl.next
	} else {
		q.first = fl.next
	}
	if fl.next != nil {
		fl.next.prev = fl.prev
	} else {
		q.last = fl.prev
	}
	fl.prev, fl.next = nil, nil
	q.length--
}

// find returns the flow of p, which its opener sent or not, if it has not been
// quiet for too long.
func (t *table) find(p *packet, opener bool, now time.Duration) *flow {
	recent := &t.recent[0]
	if opener {
		recent = &t.recent[1]
	}
	fl := *recent // packets of one flow mostly follow each other
	if fl == nil || !fl.has(p, opener) {
		k := p.replyKey()
		if opener {
			k = p.forwardKey()
		}
		if fl = t.flows[k]; fl == nil {
			return nil
		}
	}
	if now-fl.seen > idle[fl.phase] {
		t.drop(fl)
		return nil
	}
	*recent = fl
	return fl
}

// add remembers a new flow. There has to be room.
func (t *table) add(k key, now time.Duration) *flow {
	if t.flows == nil {
		t.flows = map[key]*flow{}
	}
	fl := &flow{key: k, seen: now, phase: k.firstPhase()}
	t.flows[k] = fl
	t.queues[fl.phase].push(fl)
	t.most = max(t.most, len(t.flows))
	t.size.Add(1)
	t.total.Add(1)
	return fl
}

// note keeps what a packet of the flow changes.
func (t *table) note(fl *flow, p *packet, opener bool, now time.Duration) {
	was := fl.phase
	if is := fl.after(p, opener); is != was || now-fl.seen >= touchEvery {
		t.queues[was].remove(fl)
		fl.phase, fl.seen = is, now
		t.queues[is].push(fl)
	}
}

func (t *table) drop(fl *flow) {
	delete(t.flows, fl.key)
	t.queues[fl.phase].remove(fl)
	fl.gone = true
	for i, r := range t.recent {
		if r == fl {
			t.recent[i] = nil
		}
	}
	t.size.Add(-1)
	t.total.Add(-1)
}

// disposable counts the flows that go first.
func (t *table) disposable() int {
	n := 0
	for ph := range phases {
		if ph.disposable() {
			n += t.queues[ph].length
		}
	}
	return n
}

// room makes room for one flow within the limits of this peer and says whether
// there is any.
func (t *table) room(now time.Duration) bool {
	if t.disposable() >= t.limits.PerPeerHalfOpen && !t.dropOldest(now) {
		return false
	}
	return len(t.flows) < t.limits.PerPeer || t.dropOldest(now)
}

// spare is how long an answered flow must have been quiet before it gives way.
const spare = 30 * time.Second

// dropOldest forgets the flow that is missed least: the oldest that nobody
// answered, else the one that was quiet for longest.
func (t *table) dropOldest(now time.Duration) bool {
	var victim *flow
	for ph := range phases {
		fl := t.queues[ph].first
		switch {
		case fl == nil:
		case ph.disposable():
			if victim == nil || fl.seen < victim.seen {
				victim = fl
			}
		case victim == nil && now-fl.seen > spare:
			victim = fl
		}
	}
	if victim == nil {
		return false
	}
	t.drop(victim)
	return true
}

// shrinkBelow is the size from which a table's memory is worth giving back.
const shrinkBelow = 64

// sweep forgets the flows that were quiet for too long.
func (t *table) sweep(now time.Duration) {
	for ph := range phases {
		for fl := t.queues[ph].first; fl != nil && now-fl.seen > idle[ph]; fl = t.queues[ph].first {
			t.drop(fl)
		}
	}
	// A map keeps what it once needed.
	if t.most > shrinkBelow && len(t.flows) < t.most/4 {
		fresh := make(map[key]*flow, len(t.flows))
		for k, fl := range t.flows {
			fresh[k] = fl
		}
		t.flows, t.most = fresh, len(fresh)
	}
}

// keep forgets the flows for which allowed says no.
func (t *table) keep(allowed func(*key) bool) {
	for _, fl := range t.flows {
		if !allowed(&fl.key) {
			t.drop(fl)
		}
	}
}
