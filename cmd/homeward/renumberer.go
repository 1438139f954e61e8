package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/netip"

	"homeward/cmd/homeward/internal/hostnet"
	"homeward/configs/state"
	"homeward/peers"
	"homeward/web/api"
)

// renumberer gives a running homeward's tunnel another network. The owner's rules for
// ports lead to machines of the LAN, never into the tunnel: they stay.
type renumberer struct{ a *appliance }

// errRenumbered refuses a second renumbering before homeward has started with the first.
var errRenumbered = errors.New("homeward is just starting again: wait a few seconds")

// Renumber implements api.Renumberer.
func (r *renumberer) Renumber(ctx context.Context, in api.RenumberWanted) (api.Renumbered, error) {
	a := r.a
	if a.restorer.restored() {
		return api.Renumbered{}, &api.Failure{Status: http.StatusConflict, Err: errRenumbered}
	}
	host, err := hostnet.Read(a.settings.Interface)
	if err != nil {
		return api.Renumbered{}, err
	}
	plan := a.plan()
	next, err := r.next(plan, host.Home(), in.Network)
	if err != nil {
		return api.Renumbered{}, renumberFailure(err)
	}
	a.noteClash(plan, host)
	var moves []peers.Move
	if in.DryRun {
		moves, err = a.peers.Moves(next.Own())
	} else {
		moves, err = a.peers.Renumber(ctx, next.Own(), a.moveTo(next))
	}
	if err != nil {
		return api.Renumbered{}, renumberFailure(err)
	}
	done := r.told(plan, next, moves)
	if !in.DryRun {
		a.log.Info("the tunnel has another network: starting again with it", "old", plan.V4, "new", next.V4, "devices", len(moves))
		a.restorer.again()
	}
	return done, nil
}

// moveTo stores the plan together with what the peer manager puts into the same
// transaction, and from then on all else knows it: codes, and what the tunnel would
// come up from without the database.
func (a *appliance) moveTo(next state.Plan) func(context.Context, func(*sql.Tx) error) error {
	return func(ctx context.Context, put func(*sql.Tx) error) error {
		err := a.state.Renumber(ctx, next, put)
		if err == nil {
			a.keeper.planned(next)
		}
		return err
	}
}

// plan is the tunnel's of this moment. The tunnel itself has the one that it was
// started with.
func (a *appliance) plan() state.Plan { return a.keeper.identity.Load().Plan }

// next is the plan with the network that somebody chose, or the proposed one.
func (r *renumberer) next(plan state.Plan, taken []netip.Prefix, chosen string) (state.Plan, error) {
	next, err := r.propose(plan, taken)
	if chosen == "" || err != nil && !errors.Is(err, state.ErrNoPlan) {
		return next, err
	}
	if err != nil { // nothing is free that could be drawn
		next.V6 = plan.V6
	}
	if next.V4, err = netip.ParsePrefix(chosen); err != nil {
		return state.Plan{}, peers.NewFieldError("network", "%.40q is no network: write it as %v", chosen, next.V4)
	}
	return next, checkNetwork(plan, next, taken)
}

// checkNetwork says what is wrong with a network that somebody chose.
func checkNetwork(plan, next state.Plan, taken []netip.Prefix) error {
	n := next.V4
	_, theirs, clash := next.Conflict(taken)
	switch {
	case !n.Addr().Is4() || n != n.Masked() || n.Bits() > plan.V4.Bits():
		return peers.NewFieldError("network", "%v does not fit: an IPv4 network is needed that is as large as the tunnel's or larger, such as 10.77.0.0/%d", n, min(16, plan.V4.Bits()))
	case !private(n):
		return peers.NewFieldError("network", "%v is not private: use one of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16", n)
	case n == plan.V4:
		return peers.NewFieldError("network", "the tunnel has %v already", n)
	case clash:
		return peers.NewFieldError("network", "%v is used by this machine's network %v", n, theirs)
	}
	return nil
}

// private says whether all of a network is for private use (RFC 1918).
func private(n netip.Prefix) bool {
	for _, p := range []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"} {
		if whole := netip.MustParsePrefix(p); whole.Contains(n.Addr()) && n.Bits() >= whole.Bits() {
			return true
		}
	}
	return false
}

// propose draws a plan, the same one as long as it fits, also after a restart: what a
// person was shown is what happens then. Nobody else can know it.
func (r *renumberer) propose(plan state.Plan, taken []netip.Prefix) (state.Plan, error) {
	key := r.a.identity.PrivateKey.Reveal()
	h := hmac.New(sha256.New, key[:])
	h.Write([]byte("homeward tunnel after " + plan.V4.String() + " " + plan.V6.String()))
	return plan.Another(taken, rand.NewChaCha8([32]byte(h.Sum(nil))))
}

// proposal is where the tunnel could move, or nothing when nothing was found.
func (r *renumberer) proposal() netip.Prefix {
	host, err := hostnet.Read(r.a.settings.Interface)
	if err != nil {
		return netip.Prefix{}
	}
	next, err := r.propose(r.a.plan(), host.Home())
	if err != nil {
		return netip.Prefix{}
	}
	return next.V4
}

// told says what was done, or would be.
func (r *renumberer) told(plan, next state.Plan, moves []peers.Move) api.Renumbered {
	done := api.Renumbered{From: []string{plan.V4.String(), plan.V6.String()}, To: []string{next.V4.String(), next.V6.String()}, Devices: []api.RenumberedDevice{}, Told: []string{}}
	if c := r.a.clash.Load(); c != nil {
		done.Clash = &api.Clash{Tunnel: c.mine.String(), Taken: c.theirs.String(), Since: c.since.UTC()}
	}
	for _, m := range moves {
		d := api.RenumberedDevice{ID: int64(m.ID), Name: string(m.Name), From: texts(m.From), To: texts(m.To)}
		if m.Ruled {
			d.Access = string(m.Access)
		}
		done.Devices = append(done.Devices, d)
	}
	for _, at := range r.a.book.Settings().Resolvers {
		if plan.V4.Contains(at.Addr()) || plan.V6.Contains(at.Addr()) {
			done.Told = append(done.Told, fmt.Sprintf("The DNS server %v is in the tunnel's old network: set resolvers anew.", at.Addr()))
		}
	}
	for _, l := range r.a.peers.LeftOut() {
		done.Told = append(done.Told, fmt.Sprintf("Device %d (%.40q) is damaged in the database and keeps its old address.", l.ID, l.Name))
	}
	return done
}

func texts(list []netip.Addr) []string {
	out := make([]string, len(list))
	for i, a := range list {
		out[i] = a.String()
	}
	return out
}

// renumberFailure names the field as callers know it.
func renumberFailure(err error) error {
	var field *peers.FieldError
	switch {
	case errors.As(err, &field):
		named := *field
		named.Field = "network"
		return &named
	case errors.Is(err, state.ErrNoPlan):
		return &api.Failure{Status: http.StatusConflict, Field: "network", Err: fmt.Errorf("%w: choose one yourself", err)}
	}
	return err
}
