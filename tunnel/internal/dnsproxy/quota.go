package dnsproxy

import (
	"net/netip"
	"sync"
)

// quota bounds what goes on at once, in all and for each peer.
type quota struct {
	total, each int

	mu   sync.Mutex // guards what follows
	used int
	by   map[netip.Addr]int
}

func newQuota(total, each int) *quota {
	return &quota{total: total, each: each, by: map[netip.Addr]int{}}
}

func (q *quota) take(a netip.Addr) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.used >= q.total || q.by[a] >= q.each {
		return false
	}
	q.used++
	q.by[a]++
	return true
}

func (q *quota) give(a netip.Addr) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.used--
	if q.by[a]--; q.by[a] == 0 {
		delete(q.by, a)
	}
}
