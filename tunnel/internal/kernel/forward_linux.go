package kernel

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// forward switches forwarding on where it is off, having noted how it was.
func (p *Plane) forward() error {
	plan, err := procSys.plan(p.cfg.Name)
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
// switched it off: peers would get nowhere, and nothing else would show it.
func (p *Plane) lookAfterForwarding() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	plan, err := procSys.plan(p.cfg.Name)
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
	if err != nil {
		p.forwardProblem = fmt.Sprintf("another program switched this host's forwarding off and it cannot be switched on again, so that peers get nowhere: %v", err)
	} else {
		p.forwardProblem = fmt.Sprintf("another program switched this host's forwarding off (%s); it was switched on again at %s: look for what sets it, such as a file in /etc/sysctl.d or another VPN's script",
			strings.Join(plan.switches(), ", "), p.forwarded.Format("15:04:05"))
	}
	if known == "" || err != nil && known != p.forwardProblem { // once, and not at each look
		p.cfg.Logger.Warn("another program switched forwarding off", "settings", plan.switches(), "again", err == nil)
	}
}

// switches are the names of the host's forwarding switches in a plan.
func (j journal) switches() []string {
	var names []string
	for _, c := range j.Changes {
		if c.Key == forward4 || c.Key == forward6 {
			names = append(names, strings.ReplaceAll(c.Key, "/", "."))
		}
	}
	return names
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
