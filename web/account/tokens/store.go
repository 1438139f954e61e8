package tokens

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"homeward/web/account"
	"homeward/web/account/internal/dbtx"
)

// store is the table of the tokens.
type store struct{ db *sql.DB }

const selectToken = `SELECT t.id, t.admin_id, a.name, t.name, t.scopes, t.created_unix, t.used_unix, t.expires_unix FROM tokens t JOIN admins a ON a.id = t.admin_id `

// read reads one row, or fails with none.
func read(row interface{ Scan(...any) error }, none error) (Token, error) {
	var t Token
	var scopes string
	var created, used, expires int64
	err := row.Scan(&t.ID, &t.owner, &t.Owner, &t.Name, &scopes, &created, &used, &expires)
	if errors.Is(err, sql.ErrNoRows) {
		return Token{}, none
	}
	if err != nil {
		return Token{}, fmt.Errorf("reading a token: %w", err)
	}
	for _, s := range strings.Fields(scopes) {
		t.Scopes = append(t.Scopes, account.Scope(s))
	}
	t.Created, t.Used, t.Expires = moment(created), moment(used), moment(expires)
	return t, nil
}

// moment is no time at all for zero.
func moment(unix int64) time.Time {
	if unix == 0 {
		return time.Time{}
	}
	return time.Unix(unix, 0)
}

func (s store) all(ctx context.Context) (list []Token, err error) {
	rows, err := s.db.QueryContext(ctx, selectToken+`ORDER BY a.name, t.name_folded`)
	if err != nil {
		return nil, fmt.Errorf("reading the tokens: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		t, err := read(rows, nil)
		if err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	return list, rows.Err()
}

func (s store) numbered(ctx context.Context, id int64) (Token, error) {
	return read(s.db.QueryRowContext(ctx, selectToken+`WHERE t.id = ?`, id), ErrNoToken)
}

func (s store) hashed(ctx context.Context, hash []byte) (Token, error) {
	return read(s.db.QueryRowContext(ctx, selectToken+`WHERE t.hash = ?`, hash), ErrWrong)
}

// add stores a token of a user who still has the role, and forgets those of the user
// that have ended. The database decides whether the name is free.
func (s store) add(ctx context.Context, t Token, folded string, hash []byte, role account.Role) (id int64, err error) {
	const doing = "storing a token"
	err = dbtx.In(ctx, s.db, doing, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM tokens WHERE admin_id = ? AND expires_unix > 0 AND expires_unix <= ?`, t.owner, t.Created.Unix()); err != nil {
			return fmt.Errorf("forgetting the tokens that have ended: %w", err)
		}
		if err := mayHaveAnother(ctx, tx, t.owner, role); err != nil {
			return err
		}
		var scopes []string
		for _, one := range t.Scopes {
			scopes = append(scopes, string(one))
		}
		var expires int64
		if !t.Expires.IsZero() {
			expires = t.Expires.Unix()
		}
		r, err := tx.ExecContext(ctx, `INSERT INTO tokens (admin_id, name, name_folded, hash, scopes, created_unix, expires_unix) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (admin_id, name_folded) DO NOTHING`,
			t.owner, t.Name, folded, hash, strings.Join(scopes, " "), t.Created.Unix(), expires)
		if err := dbtx.Changed(r, err, doing, ErrNameTaken); err != nil {
			return err
		}
		id, err = r.LastInsertId()
		return err
	})
	return id, err
}

// mayHaveAnother refuses when the user is gone, has another role, or has enough.
func mayHaveAnother(ctx context.Context, tx *sql.Tx, user int64, role account.Role) error {
	var there bool
	var n int
	err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM admins WHERE id = ?1 AND role = ?2), (SELECT count(*) FROM tokens WHERE admin_id = ?1)`, user, role).Scan(&there, &n)
	switch {
	case err != nil:
		return fmt.Errorf("counting the tokens: %w", err)
	case !there:
		return account.ErrNoUser
	case n >= MaxOfUser:
		return ErrTooMany
	}
	return nil
}

func (s store) remove(ctx context.Context, id int64) error {
	r, err := s.db.ExecContext(ctx, `DELETE FROM tokens WHERE id = ?`, id)
	return dbtx.Changed(r, err, "revoking a token", ErrNoToken)
}

func (s store) use(ctx context.Context, id int64, at time.Time) error {
	_, err := s.db.ExecContext(ctx, `UPDATE tokens SET used_unix = ? WHERE id = ?`, at.Unix(), id)
	return err
}
