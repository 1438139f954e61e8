package kernel

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// planForwarding says what keeps this host from forwarding for the peers.
func (p *Plane) planForwarding() (journal, error) {
	plan, err := procSys.plan(p.cfg.Name)
	if err == nil {
		plan.Changes = append(plan.Changes, procSys.planInterfaces(p.cfg.Name, uplinks(), p.undo)...)
	}
	return plan, err
}

// forward switches forwarding on where it is off, having noted how it was.
func (p *Plane) forward() error {
	plan, err := p.planForwarding()
	if err != nil || len(plan.Changes) == 0 {
		return err
	}
	p.note(plan)
	return procSys.apply(plan)
}

// note keeps what is about to be changed, so that it can be undone. What is on
// disk already is not written again: two programs may go on for long.
func (p *Plane) note(plan journal) {
	before := len(p.undo.Changes)
	p.undo = p.undo.with(plan)
	if p.journal != "" && len(p.undo.Changes) == before {
		return
	}
	path := journalPath(p.cfg.StateDir, p.cfg.Name)
	if err := p.undo.save(path); err != nil {
		// A full disk must not close the door home. Close still knows.
		p.complain("changed settings of the host cannot be noted on disk, so that they would outlive a crash", err)
		return
	}
	p.journal = path
}

// lookAfterForwarding switches forwarding on again when another program has
// switched it off, for the host or for one interface that counts: peers would
// get nowhere, and nothing else would show it. The uplink goes on listening to
// its router.
func (p *Plane) lookAfterForwarding() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	plan, err := p.planForwarding()
	if err == nil && len(plan.Changes) == 0 {
		if time.Since(p.forwarded) > repairKnown {
			p.forwardProblem = ""
		}
		return
	}
	known := p.forwardProblem
	p.forwarded = time.Now()
	if err == nil {
		p.note(plan)
		err = procSys.apply(plan)
	}
	p.forwardProblem = plan.problem(p.forwarded, err)
	if known == "" || err != nil && known != p.forwardProblem { // once, and not at each look
		p.cfg.Logger.Warn("another program changed how this host forwards", "settings", plan.settings(func(string) bool { return true }), "again", err == nil)
	}
}

// problem says for a person what another program had done, and whether it could
// be put right at that time.
func (j journal) problem(when time.Time, err error) string {
	off := j.settings(func(key string) bool { return !strings.HasSuffix(key, acceptRA) })
	deaf := j.settings(func(key string) bool { return strings.HasSuffix(key, acceptRA) })
	switch {
	case off == "" && deaf != "" && err != nil:
		return fmt.Sprintf("another program set %s to 1, with which this host does not listen to its own IPv6 router, and it cannot be set to 2 again: %v", deaf, err)
	case off == "" && deaf != "":
		return fmt.Sprintf("another program set %s to 1, with which this host does not listen to its own IPv6 router; it was set to 2 again at %s: look for what sets it, such as a network manager's profile",
			deaf, when.Format("15:04:05"))
	case err != nil:
		return fmt.Sprintf("another program switched this host's forwarding off and it cannot be switched on again, so that peers get nowhere: %v", err)
	}
	return fmt.Sprintf("another program switched this host's forwarding off (%s); it was switched on again at %s: look for what sets it, such as a file in /etc/sysctl.d or another VPN's script",
		off, when.Format("15:04:05"))
}

// settings are the names of the settings in a plan that want says yes to, as
// sysctl spells them.
func (j journal) settings(want func(key string) bool) string {
	var names []string
	for _, c := range j.Changes {
		if want(c.Key) {
			names = append(names, strings.ReplaceAll(c.Key, "/", "."))
		}
	}
	return strings.Join(names, ", ")
}

// with is the journal with what a later plan changes for the first time: what
// Close puts back is how a setting was before we touched it at all.
func (j journal) with(later journal) journal {
	known := func(c change) bool {
		return slices.ContainsFunc(j.Changes, func(of change) bool { return of.Key == c.Key })
	}
	later.Changes = append(slices.Clone(j.Changes), slices.DeleteFunc(slices.Clone(later.Changes), known)...)
	return later
}
