package account

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// sessions keeps sessions for the session manager, which hashes their tokens.
type sessions struct{ store }

// FindCtx implements scs.CtxStore.
func (s sessions) FindCtx(ctx context.Context, hash string) ([]byte, bool, error) {
	var data []byte
	err := s.db.QueryRowContext(ctx, `SELECT data FROM sessions WHERE token_hash = ? AND expires_unix > ?`, hash, s.now().Unix()).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("reading a session: %w", err)
	}
	return data, true, nil
}

// CommitCtx implements scs.CtxStore.
func (s sessions) CommitCtx(ctx context.Context, hash string, data []byte, expiry time.Time) error {
	if _, err := s.db.ExecContext(ctx, `DELETE FROM sessions WHERE expires_unix <= ?`, s.now().Unix()); err != nil {
		return fmt.Errorf("removing expired sessions: %w", err)
	}
	_, err := s.db.ExecContext(ctx, `INSERT INTO sessions (token_hash, data, expires_unix) VALUES (?, ?, ?)
		ON CONFLICT (token_hash) DO UPDATE SET data = excluded.data, expires_unix = excluded.expires_unix`, hash, data, expiry.Unix())
	if err != nil {
		return fmt.Errorf("storing a session: %w", err)
	}
	return nil
}

// DeleteCtx implements scs.CtxStore.
func (s sessions) DeleteCtx(ctx context.Context, hash string) error {
	if _, err := s.db.ExecContext(ctx, `DELETE FROM sessions WHERE token_hash = ?`, hash); err != nil {
		return fmt.Errorf("ending a session: %w", err)
	}
	return nil
}

// AllCtx implements scs.IterableCtxStore.
func (s sessions) AllCtx(ctx context.Context) (map[string][]byte, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT token_hash, data FROM sessions WHERE expires_unix > ?`, s.now().Unix())
	if err != nil {
		return nil, fmt.Errorf("reading the sessions: %w", err)
	}
	defer rows.Close()
	all := map[string][]byte{}
	for rows.Next() {
		var hash string
		var data []byte
		if err := rows.Scan(&hash, &data); err != nil {
			return nil, fmt.Errorf("reading the sessions: %w", err)
		}
		all[hash] = data
	}
	return all, rows.Err()
}

// The rest of scs.Store, which the session manager does not call when the
// methods with a context are there.

// Find implements scs.Store.
func (s sessions) Find(hash string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), hash)
}

// Commit implements scs.Store.
func (s sessions) Commit(hash string, data []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), hash, data, expiry)
}

// Delete implements scs.Store.
func (s sessions) Delete(hash string) error { return s.DeleteCtx(context.Background(), hash) }
