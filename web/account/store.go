package account

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// theAdmin is the name of the first admin.
const theAdmin = "admin"

// store is the account's part of the database.
type store struct {
	db  *sql.DB
	now func() time.Time
}

func (s store) claimed(ctx context.Context) (bool, error) {
	u, _, err := s.named(ctx, "")
	return u.ID != 0, err
}

const selectUser = `SELECT id, name, role, created_unix, totp_on, totp_changes, password_hash FROM admins `

// named returns a user and the hash; without a name, the first admin. A user
// who is not there has the number zero.
func (s store) named(ctx context.Context, name string) (User, string, error) {
	if name == "" {
		return readUser(s.db.QueryRowContext(ctx, selectUser+`WHERE role = 'admin' ORDER BY id LIMIT 1`))
	}
	return readUser(s.db.QueryRowContext(ctx, selectUser+`WHERE name = ?`, name))
}

func (s store) numbered(ctx context.Context, id int64) (User, string, error) {
	return readUser(s.db.QueryRowContext(ctx, selectUser+`WHERE id = ?`, id))
}

// readUser reads one row, or none.
func readUser(row interface{ Scan(...any) error }) (u User, hash string, err error) {
	var since int64
	err = row.Scan(&u.ID, &u.Name, &u.Role, &since, &u.SecondStep, &u.changes, &hash)
	if errors.Is(err, sql.ErrNoRows) {
		return User{}, "", nil
	}
	if err != nil {
		return User{}, "", fmt.Errorf("reading a user: %w", err)
	}
	u.Since = time.Unix(since, 0)
	return u, hash, nil
}

func (s store) users(ctx context.Context) (list []User, err error) {
	rows, err := s.db.QueryContext(ctx, selectUser+`ORDER BY name`)
	if err != nil {
		return nil, fmt.Errorf("reading the users: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		u, _, err := readUser(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, u)
	}
	return list, rows.Err()
}

// addUser adds a user; the database decides whether the name is free.
func (s store) addUser(ctx context.Context, name string, role Role, hash string) error {
	r, err := s.db.ExecContext(ctx, `INSERT INTO admins (name, role, password_hash, created_unix) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO NOTHING`,
		name, role, hash, s.now().Unix())
	return oneRow(r, err, "storing a user", ErrNameTaken)
}

// changeUser does all of it or nothing.
func (s store) changeUser(ctx context.Context, name string, c UserChange) error {
	return s.inTx(ctx, "changing a user", func(tx *sql.Tx) error {
		if c.Role != nil {
			if !c.Role.Scopes().Allow(ScopeAdmin) { // the others have nothing to lose
				if err := endTokens(ctx, tx, `name = ? AND role = ?`, name, RoleAdmin); err != nil {
					return err
				}
			}
			r, err := tx.ExecContext(ctx, `UPDATE admins SET role = ? WHERE name = ?`, *c.Role, name)
			if err := oneRow(r, err, "changing a user", ErrNoUser); err != nil {
				return err
			}
		}
		if c.Name != nil && *c.Name != name {
			var taken bool
			if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM admins WHERE name = ?)`, *c.Name).Scan(&taken); err != nil || taken {
				return cmp.Or(err, ErrNameTaken)
			}
			r, err := tx.ExecContext(ctx, `UPDATE admins SET name = ? WHERE name = ?`, *c.Name, name)
			if err := oneRow(r, err, "renaming a user", ErrNoUser); err != nil {
				return err
			}
		}
		return anAdminIsLeft(ctx, tx)
	})
}

func (s store) removeUser(ctx context.Context, name string) error {
	return s.inTx(ctx, "removing a user", func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `DELETE FROM admins WHERE name = ?`, name)
		if err := oneRow(r, err, "removing a user", ErrNoUser); err != nil {
			return err
		}
		return anAdminIsLeft(ctx, tx)
	})
}

// anAdminIsLeft fails with ErrLastAdmin when nobody could change anything any more.
func anAdminIsLeft(ctx context.Context, tx *sql.Tx) error {
	var left bool
	if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM admins WHERE role = 'admin')`).Scan(&left); err != nil || left {
		return err
	}
	return ErrLastAdmin
}

// resetPassword sets a user's hash, with which all sessions of that user end, and the
// tokens and passkeys, too, or does neither.
func (s store) resetPassword(ctx context.Context, name, hash string, keys bool) error {
	return s.inTx(ctx, "storing the password", func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `UPDATE admins SET password_hash = ? WHERE name = ?`, hash, name)
		if err := oneRow(r, err, "storing the password", ErrNoUser); err != nil || !keys {
			return err
		}
		return endKeys(ctx, tx, `name = ?`, name)
	})
}

