package account

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"homeward/web/account/internal/dbtx"
)

var errNone = errors.New("there is no admin")

// claim makes the admin unless there is one: the database decides who was first.
func (s store) claim(ctx context.Context, hash string) (int64, error) {
	r, err := s.db.ExecContext(ctx, `INSERT INTO admins (name, password_hash, created_unix) SELECT ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM admins)`,
		theAdmin, hash, s.now().Unix())
	if err := dbtx.Changed(r, err, "storing the password", ErrClaimed); err != nil {
		return 0, err
	}
	return r.LastInsertId()
}

// resetPassword sets a user's hash, with which all sessions of that user end, and the
// tokens and passkeys, too, or does neither.
func (s store) resetPassword(ctx context.Context, name, hash string, keys bool) error {
	return dbtx.In(ctx, s.db, "storing the password", func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `UPDATE admins SET password_hash = ? WHERE name = ?`, hash, name)
		if err := dbtx.Changed(r, err, "storing the password", ErrNoUser); err != nil || !keys {
			return err
		}
		return endKeys(ctx, tx, `name = ?`, name)
	})
}

// setPassword sets the first admin's hash and ends all sessions and that admin's
// tokens and passkeys, or does nothing. Where there is no admin, it makes one.
func (s store) setPassword(ctx context.Context, hash string) error {
	return dbtx.In(ctx, s.db, "storing the password", func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `UPDATE admins SET password_hash = ? WHERE id = (SELECT min(id) FROM admins WHERE role = 'admin')`, hash)
		err = dbtx.Changed(r, err, "storing the password", errNone)
		if errors.Is(err, errNone) {
			_, err = tx.ExecContext(ctx, `INSERT INTO admins (name, password_hash, created_unix) VALUES (?, ?, ?)`, theAdmin, hash, s.now().Unix())
		}
		if err != nil {
			return fmt.Errorf("storing the password: %w", err)
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM sessions`); err != nil {
			return fmt.Errorf("ending the sessions: %w", err)
		}
		return endKeys(ctx, tx, `id = (SELECT min(id) FROM admins WHERE role = 'admin')`)
	})
}

// endTokens ends the tokens of the users for whom a condition holds.
func endTokens(ctx context.Context, tx *sql.Tx, which string, args ...any) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM tokens WHERE admin_id IN (SELECT id FROM admins WHERE `+which+`)`, args...); err != nil {
		return fmt.Errorf("ending the tokens: %w", err)
	}
	return nil
}

// endKeys ends what else the users get in by, for whom a condition holds.
func endKeys(ctx context.Context, tx *sql.Tx, which string, args ...any) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM passkeys WHERE admin_id IN (SELECT id FROM admins WHERE `+which+`)`, args...); err != nil {
		return fmt.Errorf("ending the passkeys: %w", err)
	}
	return endTokens(ctx, tx, which, args...)
}
