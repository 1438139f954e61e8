package peers

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// setInvite stores an invite in the place of an earlier one.
func (s store) setInvite(ctx context.Context, id ID, hash secretHash, until time.Time) error {
	_, err := s.db.ExecContext(ctx, `INSERT INTO invites (peer_id, token_hash, expires_unix) VALUES (?, ?, ?)
		ON CONFLICT (peer_id) DO UPDATE SET token_hash = excluded.token_hash, expires_unix = excluded.expires_unix`, id, hash[:], until.Unix())
	return err
}

// invited returns whom an invite is for, or ErrInvite.
func (s store) invited(ctx context.Context, hash secretHash, now time.Time) (ID, error) {
	var id ID
	err := s.db.QueryRowContext(ctx, `SELECT peer_id FROM invites WHERE token_hash = ? AND expires_unix > ?`, hash[:], now.Unix()).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, ErrInvite
	}
	return id, err
}
