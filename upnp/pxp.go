package upnp

import (
	"context"
	"sync"
	"time"
)

// pxp is PCP, or NAT-PMP where the router only knows that. They share a port and
// a server: one that refuses by PCP is not asked again by NAT-PMP, which makes
// some of them try every port they have.
type pxp struct {
	pcp    pcp
	natpmp natpmp
}

func newPXP(port uint16, secret []byte) *pxp { return &pxp{pcp{port, secret}, natpmp{port}} }

// grace is how long PCP may take once NAT-PMP has answered.
const grace = 500 * time.Millisecond

// probe asks by both at once, since some servers are silent to what they don't know.
func (p *pxp) probe(ctx context.Context, gw Gateway) (session, answer) {
	type result struct {
		s session
		a answer
	}
	ctx, cancel := context.WithCancel(ctx)
	var wait sync.WaitGroup
	defer wait.Wait() // nobody is left behind
	defer cancel()
	newer, older := make(chan result, 1), make(chan result, 1)
	wait.Go(func() {
		s, a := p.pcp.probe(ctx, gw)
		newer <- result{s, a}
	})
	wait.Go(func() {
		s, a := p.natpmp.probe(ctx, gw)
		older <- result{s, a}
	})
	var old *result
	var late <-chan time.Time
	for {
		select {
		case r := <-newer:
			if r.a.ok() {
				return r.s, r.a
			}
			if old == nil {
				r := <-older
				old = &r
			}
			return old.s, old.a
		case r := <-older:
			if old = &r; r.a.ok() {
				late = time.After(grace)
			}
			older = nil
		case <-late:
			return old.s, old.a
		}
	}
}
