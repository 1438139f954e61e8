package kernel

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/nftables"
)

const (
	// watchEvery is how long our table may be gone unnoticed, or forwarding off.
	watchEvery = 3 * time.Second
	// repairKnown is for how long a repair is told.
	repairKnown = time.Hour
)

// Watch writes our table again when another program has changed or removed it,
// and switches forwarding on again, until ctx ends.
func (p *Plane) Watch(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			p.lookAfterTable()
			p.lookAfterForwarding()
		}
	}
}

// lookAfterTable is a short exchange with the kernel, under the lock: what
// listeners open meanwhile belongs into the table.
func (p *Plane) lookAfterTable() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	conn, err := nftables.New(nftables.AsLasting()) // one socket for all questions
	if err == nil {
		err = p.rules.verify(conn)
		_ = conn.CloseLasting() // nothing was written
	}
	if err == nil {
		if p.tableProblem != "" && time.Since(p.repaired) > repairKnown {
			p.tableProblem = ""
		}
		return
	}
	p.cfg.Logger.Warn("another program changed our firewall rules: writing them again", "table", p.rules.table.Name, "err", err)
	p.repaired = time.Now()
	if err := p.rules.write(); err != nil {
		p.tableProblem = fmt.Sprintf("another program changed the nftables table inet %s and it cannot be written again, so that peers may get nowhere (%v): start homeward again", p.rules.table.Name, err)
		return
	}
	p.tableProblem = fmt.Sprintf("another program removed or changed the nftables table inet %s; it was written again at %s: have that program leave the tables of others alone (no \"flush ruleset\")",
		p.rules.table.Name, p.repaired.Format("15:04:05"))
}

// keep remembers what is in one of our sets by now.
func (r *ruleset) keep(s *nftables.Set, change func([]nftables.SetElement) []nftables.SetElement) {
	i := slices.IndexFunc(r.sets, func(of set) bool { return of.Set == s })
	r.sets[i].elements = change(r.sets[i].elements)
}
