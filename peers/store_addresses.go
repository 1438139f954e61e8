package peers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
)

var errAddressTaken = errors.New("an address was given out meanwhile")

// insertAddresses gives p exactly its addresses, or refuses with errAddressTaken.
func insertAddresses(ctx context.Context, tx *sql.Tx, p Peer) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM peer_addresses WHERE peer_id = ?`, p.ID); err != nil {
		return err
	}
	for _, a := range p.Addresses {
		res, err := tx.ExecContext(ctx, `INSERT INTO peer_addresses (address, peer_id, family)
			VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, a.String(), p.ID, family(a))
		if err := oneRow(res, err, errAddressTaken); err != nil {
			return err
		}
	}
	return nil
}

// takenByOthers reads which addresses peers other than id have.
func takenByOthers(ctx context.Context, tx *sql.Tx, id ID) (map[netip.Addr]bool, error) {
	rows, err := tx.QueryContext(ctx, `SELECT address FROM peer_addresses WHERE peer_id <> ?`, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	taken := make(map[netip.Addr]bool)
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		if a, err := netip.ParseAddr(text); err == nil { // a damaged one is nobody's
			taken[a] = true
		}
	}
	return taken, rows.Err()
}

// renumberIn stores the addresses and the access of peers, each in the row of its
// version, which becomes the next one. All give their old addresses up first: one
// may be another's new one.
func renumberIn(ctx context.Context, tx *sql.Tx, list []Peer) error {
	for _, p := range list {
		if _, err := tx.ExecContext(ctx, `DELETE FROM peer_addresses WHERE peer_id = ?`, p.ID); err != nil {
			return err
		}
	}
	for _, p := range list {
		res, err := tx.ExecContext(ctx, `UPDATE peers SET access = ?, version = version + 1 WHERE id = ? AND version = ?`, string(p.Access), p.ID, p.Version)
		if err = oneRow(res, err, ErrConflict); err == nil {
			err = insertAddresses(ctx, tx, p)
		}
		if err != nil {
			return fmt.Errorf("device %q: %w", p.Name, err)
		}
	}
	return nil
}

// family is 4 or 6.
func family(a netip.Addr) int64 {
	if a.Is4() {
		return 4
	}
	return 6
}
