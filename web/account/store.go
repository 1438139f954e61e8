package account

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// theAdmin is the name of the one admin there is.
const theAdmin = "admin"

// store is the account's part of the database.
type store struct {
	db  *sql.DB
	now func() time.Time
}

func (s store) claimed(ctx context.Context) (bool, error) {
	id, _, err := s.admin(ctx)
	return id != 0, err
}

// admin returns the admin and its hash; the number is zero before the claim.
func (s store) admin(ctx context.Context) (id int64, hash string, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT id, password_hash FROM admins WHERE name = ?`, theAdmin).Scan(&id, &hash)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, "", nil
	}
	if err != nil {
		return 0, "", fmt.Errorf("reading the admin: %w", err)
	}
	return id, hash, nil
}

// claim makes the admin unless there is one: the database decides who was first.
func (s store) claim(ctx context.Context, hash string) (int64, error) {
	r, err := s.db.ExecContext(ctx, `INSERT INTO admins (name, password_hash, created_unix) SELECT ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM admins)`,
		theAdmin, hash, s.now().Unix())
	if err != nil {
		return 0, fmt.Errorf("storing the password: %w", err)
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return 0, errors.Join(ErrClaimed, err)
	}
	return r.LastInsertId()
}

// setPassword sets the hash and ends all sessions, or does neither.
func (s store) setPassword(ctx context.Context, hash string) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("storing the password: %w", err)
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, `INSERT INTO admins (name, password_hash, created_unix) VALUES (?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET password_hash = excluded.password_hash`, theAdmin, hash, s.now().Unix()); err != nil {
		return fmt.Errorf("storing the password: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM sessions`); err != nil {
		return fmt.Errorf("ending the sessions: %w", err)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("storing the password: %w", err)
	}
	return nil
}

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