// endTokens ends the tokens of the users for whom a condition holds.
func endTokens(ctx context.Context, tx *sql.Tx, which string, args ...any) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM tokens WHERE admin_id IN (SELECT id FROM admins WHERE `+which+`)`, args...); err != nil {
		return fmt.Errorf("ending the tokens: %w", err)
	}
	return nil
}

// oneRow fails with none when nothing was changed.
func oneRow(r sql.Result, err error, doing string, none error) error {
	var n int64
	if err == nil {
		n, err = r.RowsAffected()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if n == 0 {
		return none
	}
	return nil
}

// inTx does all of it or nothing.
func (s store) inTx(ctx context.Context, doing string, do func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	defer tx.Rollback()
	if err := do(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
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

// setPassword sets the first admin's hash and ends all sessions and that admin's
// tokens and passkeys, or does nothing. Where there is no admin, it makes one.
func (s store) setPassword(ctx context.Context, hash string) error {
	return s.inTx(ctx, "storing the password", func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `UPDATE admins SET password_hash = ? WHERE id = (SELECT min(id) FROM admins WHERE role = 'admin')`, hash)
		err = oneRow(r, err, "storing the password", errNone)
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

// setSecret stores a sealed secret that no code was entered for yet, unless the
// second step is on.
func (s store) setSecret(ctx context.Context, id int64, sealed []byte) error {
	r, err := s.db.ExecContext(ctx, `UPDATE admins SET totp_sealed = ?, totp_step = 0 WHERE id = ? AND totp_on = 0`, sealed, id)
	return oneRow(r, err, "storing the second step", ErrSecondStep)
}

// sealedSecret is nil where there is none. It is on as soon as a right code was entered.
func (s store) sealedSecret(ctx context.Context, id int64) (sealed []byte, on bool, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT totp_sealed, totp_on FROM admins WHERE id = ?`, id).Scan(&sealed, &on)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, false, fmt.Errorf("reading the second step: %w", err)
	}
	return sealed, on, nil
}

// switchOn lets the sealed secret and the recovery codes count from now on.
func (s store) switchOn(ctx context.Context, id int64, sealed []byte, step int64, recovery [][]byte) error {
	return s.inTx(ctx, "switching the second step on", func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `UPDATE admins SET totp_on = 1, totp_step = ?, totp_changes = totp_changes + 1 WHERE id = ? AND totp_on = 0 AND totp_sealed = ?`, step, id, sealed)
		if err := oneRow(r, err, "switching the second step on", ErrSecondStep); err != nil {
			return err
		}
		return addRecovery(ctx, tx, id, recovery)
	})
}

func addRecovery(ctx context.Context, tx *sql.Tx, id int64, hashes [][]byte) error {
	for _, hash := range hashes {
		if _, err := tx.ExecContext(ctx, `INSERT INTO recovery_codes (admin_id, hash) VALUES (?, ?)`, id, hash); err != nil {
			return fmt.Errorf("storing a recovery code: %w", err)
		}
	}
	return nil
}

// replaceRecovery lets other recovery codes count, unless the second step was
// switched off meanwhile.
func (s store) replaceRecovery(ctx context.Context, id int64, hashes [][]byte) error {
	return s.inTx(ctx, "storing the recovery codes", func(tx *sql.Tx) error {
		var on bool
		err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM admins WHERE id = ? AND totp_on = 1)`, id).Scan(&on)
		if err == nil && !on {
			return ErrNoSecondStep
		}
		if err == nil {
			_, err = tx.ExecContext(ctx, `DELETE FROM recovery_codes WHERE admin_id = ?`, id)
		}
		if err != nil {
			return fmt.Errorf("removing the recovery codes: %w", err)
		}
		return addRecovery(ctx, tx, id, hashes)
	})
}

// switchOff forgets everything about a user's second step.
func (s store) switchOff(ctx context.Context, id int64) error {
	return s.inTx(ctx, "switching the second step off", func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `UPDATE admins SET totp_on = 0, totp_sealed = NULL, totp_step = 0, totp_changes = totp_changes + 1 WHERE id = ? AND totp_on = 1`, id)
		if err := oneRow(r, err, "switching the second step off", ErrNoSecondStep); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM recovery_codes WHERE admin_id = ?`, id); err != nil {
			return fmt.Errorf("removing the recovery codes: %w", err)
		}
		return nil
	})
}

// useStep uses a time step's code up, and all before it: of two at the same time one
// wins. It fails with ErrWrongCode.
func (s store) useStep(ctx context.Context, id, step int64) error {
	r, err := s.db.ExecContext(ctx, `UPDATE admins SET totp_step = ? WHERE id = ? AND totp_on = 1 AND totp_step < ?`, step, id, step)
	return oneRow(r, err, "storing the time of a code", ErrWrongCode)
}

// useRecovery uses a recovery code up. It fails with ErrWrongCode.
func (s store) useRecovery(ctx context.Context, id int64, hash []byte) error {
	r, err := s.db.ExecContext(ctx, `DELETE FROM recovery_codes WHERE admin_id = ? AND hash = ?`, id, hash)
	return oneRow(r, err, "using a recovery code up", ErrWrongCode)
}

func (s store) recoveryLeft(ctx context.Context, id int64) (n int, err error) {
	if err := s.db.QueryRowContext(ctx, `SELECT count(*) FROM recovery_codes WHERE admin_id = ?`, id).Scan(&n); err != nil {
		return 0, fmt.Errorf("counting the recovery codes: %w", err)
	}
	return n, nil
}

var errNone = errors.New("there is no admin")

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
