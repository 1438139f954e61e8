// Package journal keeps the port mapper's notes in the appliance's database, so that
// a crash leaves nothing unknown on the router.
package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"homeward/upnp"
)

// Store is an upnp.Journal in the table router_notes.
type Store struct {
	db *sql.DB
}

// New makes a store in a database that has the table.
func New(db *sql.DB) *Store { return &Store{db} }

// Notes returns all notes that can be read; the error is about the others.
func (s *Store) Notes(ctx context.Context) ([]upnp.Note, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT gateway, client, port, via, router, description, nonce, until_unix FROM router_notes ORDER BY gateway, client, port, via`)
	if err != nil {
		return nil, fmt.Errorf("reading the notes about routers: %w", err)
	}
	defer rows.Close()
	var list []upnp.Note
	var bad error
	for rows.Next() {
		var n upnp.Note
		var gateway, client string
		var nonce []byte
		var until int64
		if err := rows.Scan(&gateway, &client, &n.Port, &n.Via, &n.Router, &n.Description, &nonce, &until); err != nil {
			return list, fmt.Errorf("reading the notes about routers: %w", err)
		}
		var badGateway, badClient error
		n.Gateway, badGateway = netip.ParseAddr(gateway)
		n.Client, badClient = netip.ParseAddr(client)
		if err := errors.Join(badGateway, badClient); err != nil {
			bad = fmt.Errorf("reading a note about a router: %w", err)
			continue
		}
		copy(n.Nonce[:], nonce)
		if until != 0 {
			n.Until = time.Unix(until, 0)
		}
		list = append(list, n)
	}
	return list, errors.Join(bad, rows.Err())
}

// Keep writes a note in place of the one about the same thing.
func (s *Store) Keep(ctx context.Context, n upnp.Note) error {
	until := int64(0)
	if !n.Until.IsZero() {
		until = n.Until.Unix()
	}
	_, err := s.db.ExecContext(ctx, `INSERT INTO router_notes (gateway, client, port, via, router, description, nonce, until_unix) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (gateway, client, port, via) DO UPDATE SET router = excluded.router, description = excluded.description, nonce = excluded.nonce, until_unix = excluded.until_unix`,
		n.Gateway.String(), n.Client.String(), n.Port, n.Via, n.Router, n.Description, n.Nonce[:], until)
	if err != nil {
		return fmt.Errorf("writing the note about %v port %d: %w", n.Gateway, n.Port, err)
	}
	return nil
}

// Strike removes a note. One that isn't there is no error.
func (s *Store) Strike(ctx context.Context, n upnp.Note) error {
	_, err := s.db.ExecContext(ctx, `DELETE FROM router_notes WHERE gateway = ? AND client = ? AND port = ? AND via = ?`,
		n.Gateway.String(), n.Client.String(), n.Port, n.Via)
	if err != nil {
		return fmt.Errorf("removing the note about %v port %d: %w", n.Gateway, n.Port, err)
	}
	return nil
}
