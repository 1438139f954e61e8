package upnp

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// ErrLeft means that something of ours may still be on the router.
var ErrLeft = errors.New("what was opened there ends with its lease, or is removed in the router's settings")

// Clean removes what earlier runs left on the present router: our port, by the notes
// in the journal and by its description, and whatever was kept open besides. It is
// for when homeward does not run any more; the mapper must not run meanwhile.
func (m *Mapper) Clean(ctx context.Context) error {
	ctx = hurried(ctx)
	m.wanted.Store(new([]Forward)) // nothing is
	errs := []error{m.clean(ctx, &m.side)}
	if m.six != nil {
		errs = append(errs, m.clean(ctx, m.six))
	}
	return errors.Join(errs...)
}

func (m *Mapper) clean(ctx context.Context, s *side) error {
	k := &keeper{m: m, side: s, port: m.port(), stopping: ctx, ears: newEars()}
	k.recall(ctx)
	gw, err := s.gateway()
	gw.Addr, gw.Self = gw.Addr.Unmap(), gw.Self.Unmap()
	if err != nil || !s.fits(gw) {
		if len(k.notes) == 0 {
			return nil
		}
		return fmt.Errorf("cleaning the router up: %w: %w", ErrNoGateway, ErrLeft)
	}
	k.gw = gw
	k.restore()
	if len(k.notes) == 0 && s.six {
		return nil // a pinhole can't be listed: without a note there is nothing to find
	}
	if a := k.find(ctx, true); !a.ok() {
		return fmt.Errorf("cleaning the router at %v up: %s: %w", gw.Addr, a.problem, ErrLeft)
	}
	left := false
	for _, n := range slices.Clone(k.notes) {
		if n.Gateway == gw.Addr {
			left = !k.cleanNoted(ctx, n) || left
		}
	}
	if r := k.knownReader(); r != nil {
		w := k.want()
		w.port = 0 // ours on any port
		if n, _ := r.sweep(ctx, w); n > 0 {
			m.log.Info("removed entries of an earlier run from the router", "entries", n)
		}
	}
	if left {
		return fmt.Errorf("cleaning the router at %v up: it did not remove everything: %w", gw.Addr, ErrLeft)
	}
	return nil
}

// cleanNoted removes what a note is about, and strikes it out.
func (k *keeper) cleanNoted(ctx context.Context, n Note) bool {
	i := slices.IndexFunc(k.candidates, func(s session) bool { return s.router().Via == n.Via })
	if i < 0 {
		return false
	}
	w := k.want()
	w.port, w.client, w.nonce, w.held = n.Port, n.Client, n.Nonce, false
	if !unwitnessed(k.candidates[i]).remove(ctx, w).ok() {
		return false
	}
	k.strike(ctx, n)
	return true
}
