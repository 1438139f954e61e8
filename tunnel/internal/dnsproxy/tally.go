package dnsproxy

import (
	"net/netip"
	"sync"
)

// Tally counts the queries of one peer's address. What was asked and has not ended
// yet is under way.
type Tally struct {
	Asked    uint64
	Answered uint64 // by a resolver, also when there is no such name
	Refused  uint64 // a resolver answered that it cannot or will not say
	Failed   uint64 // no resolver answered
}

// maxTallies bounds the addresses that are counted: peers have two each.
const maxTallies = 32768

// tallies counts queries.
type tallies struct {
	mu sync.Mutex // guards by
	by map[netip.Addr]Tally
}

// outcome is how a query ended.
type outcome uint8

const (
	noQuery outcome = iota
	answered
	refused
	failed
)

// count counts a query of a that has come, or how it ended.
func (t *tallies) count(a netip.Addr, count func(*Tally)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c, known := t.by[a]
	if !known && len(t.by) >= maxTallies {
		return
	}
	count(&c)
	if t.by == nil {
		t.by = map[netip.Addr]Tally{}
	}
	t.by[a] = c
}

// asked counts a query that has come.
func (t *tallies) asked(a netip.Addr) { t.count(a, func(c *Tally) { c.Asked++ }) }

// ended counts how a query ended.
func (t *tallies) ended(a netip.Addr, how outcome) {
	t.count(a, func(c *Tally) {
		switch how {
		case answered:
			c.Answered++
		case refused:
			c.Refused++
		case failed:
			c.Failed++
		}
	})
}

// Tally returns what was counted of one address so far.
func (p *Proxy) Tally(a netip.Addr) Tally {
	p.tallies.mu.Lock()
	defer p.tallies.mu.Unlock()
	return p.tallies.by[a]
}
