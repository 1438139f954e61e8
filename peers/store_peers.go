package peers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// insertPeer takes editable's columns and the others; without an id it gives one.
const insertPeer = `INSERT INTO peers (name, name_folded, kind, note, profile, access, allowed_ips, resolvers, dns, keepalive_seconds, enabled,
		expires_unix, idle_days, idle_from_unix, idled_out, public_key, preshared_key, created_unix, version, id)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id`

// insert stores p and returns it with its new ID. It refuses with ErrNameTaken
// or ErrKeyTaken. When someone else has one of p's addresses meanwhile, p gets
// others by choose, which is told what is taken. The ledger gets what said makes
// of the peer.
func (s store) insert(ctx context.Context, p Peer, choose func(taken map[netip.Addr]bool) ([]netip.Addr, error), said func(Peer) *fingerprint) (Peer, error) {
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		psk := p.PresharedKey.Reveal()
		// This first statement takes the write lock: from here on nobody else
		// gives out addresses.
		err := tx.QueryRowContext(ctx, insertPeer, append(editable(p), p.PublicKey[:], psk[:], p.Created.Unix(), p.Version, nil)...).Scan(&p.ID)
		if errors.Is(err, sql.ErrNoRows) {
			return whichTaken(ctx, tx, p)
		}
		if err != nil {
			return err
		}
		if err = insertAddresses(ctx, tx, p); errors.Is(err, errAddressTaken) {
			var taken map[netip.Addr]bool
			if taken, err = takenByOthers(ctx, tx, p.ID); err != nil {
				return err
			}
			if p.Addresses, err = choose(taken); err != nil {
				return err
			}
			err = insertAddresses(ctx, tx, p)
		}
		if err != nil {
			return err
		}
		var waiting int // as somebody's next key
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM peer_next_keys WHERE public_key = ?`, p.PublicKey[:]).Scan(&waiting); err != nil {
			return err
		}
		if waiting > 0 {
			return ErrKeyTaken
		}
		if p.kept != nil {
			if err := storeKept(ctx, tx, p); err != nil {
				return err
			}
		}
		p.said = said(p)
		return writeDown(ctx, tx, p.ID, p.PublicKey, p.said, p.Created)
	})
	return p, err
}

// adoptIn stores p and its addresses. Without an ID it gets one.
func adoptIn(ctx context.Context, tx *sql.Tx, p Peer) error {
	psk := p.PresharedKey.Reveal()
	err := tx.QueryRowContext(ctx, insertPeer, append(editable(p), p.PublicKey[:], psk[:], p.Created.Unix(), p.Version,
		sql.NullInt64{Int64: int64(p.ID), Valid: p.ID != 0})...).Scan(&p.ID)
	if errors.Is(err, sql.ErrNoRows) {
		return whichTaken(ctx, tx, p)
	}
	if err != nil {
		return err
	}
	return insertAddresses(ctx, tx, p)
}

func putIn(ctx context.Context, tx *sql.Tx, p Peer) error {
	if err := adoptIn(ctx, tx, p); err != nil {
		return err
	}
	if p.said != nil {
		if err := writeDown(ctx, tx, p.ID, p.PublicKey, p.said, p.Created); err != nil {
			return err
		}
	}
	if !p.Renewing() {
		return nil
	}
	if p.nextSaid != nil {
		if err := writeDown(ctx, tx, p.ID, p.Next.PublicKey, p.nextSaid, p.Created); err != nil {
			return err
		}
	}
	return putNext(ctx, tx, p, p.Created)
}

// update changes all that can be edited in the row of version p.Version, and makes
// it the next one. It refuses with ErrNameTaken, or with ErrConflict when there is
// no such row any more.
func (s store) update(ctx context.Context, p Peer) error {
	return s.inTx(ctx, func(tx *sql.Tx) error { // which has the write lock at once
		var others int
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM peers WHERE name_folded = ? AND id <> ?`, p.folded, p.ID).Scan(&others); err != nil {
			return err
		}
		if others > 0 {
			return ErrNameTaken
		}
		res, err := tx.ExecContext(ctx, `UPDATE peers SET name = ?, name_folded = ?, kind = ?, note = ?, profile = ?, access = ?, allowed_ips = ?, resolvers = ?, dns = ?, keepalive_seconds = ?,
			enabled = ?, expires_unix = ?, idle_days = ?, idle_from_unix = ?, idled_out = ?, version = version + 1 WHERE id = ? AND version = ?`,
			append(editable(p), p.ID, p.Version)...)
		return oneRow(res, err, ErrConflict)
	})
}

// editable are the columns from name to idled_out.
func editable(p Peer) []any {
	return []any{
		string(p.Name), p.folded, string(p.Kind), p.Note, string(p.Profile), string(p.Access), string(p.Routes), string(p.Resolvers), boolInt(p.DNS), int64(p.Keepalive / time.Second),
		boolInt(p.Enabled), unixOf(p.Expires), p.IdleDays, unixOf(p.idleFrom), boolInt(p.IdledOut),
	}
}

// whichTaken names the unique column that kept p out.
func whichTaken(ctx context.Context, tx *sql.Tx, p Peer) error {
	var n int
	err := tx.QueryRowContext(ctx, `SELECT count(*) FROM peers WHERE name_folded = ?`, p.folded).Scan(&n)
	switch {
	case err != nil:
		return err
	case n > 0:
		return ErrNameTaken
	}
	return ErrKeyTaken
}

// setSeen stores when peers were here last. It is no change of a peer.
func (s store) setSeen(ctx context.Context, seen map[ID]time.Time) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		for id, t := range seen {
			if _, err := tx.ExecContext(ctx, `UPDATE peers SET seen_unix = ? WHERE id = ?`, unixOf(t), id); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s store) remove(ctx context.Context, id ID) error {
	return s.inTx(ctx, func(tx *sql.Tx) error { return removeIn(ctx, tx, id) })
}

func removeIn(ctx context.Context, tx *sql.Tx, id ID) error {
	for _, table := range []string{`DELETE FROM peer_addresses WHERE peer_id = ?`, `DELETE FROM peer_next_keys WHERE peer_id = ?`} {
		if _, err := tx.ExecContext(ctx, table, id); err != nil {
			return err
		}
	}
	res, err := tx.ExecContext(ctx, `DELETE FROM peers WHERE id = ?`, id)
	return oneRow(res, err, ErrConflict)
}

// replace removes some peers and stores others as they are, number and version
// included, all of it or nothing.
func (s store) replace(ctx context.Context, gone []ID, put []Peer) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		for _, id := range gone {
			if err := removeIn(ctx, tx, id); err != nil {
				return fmt.Errorf("removing device %d: %w", id, err)
			}
		}
		for _, p := range put {
			if err := putIn(ctx, tx, p); err != nil {
				return fmt.Errorf("storing device %q: %w", p.Name, err)
			}
		}
		return nil
	})
}
