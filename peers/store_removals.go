package peers

import (
	"context"
	"time"
)

// setRemoval stores when a peer is removed; the zero time means that it stays.
func (s store) setRemoval(ctx context.Context, id ID, at time.Time) error {
	if at.IsZero() {
		_, err := s.db.ExecContext(ctx, `DELETE FROM peer_removals WHERE peer_id = ?`, id)
		return err
	}
	_, err := s.db.ExecContext(ctx, `INSERT INTO peer_removals (peer_id, at_unix) VALUES (?, ?)
		ON CONFLICT (peer_id) DO UPDATE SET at_unix = excluded.at_unix`, id, at.Unix())
	return err
}

// removals are the peers that are going to be removed.
func (s store) removals(ctx context.Context) (map[ID]time.Time, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT peer_id, at_unix FROM peer_removals`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[ID]time.Time{}
	for rows.Next() {
		var id ID
		var at int64
		if err := rows.Scan(&id, &at); err != nil {
			return nil, err
		}
		all[id] = time.Unix(at, 0).UTC()
	}
	return all, rows.Err()
}
