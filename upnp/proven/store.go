package proven

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"homeward/upnp"
)

// store is the tables proven_place, which has one row or none, and proven.
type store struct{ db *sql.DB }

// read returns what is stored. What makes no sense is left out: it would prove nothing.
func (s store) read(ctx context.Context) (place upnp.Place, list []upnp.Proof, err error) {
	var address, gateway string
	err = s.db.QueryRowContext(ctx, `SELECT address, port, gateway, router FROM proven_place`).Scan(&address, &place.Port, &gateway, &place.Router)
	if errors.Is(err, sql.ErrNoRows) {
		return upnp.Place{}, nil, nil
	}
	if err != nil {
		return upnp.Place{}, nil, fmt.Errorf("reading where home was proven to be: %w", err)
	}
	place.Address, _ = netip.ParseAddr(address) // empty: not told
	place.Gateway, _ = netip.ParseAddr(gateway)
	rows, err := s.db.QueryContext(ctx, `SELECT kind, six, at_unix, network FROM proven ORDER BY kind, six`)
	if err != nil {
		return upnp.Place{}, nil, fmt.Errorf("reading what proved the way in: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var p upnp.Proof
		var at int64
		var from string
		if err := rows.Scan(&p.Kind, &p.Six, &at, &from); err != nil {
			return upnp.Place{}, nil, fmt.Errorf("reading what proved the way in: %w", err)
		}
		if !slices.Contains(upnp.ProofKinds(), p.Kind) {
			continue // of another version
		}
		p.At, p.Network = time.Unix(at, 0), network(from)
		list = append(list, p.Keep())
	}
	if err := rows.Err(); err != nil {
		return upnp.Place{}, nil, fmt.Errorf("reading what proved the way in: %w", err)
	}
	return place, list, nil
}

// write replaces all that is stored, or nothing.
func (s store) write(ctx context.Context, place upnp.Place, list []upnp.Proof) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("storing what proved the way in: %w", err)
	}
	defer tx.Rollback() // does nothing after Commit
	_, err = tx.ExecContext(ctx, `INSERT INTO proven_place (id, address, port, gateway, router) VALUES (1, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET address = excluded.address, port = excluded.port, gateway = excluded.gateway, router = excluded.router`,
		text(place.Address), place.Port, text(place.Gateway), place.Router)
	if err == nil {
		_, err = tx.ExecContext(ctx, `DELETE FROM proven`)
	}
	for _, p := range list {
		from := ""
		if p.Network.IsValid() {
			from = p.Network.String()
		}
		if err == nil {
			_, err = tx.ExecContext(ctx, `INSERT INTO proven (kind, six, at_unix, network) VALUES (?, ?, ?, ?)`, string(p.Kind), p.Six, p.At.Unix(), from)
		}
	}
	if err == nil {
		err = tx.Commit()
	}
	if err != nil {
		return fmt.Errorf("storing what proved the way in: %w", err)
	}
	return nil
}

// text is an address, or nothing for none.
func text(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}
