package main

import (
	"net/netip"
	"time"

	"homeward/cmd/homeward/internal/hostnet"
	"homeward/configs/state"
	"homeward/tunnel"
	"homeward/web/api"
)

// clash is that a network of this machine has addresses of the tunnel's, while there
// are codes with those.
type clash struct {
	mine, theirs netip.Prefix
	since        time.Time
}

// hides says whether the tunnel would take the machine's own network away from it, or
// the other way round. A larger one that only contains the tunnel's loses no more than
// the part of it.
func (c *clash) hides() bool { return c != nil && c.theirs.Bits() >= c.mine.Bits() }

// noteClash remembers whether a network of this machine has the plan's addresses, and
// logs when that begins and ends.
func (a *appliance) noteClash(plan state.Plan, host hostnet.Host) {
	now, before := clashOf(plan, host), a.clash.Load()
	switch {
	case now == nil && before != nil:
		a.clash.Store(nil)
		a.log.Info("nothing here has the tunnel's network any more", "tunnel", before.mine, "taken", before.theirs)
	case now != nil && (before == nil || before.mine != now.mine || before.theirs != now.theirs):
		a.clash.Store(now)
		a.log.Warn("the tunnel's network is used here, too: give the tunnel another one", "tunnel", now.mine, "taken", now.theirs)
	}
}

// clashOf finds a network of this machine that has the plan's addresses, the worst one
// if there are several; nil: there is none.
func clashOf(plan state.Plan, host hostnet.Host) *clash {
	var worst *clash
	for _, taken := range host.Home() {
		mine, theirs, found := plan.Conflict([]netip.Prefix{taken})
		if !found {
			continue
		}
		if c := (&clash{mine, theirs, time.Now()}); worst == nil || c.hides() && !worst.hides() {
			worst = c
		}
	}
	return worst
}

// asideAfter is how long a network of this machine must have the tunnel's addresses, or
// no longer, until the tunnel stands aside or comes back: networks of containers come
// and go.
const asideAfter = 3 * time.Second

// misplaced says whether the tunnel's network interface takes addresses of this
// machine's own network away from it, or whether there is none any more without need.
// Without one the machine stays reachable for people at home, who can do something
// about it on the page then.
func (a *appliance) misplaced() bool {
	hides := a.clash.Load().hides()
	if a.aside {
		return !hides && a.settings.Plane != string(tunnel.PlaneNetstack) && tunnel.Usable() == nil
	}
	return hides && a.tunnel.Status().Plane == tunnel.PlaneTUN
}

// moveAside has homeward start again with the plane that fits.
func (a *appliance) moveAside() {
	if a.aside {
		a.log.Info("this machine's network has the tunnel's addresses no longer: starting again with a network interface")
	} else {
		a.log.Warn("starting again without a network interface, which has addresses of this machine's own network")
	}
	a.restorer.again()
}

// networkJoint tells of a clash, if there is one.
func (a *appliance) networkJoint() (api.Joint, bool) {
	c := a.clash.Load()
	if c == nil {
		return api.Joint{}, false
	}
	return jointOf(c, a.renumber.proposal()), true
}

// jointOf tells of a clash, and where the tunnel could move.
func jointOf(c *clash, proposed netip.Prefix) api.Joint {
	j := api.Joint{Key: "network", Title: "Network", State: api.JointFailed, Since: c.since}
	if !c.hides() {
		j.State = api.JointAttention
	}
	say(&j, "network_taken", "Taken", c.theirs, "Tunnel", c.mine)
	if proposed.IsValid() {
		advise(&j, "network_move", "Network", proposed)
	} else {
		advise(&j, "network_choose")
	}
	return j
}
