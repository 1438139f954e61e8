package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"homeward/configs/state"
	"homeward/peers"
	"homeward/web/api"
)

// settleBefore gathers changes that follow each other into one write.
const settleBefore = 200 * time.Millisecond

// lastGoodKeeper writes down, after each change, what the tunnel would come up from
// without the database.
type lastGoodKeeper struct {
	state    *state.State
	now      func() time.Time
	identity atomic.Pointer[state.Identity]
	peers    *peers.Manager
	log      *slog.Logger
	again    chan struct{} // 1-buffered: the identity is another one

	problem atomic.Pointer[string] // why the file is not up to date; nil when it is
}

// retryLastGood is how often a write that failed is tried again.
const retryLastGood = time.Minute

// Run keeps the file up to date until ctx ends.
func (k *lastGoodKeeper) Run(ctx context.Context) error {
	changed, cancel := k.peers.Subscribe()
	defer cancel()
	var written lastGood
	for {
		var again <-chan time.Time
		begun := time.Now()
		err := k.write(&written)
		pause := max(settleBefore, 10*time.Since(begun)) // thousands of devices take a while to write
		if err != nil {
			k.complain(err)
			again = time.After(retryLastGood)
		} else {
			k.problem.Store(nil)
		}
		select {
		case <-ctx.Done():
			return k.write(&written)
		case <-changed:
		case <-k.again: // and with another network, the devices change right after it
		case <-again:
			continue
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// lastGood is what was written.
type lastGood struct {
	identity *state.Identity
	records  []byte
}

// write writes the file if it would say something else than what was written.
func (k *lastGoodKeeper) write(written *lastGood) error {
	id := k.identity.Load()
	records, err := k.peers.Records()
	if k.identity.Load() != id {
		return nil // they may not belong together, and again says so, too
	}
	if err != nil || written.identity == id && bytes.Equal(records, written.records) {
		return err
	}
	if err := k.state.WriteLastGood(state.LastGood{Written: k.now(), Identity: *id, Peers: json.RawMessage(records)}); err != nil {
		return err
	}
	*written = lastGood{id, records}
	return nil
}

// otherPort has the file tell another port besides the first one.
func (k *lastGoodKeeper) otherPort(port uint16) {
	k.change(func(id *state.Identity) { id.OtherPort = port })
}

// planned has the file tell another address plan.
func (k *lastGoodKeeper) planned(plan state.Plan) {
	k.change(func(id *state.Identity) { id.Plan = plan })
}

func (k *lastGoodKeeper) change(edit func(*state.Identity)) {
	for {
		old := k.identity.Load()
		id := *old
		edit(&id)
		if k.identity.CompareAndSwap(old, &id) {
			break
		}
	}
	select {
	case k.again <- struct{}{}:
	default: // it will be written anyway
	}
}

// complain logs a problem when it begins.
func (k *lastGoodKeeper) complain(err error) {
	text := err.Error()
	if k.problem.Swap(&text) == nil {
		k.log.Error("writing the last-good file failed, trying again", "err", err)
	}
}

// catchUp brings a database that was put back from a snapshot up to date with the
// last-good file, where that is the newer one.
func (a *appliance) catchUp(ctx context.Context) error {
	repaired := a.state.Repaired()
	if repaired == nil {
		return nil
	}
	good, err := a.state.LastGood()
	if err == nil && good.Identity.PrivateKey.Public() != a.identity.PrivateKey.Public() {
		return a.state.RepairDone() // it is of another server
	}
	var records peers.Records
	if err == nil {
		records, _, err = peers.ParseRecords(good.Peers)
	}
	if err != nil {
		a.log.Error("changes since the snapshot are lost", "snapshot", repaired.Taken, "err", err)
		return a.state.RepairDone()
	}
	done, err := a.peers.Reconcile(ctx, records)
	if err != nil {
		return err
	}
	a.log.Info("devices are as they were last", "added", done.Added, "changed", done.Changed, "removed", done.Removed)
	if a.livesIn(good.Identity.Plan) {
		if err := a.state.Renumber(ctx, good.Identity.Plan, func(*sql.Tx) error { return nil }); err != nil {
			return err
		}
		a.log.Info("the tunnel's network is what it was last, too: starting again with it", "tunnel", good.Identity.Plan.V4)
		return errRestored // the next start tells of the repair, and that it is done
	}
	return a.state.RepairDone()
}

// livesIn says whether devices have addresses in another plan than the tunnel has: it
// was renumbered after the snapshot.
func (a *appliance) livesIn(plan state.Plan) bool {
	return plan != a.identity.Plan && slices.ContainsFunc(a.peers.List(), func(p peers.Peer) bool {
		return slices.ContainsFunc(p.Addresses, func(at netip.Addr) bool {
			return (plan.V4.Contains(at) || plan.V6.Contains(at)) && !a.identity.Plan.V4.Contains(at) && !a.identity.Plan.V6.Contains(at)
		})
	})
}

// memoryJoint tells what is wrong with what homeward remembers, if anything is.
func (a *appliance) memoryJoint() (api.Joint, bool) {
	j := api.Joint{Key: "memory", Title: "Memory", State: api.JointAttention}
	var said, advice []string
	if r := a.state.Repaired(); r != nil {
		said = append(said, fmt.Sprintf("The database was damaged and is back from the snapshot of %s; the devices are as they were last.", r.Taken.Local().Format(time.DateTime)))
		advice = append(advice, "Look through the devices and settings. The disk or SD card may be failing: make a backup.")
	}
	for _, l := range a.peers.LeftOut() {
		said = append(said, fmt.Sprintf("Device %d (%.40q) is damaged in the database and stays out.", l.ID, l.Name))
		advice = append(advice, fmt.Sprintf("Restore a backup, or remove it: homeward peers remove %d", l.ID))
	}
	if p := a.keeper.problem.Load(); p != nil {
		said = append(said, "What the tunnel would come up from without the database is out of date.")
		advice = append(advice, *p)
	}
	j.Summary, j.Advice = strings.Join(said, " "), strings.Join(advice, " ")
	return j, len(said) > 0
}
