package netstack

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip/header"
)

const (
	// pathAge is how long a narrow place is remembered, as the kernel does it
	// (net.ipv4.route.mtu_expires; RFC 1191, section 6.3).
	pathAge = 10 * time.Minute
	// mostPaths bounds what strangers can make us remember.
	mostPaths = 1024
	// leastMTU4 is the narrowest that is believed, as the kernel does it
	// (net.ipv4.route.min_pmtu): smaller ones are an attack.
	leastMTU4 = 552
)

// fits makes a reported MTU one that can be meant.
func fits(mtu int, v4 bool) int {
	if v4 {
		return max(mtu, leastMTU4)
	}
	return max(mtu, header.IPv6MinimumMTU)
}

// paths remembers to which targets less fits than through the tunnel. It is a
// router's knowledge: the sockets have their own, and would cut what a peer
// sends in order to find out. The zero value is ready.
type paths struct {
	narrow atomic.Int32 // how many there are

	mu    sync.Mutex // guards what follows
	known map[netip.Addr]path
}

type path struct {
	mtu   int
	until time.Time
}

func (p *paths) learn(to netip.Addr, mtu int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil {
		p.known = map[netip.Addr]path{}
	}
	now := time.Now()
	if _, again := p.known[to]; !again && len(p.known) >= mostPaths {
		p.forgetLocked(now)
	}
	p.known[to] = path{fits(mtu, to.Is4()), now.Add(pathAge)}
	p.narrow.Store(int32(len(p.known)))
}

// forgetLocked makes room: of what is out of date, or else for one.
func (p *paths) forgetLocked(now time.Time) {
	for a, known := range p.known {
		if now.After(known.until) {
			delete(p.known, a)
		}
	}
	for a := range p.known {
		if len(p.known) < mostPaths {
			return
		}
		delete(p.known, a)
	}
}

// to says how large a packet may be, in bytes, if less fits than elsewhere.
func (p *paths) to(a netip.Addr) (mtu int, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	is, known := p.known[a]
	if known && time.Now().After(is.until) {
		delete(p.known, a)
		p.narrow.Store(int32(len(p.known)))
		return 0, false
	}
	return is.mtu, known
}
