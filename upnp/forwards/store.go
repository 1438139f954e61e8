package forwards

import (
	"context"
	"database/sql"
	"fmt"
	"net/netip"
	"time"
)

// store is the rules in the table forwards.
type store struct{ db *sql.DB }

func (s store) all(ctx context.Context) ([]Rule, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT id, name, protocol, external, count, machine, internal, enabled, created_unix FROM forwards ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("reading the rules for other ports: %w", err)
	}
	defer rows.Close()
	var list []Rule
	for rows.Next() {
		var r Rule
		var machine string
		var internal uint16
		var created int64
		if err := rows.Scan(&r.ID, &r.Name, &r.Protocol, &r.External, &r.Count, &machine, &internal, &r.Enabled, &created); err != nil {
			return nil, fmt.Errorf("reading the rules for other ports: %w", err)
		}
		to, err := netip.ParseAddr(machine)
		if err != nil {
			return nil, fmt.Errorf("reading rule %d: %w", r.ID, err)
		}
		r.To, r.Created = netip.AddrPortFrom(to, internal), time.Unix(created, 0)
		list = append(list, r)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading the rules for other ports: %w", err)
	}
	return list, nil
}

func (s store) add(ctx context.Context, r Rule) (int64, error) {
	done, err := s.db.ExecContext(ctx, `INSERT INTO forwards (name, protocol, external, count, machine, internal, enabled, created_unix) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		r.Name, r.Protocol, r.External, r.Count, r.To.Addr().String(), r.To.Port(), r.Enabled, r.Created.Unix())
	if err != nil {
		return 0, fmt.Errorf("storing the rule %q: %w", r.Name, err)
	}
	return done.LastInsertId()
}

func (s store) setEnabled(ctx context.Context, id int64, on bool) error {
	if _, err := s.db.ExecContext(ctx, `UPDATE forwards SET enabled = ? WHERE id = ?`, on, id); err != nil {
		return fmt.Errorf("switching rule %d: %w", id, err)
	}
	return nil
}

func (s store) remove(ctx context.Context, id int64) error {
	if _, err := s.db.ExecContext(ctx, `DELETE FROM forwards WHERE id = ?`, id); err != nil {
		return fmt.Errorf("removing rule %d: %w", id, err)
	}
	return nil
}
