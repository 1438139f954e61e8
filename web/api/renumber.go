package api

import (
	"context"
	"net/http"
	"time"
)

// Renumberer gives the tunnel another network.
type Renumberer interface {
	// Renumber moves all devices to another network, and homeward starts again with it
	// by itself. With a dry run it only says what would happen. Failures that are the
	// caller's are *Failure, or a *peers.FieldError that names network.
	Renumber(context.Context, RenumberWanted) (Renumbered, error)
}

// RenumberWanted is where to.
type RenumberWanted struct {
	// Network is a private IPv4 network as large as the tunnel's or larger, such as
	// 10.77.3.0/24 or 10.77.0.0/16; empty: one that is free here and seldom used elsewhere.
	Network string `json:"network,omitempty"`
	DryRun  bool   `json:"dry_run,omitempty"`
}

// Renumbered is what was done, or would be.
type Renumbered struct {
	// Clash is why it should be done; nil: nothing here has the tunnel's addresses.
	Clash   *Clash             `json:"clash,omitempty"`
	From    []string           `json:"from"`    // the tunnel's networks of before
	To      []string           `json:"to"`      // and those that come
	Devices []RenumberedDevice `json:"devices"` // by number; all of them need a new code then
	Told    []string           `json:"told"`    // sentences: what else is to be done
}

// Clash is a network of this machine that has addresses of the tunnel's.
type Clash struct {
	Tunnel string    `json:"tunnel"`
	Taken  string    `json:"taken"` // this machine's
	Since  time.Time `json:"since"` // when it was noticed
}

// RenumberedDevice is one that moves.
type RenumberedDevice struct {
	ID     int64    `json:"id"`
	Name   string   `json:"name"`
	From   []string `json:"from"`
	To     []string `json:"to"`
	Access string   `json:"access,omitempty"` // what it may reach then, where that named addresses of the tunnel
}

// renumbering says what a renumbering would do that nobody chose a network for.
func (h handler) renumbering(w http.ResponseWriter, r *http.Request) {
	h.renumbered(w, r, RenumberWanted{DryRun: true})
}

func (h handler) renumber(w http.ResponseWriter, r *http.Request) {
	var in RenumberWanted
	if err := read(w, r, &in); err != nil {
		h.fail(w, err)
		return
	}
	h.renumbered(w, r, in)
}

func (h handler) renumbered(w http.ResponseWriter, r *http.Request, in RenumberWanted) {
	done, err := h.Renumberer.Renumber(r.Context(), in)
	if err != nil {
		h.fail(w, err)
		return
	}
	h.reply(w, http.StatusOK, done.full())
}

// Renumber gives the tunnel another network, or says what that would do.
func (c *Client) Renumber(ctx context.Context, in RenumberWanted) (Renumbered, error) {
	var done Renumbered
	err := c.call(ctx, "POST", "/api/v1/renumber", in, &done)
	return done, err
}
