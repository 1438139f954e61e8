package peers

import (
	"context"
	"database/sql"
	"fmt"
	"net/netip"
	"slices"
)

// Move is what Renumber does to one peer.
type Move struct {
	ID       ID
	Name     Name
	From, To []netip.Addr // sorted
	// Access is what the peer may reach then. Ruled says that it is not what it was,
	// since it named addresses of the tunnel.
	Access Access
	Ruled  bool
}

// Moves is what Renumber to these prefixes would do, by ID, and changes nothing. It
// refuses with the same FieldErrors.
func (m *Manager) Moves(tunnel []netip.Prefix) ([]Move, error) {
	m.write.Lock()
	defer m.write.Unlock()
	_, moves, err := m.movesLocked(tunnel)
	return moves, err
}

// Renumber gives all peers the same host numbers in other tunnel prefixes, which
// are our own addresses as in Facts.Tunnel: one of each family that there is, as large as
// that or larger. Addresses of the tunnel that access rules name move along. The
// keys stay, and so does what the ledger says of the codes: all of them, new ones that
// were not used yet included, need replacing because of ReasonAddress.
//
// inTx runs its function in the transaction in which the caller stores the prefixes,
// and returns after the commit: prefixes and peers change together or not at all.
// Nothing changes with a FieldError. Peers that are damaged in the database keep their
// addresses.
//
// The device is told nothing, since it has its own addresses in the old prefixes: the
// caller makes it anew, and the peers are Pending until then.
func (m *Manager) Renumber(ctx context.Context, tunnel []netip.Prefix, inTx func(context.Context, func(*sql.Tx) error) error) ([]Move, error) {
	m.write.Lock()
	defer m.write.Unlock()
	moved, moves, err := m.movesLocked(tunnel)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx)
	if err := inTx(ctx, func(tx *sql.Tx) error { return renumberIn(ctx, tx, moved) }); err != nil {
		return nil, fmt.Errorf("renumbering the devices: %w", m.failedLocked(ctx, err))
	}
	for _, p := range moved {
		p.Version++
		m.roster = m.roster.with(p)
		m.handed.forget(p.ID) // its config has the old address
	}
	m.cfg.Logger.Info("devices renumbered", "tunnel", tunnel, "devices", len(moved))
	m.publishLocked()
	return moves, nil
}

func (m *Manager) movesLocked(tunnel []netip.Prefix) ([]Peer, []Move, error) {
	t, err := newTransplant(m.cfg.Facts().Tunnel, tunnel)
	if err != nil {
		return nil, nil, err
	}
	var (
		moved []Peer
		moves []Move
		has   = make(map[netip.Addr]bool)
	)
	for _, p := range m.roster.byID {
		to := make([]netip.Addr, len(p.Addresses))
		for i, a := range p.Addresses {
			to[i] = t.addr(a)
			if has[to[i]] {
				return nil, nil, fieldErrorf("prefix", "two devices would get the address %v: choose another network", to[i])
			}
			has[to[i]] = true
		}
		slices.SortFunc(to, netip.Addr.Compare)
		next := *p
		next.Addresses = to
		if next.Access, err = t.access(p.Access); err != nil {
			return nil, nil, fmt.Errorf("device %q: %w", p.Name, err)
		}
		if slices.Equal(to, p.Addresses) && next.Access == p.Access {
			continue
		}
		moved = append(moved, next)
		moves = append(moves, Move{p.ID, p.Name, slices.Clone(p.Addresses), slices.Clone(to), next.Access, next.Access != p.Access})
	}
	return moved, moves, nil
}

// transplant moves addresses from one network to another that is as large or larger.
type transplant []struct{ from, to netip.Prefix } // masked

func newTransplant(old, next []netip.Prefix) (transplant, error) {
	var t transplant
	for _, to := range next {
		i := slices.IndexFunc(old, func(p netip.Prefix) bool { return p.Addr().Is4() == to.Addr().Is4() })
		if i < 0 || !to.IsValid() || old[i].Bits() < to.Bits() {
			return nil, fieldErrorf("prefix", "one network for each that the tunnel has is needed, as large or larger")
		}
		t = append(t, struct{ from, to netip.Prefix }{old[i].Masked(), to.Masked()})
		if t.addr(old[i].Addr()) != to.Addr() { // which a peer could have
			return nil, fieldErrorf("prefix", "one network for each that the tunnel has is needed, as large or larger")
		}
	}
	if len(next) != len(old) || len(next) == 2 && next[0].Addr().Is4() == next[1].Addr().Is4() {
		return nil, fieldErrorf("prefix", "one network for each that the tunnel has is needed, as large or larger")
	}
	return t, nil
}

// addr is a with the same host number in the other network, or a where it is in none.
func (t transplant) addr(a netip.Addr) netip.Addr {
	for _, n := range t {
		if !n.from.Contains(a) {
			continue
		}
		host, network := a.AsSlice(), n.to.Addr().AsSlice()
		for i := range host {
			mask := byte(0xff) << (8 - min(8, max(0, n.from.Bits()-8*i)))
			host[i] = network[i] | host[i]&^mask // a larger network has zeros between
		}
		moved, _ := netip.AddrFromSlice(host) // of a length that an address has
		return moved
	}
	return a
}

// access moves what lies in the tunnel. A range that reaches beyond it was not
// made for the tunnel, and stays.
func (t transplant) access(a Access) (Access, error) {
	g := a.Grants()
	changed := false
	g.Things = slices.Clone(g.Things)
	for i, th := range g.Things {
		for _, n := range t {
			if n.from.Contains(th.First) && n.from.Contains(th.Last) {
				g.Things[i].First, g.Things[i].Last = t.addr(th.First), t.addr(th.Last)
				changed = true
			}
		}
	}
	if !changed {
		return a, nil
	}
	return ParseAccess(string(g.Access()))
}
