package upnp

import (
	"context"
	"net/netip"
	"slices"
	"time"
)

// Note is what is known of something that was asked of a router.
type Note struct {
	// Gateway is the router's address, Router its ID, empty where it told none.
	Gateway netip.Addr
	Router  string
	// Via is the protocol, as in Router.Via.
	Via string
	// Client is our address and Port the UDP port, the same on both sides.
	Client netip.Addr
	Port   uint16
	// Description is the one of Config.
	Description string
	// Nonce proves a PCP mapping to be ours; zero for other protocols.
	Nonce Nonce
	// Until is when it is over at the latest; zero: not known, or never.
	Until time.Time
}

// same reports whether two notes are about the same thing.
func (n Note) same(o Note) bool {
	return n.Gateway == o.Gateway && n.Client == o.Client && n.Port == o.Port && n.Via == o.Via
}

// Journal remembers over a crash what was asked of routers. Its methods are called
// by several goroutines. An error is told in the log and stops nothing.
type Journal interface {
	// Notes returns all notes.
	Notes(context.Context) ([]Note, error)
	// Keep writes a note, before the router is asked. One about the same Gateway,
	// Client, Port and Via is replaced.
	Keep(context.Context, Note) error
	// Strike removes the note about the same Gateway, Client, Port and Via.
	Strike(context.Context, Note) error
}

// noteSlack is how much longer than its mapping's lease a note says that it may
// last, so that it need not be written at every renewal.
const noteSlack = 24 * time.Hour

// recall reads what earlier runs noted about this family.
func (k *keeper) recall(ctx context.Context) {
	if k.m.config.Journal == nil {
		return
	}
	notes, err := k.m.config.Journal.Notes(ctx)
	if err != nil {
		k.m.log.Warn("reading what earlier runs asked of the router failed", "err", err)
	}
	for _, n := range notes {
		switch {
		case n.Client.Is6() != k.side.six || n.Description != k.m.config.Description:
		case !n.Until.IsZero() && time.Now().After(n.Until):
			k.strike(ctx, n)
		default:
			k.notes = append(k.notes, n)
		}
	}
}

// restore takes over what an earlier run noted about the present place.
func (k *keeper) restore() {
	for _, n := range k.notes {
		switch {
		case n.Gateway != k.gw.Addr:
		case n.Client != k.gw.client():
			if !slices.Contains(k.former, n.Client) {
				k.former = append(k.former, n.Client)
			}
		case n.Port == k.port:
			// It may still be there: the same protocol renews it, or takes it back.
			k.asked, k.restored, k.worked, k.nonce = true, n.Via, n.Via, n.Nonce
		}
	}
}

// jot notes that s is about to be asked.
func (k *keeper) jot(ctx context.Context, s session) {
	w := k.want()
	r := s.router()
	n := Note{Gateway: k.gw.Addr, Router: r.ID, Via: r.Via, Client: w.client, Port: w.port, Description: w.description}
	if p, ok := unwitnessed(s).(*pcpSession); ok {
		n.Nonce = p.nonce(w)
	}
	if i := k.noted(n); i >= 0 {
		n.Until = k.notes[i].Until
		if k.notes[i] == n {
			return
		}
	}
	k.keep(ctx, n)
}

// prolong writes down when what was just granted ends, once a day.
func (k *keeper) prolong(ctx context.Context) {
	r := k.session.router()
	i := k.noted(Note{Gateway: k.gw.Addr, Via: r.Via, Client: k.gw.client(), Port: k.port})
	if i < 0 {
		return
	}
	n := k.notes[i]
	switch end := k.mapping.GoodUntil; {
	case end.IsZero() && !n.Until.IsZero():
		n.Until = time.Time{}
	case !end.IsZero() && end.After(n.Until):
		n.Until = end.Add(noteSlack).Truncate(time.Second)
	default:
		return
	}
	k.keep(ctx, n)
}

// noted is the index of the note about the same thing, or -1.
func (k *keeper) noted(n Note) int { return slices.IndexFunc(k.notes, n.same) }

func (k *keeper) keep(ctx context.Context, n Note) {
	if k.m.config.Journal == nil {
		return
	}
	if i := k.noted(n); i >= 0 {
		k.notes[i] = n
	} else {
		k.notes = append(k.notes, n)
	}
	if err := k.m.config.Journal.Keep(ctx, n); err != nil {
		k.m.log.Warn("noting what is asked of the router failed: a crash may leave it behind", "err", err)
	}
}

func (k *keeper) strike(ctx context.Context, n Note) {
	if k.m.config.Journal == nil {
		return
	}
	k.notes = slices.DeleteFunc(k.notes, n.same)
	if err := k.m.config.Journal.Strike(ctx, n); err != nil {
		k.m.log.Warn("striking out what was given back to the router failed", "err", err)
	}
}

// struck strikes out what the session made for us.
func (k *keeper) struck(ctx context.Context, s session) {
	k.strike(ctx, Note{Gateway: k.gw.Addr, Via: s.router().Via, Client: k.gw.client(), Port: k.port})
}

// settleNotes deals with what earlier runs asked of this router otherwise than we
// do now, once we have the port: what went to an address of before is over, and
// other ports are given back.
func (k *keeper) settleNotes(ctx context.Context) {
	for _, n := range slices.Clone(k.notes) {
		switch {
		case n.Gateway != k.gw.Addr:
		case n.Client != k.gw.client() && n.Port == k.port && !k.side.six:
			k.strike(ctx, n) // one external port leads to one address
		case n.Client == k.gw.client() && n.Port != k.port:
			k.giveBackNoted(ctx, n)
		}
	}
}

// giveBackNoted removes what an earlier run had on another port. It is tried once.
func (k *keeper) giveBackNoted(ctx context.Context, n Note) {
	if slices.ContainsFunc(k.tried, n.same) {
		return
	}
	i := slices.IndexFunc(k.candidates, func(s session) bool { return s.router().Via == n.Via })
	if i < 0 {
		return
	}
	k.tried = append(k.tried, n)
	w := k.want()
	w.port, w.nonce, w.held = n.Port, n.Nonce, false
	if a := unwitnessed(k.candidates[i]).remove(ctx, w); !a.ok() {
		k.m.log.Info("leaving what an earlier run opened to the end of its lease", "port", n.Port, "via", n.Via, "problem", a.problem)
		return
	}
	k.m.log.Info("closed a port that an earlier run opened", "port", n.Port, "via", n.Via)
	k.strike(ctx, n)
}
