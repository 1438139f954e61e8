package main

import (
	"context"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/peers"
	"homeward/peers/history"
	"homeward/web/api"
)

// recorded is the peer manager for people: it tells the stream of events what
// they did, not with which values.
type recorded struct {
	*peers.Manager
	doer
}

var _ api.Peers = recorded{}

func (r recorded) tell(ctx context.Context, cause string, p peers.Peer) {
	r.publish(history.Event{At: time.Now(), Kind: history.AdminAction, Actor: r.who(ctx), Cause: cause, Peer: p.ID, Name: string(p.Name)})
}

// Create implements api.Peers.
func (r recorded) Create(ctx context.Context, n peers.NewPeer) (peers.Issued, error) {
	i, err := r.Manager.Create(ctx, n)
	if err == nil {
		r.tell(ctx, "added", i.Peer)
	}
	return i, err
}

// Edit implements api.Peers.
func (r recorded) Edit(ctx context.Context, id peers.ID, version int64, c peers.Change) (peers.Peer, error) {
	before, _ := r.Get(id) // one that is not there is refused below
	p, err := r.Manager.Edit(ctx, id, version, c)
	switch {
	case err != nil || p.Version == before.Version:
	case c.Enabled != nil && *c.Enabled != before.Enabled && *c.Enabled:
		r.tell(ctx, "enabled", p)
	case c.Enabled != nil && *c.Enabled != before.Enabled:
		r.tell(ctx, "disabled", p)
	default:
		r.tell(ctx, "changed", p)
	}
	return p, err
}

// Remove implements api.Peers.
func (r recorded) Remove(ctx context.Context, id peers.ID) error {
	return r.RemoveVersion(ctx, id, 0)
}

// RemoveVersion implements api.Peers.
func (r recorded) RemoveVersion(ctx context.Context, id peers.ID, version int64) error {
	p, _ := r.Get(id) // a damaged one has no record
	err := r.Manager.RemoveVersion(ctx, id, version)
	if _, gone := r.Get(id); gone != nil && p.ID != 0 { // also when the device has not heard of it yet
		r.tell(ctx, "removed", p)
	}
	return err
}

// RemoveLater implements api.Peers.
func (r recorded) RemoveLater(ctx context.Context, id peers.ID, undo time.Duration) (peers.Peer, error) {
	p, err := r.Manager.RemoveLater(ctx, id, undo)
	if err == nil {
		r.tell(ctx, "removed-later", p)
	}
	return p, err
}

// Keep implements api.Peers.
func (r recorded) Keep(ctx context.Context, id peers.ID) (peers.Peer, error) {
	before, _ := r.Get(id) // one that is not there is refused below
	p, err := r.Manager.Keep(ctx, id)
	if err == nil && !before.Leaves.IsZero() {
		r.tell(ctx, "kept", p)
	}
	return p, err
}

// Rotate implements api.Peers.
func (r recorded) Rotate(ctx context.Context, id peers.ID) (peers.Issued, error) {
	i, err := r.Manager.Rotate(ctx, id)
	if err == nil {
		r.tell(ctx, "new-code", i.Peer)
	}
	return i, err
}

// RotateTo implements api.Peers.
func (r recorded) RotateTo(ctx context.Context, id peers.ID, key wgtypes.Key) (peers.Issued, error) {
	i, err := r.Manager.RotateTo(ctx, id, key)
	if err == nil {
		r.tell(ctx, "new-code", i.Peer)
	}
	return i, err
}

// Invite implements api.Peers.
func (r recorded) Invite(ctx context.Context, id peers.ID, lasts time.Duration) (peers.Invite, error) {
	i, err := r.Manager.Invite(ctx, id, lasts)
	if err == nil {
		if p, err := r.Get(id); err == nil {
			r.tell(ctx, "invited", p)
		}
	}
	return i, err
}

// OpenInvite implements api.Peers.
func (r recorded) OpenInvite(ctx context.Context, token string) (peers.Issued, peers.Ticket, error) {
	i, ticket, err := r.Manager.OpenInvite(ctx, token)
	if err == nil {
		r.opened(i.Peer)
	}
	return i, ticket, err
}

// OpenInviteTo implements api.Peers.
func (r recorded) OpenInviteTo(ctx context.Context, token string, key wgtypes.Key) (peers.Issued, error) {
	i, err := r.Manager.OpenInviteTo(ctx, token, key)
	if err == nil {
		r.opened(i.Peer)
	}
	return i, err
}

// opened names no actor: who opens an invite has no login.
func (r recorded) opened(p peers.Peer) {
	r.publish(history.Event{At: time.Now(), Kind: history.AdminAction, Cause: "invite-opened", Peer: p.ID, Name: string(p.Name)})
}
