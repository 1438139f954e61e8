package main

import (
	"context"
	"slices"
	"time"

	"homeward/upnp"
)

// keepProofsEvery is how long a proof may be lost by a crash.
const keepProofsEvery = 10 * time.Second

// otherProofs are the knocks of browsers, and what an earlier run kept of this place.
func (a *appliance) otherProofs(router upnp.Status, now time.Time) []upnp.Proof {
	list := knockProofs(a.tunnel.Knocks())
	if place, known := router.Place(); known {
		list = append(list, a.proven.At(place, now)...)
	}
	return list
}

// keepProofs keeps what proves the way in, until ctx ends.
func (a *appliance) keepProofs(ctx context.Context) error {
	t := time.NewTicker(keepProofsEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			if err := a.proven.Flush(context.WithoutCancel(ctx)); err != nil {
				a.log.Warn("what proved the way in is not kept", "err", err)
			}
			return nil
		case now := <-t.C:
			if err := a.noteProofs(ctx, a.router(), now); err != nil && ctx.Err() == nil {
				a.log.Warn("what proved the way in is not kept", "err", err)
			}
		}
	}
}

// noteProofs notes what proves the way in now and was seen in this run.
func (a *appliance) noteProofs(ctx context.Context, router upnp.Status, now time.Time) error {
	place, known := router.Place()
	if !known {
		return nil
	}
	var seen []upnp.Proof
	for _, p := range proofs(a.peers.List(), knockProofs(a.tunnel.Knocks()), router, a.networks.Load().home, now) {
		if !slices.ContainsFunc(seen, p.Replaces) { // the latest of its kind and family comes first
			seen = append(seen, p.Proof)
		}
	}
	return a.proven.Note(ctx, place, seen)
}
