package account

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"homeward/web/account/internal/dbtx"
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
	return dbtx.Changed(r, err, "storing a user", ErrNameTaken)
}

// changeUser does all of it or nothing.
func (s store) changeUser(ctx context.Context, name string, c UserChange) error {
	return dbtx.In(ctx, s.db, "changing a user", func(tx *sql.Tx) error {
		if c.Role != nil {
			if !c.Role.Scopes().Allow(ScopeAdmin) { // the others have nothing to lose
				if err := endTokens(ctx, tx, `name = ? AND role = ?`, name, RoleAdmin); err != nil {
					return err
				}
			}
			r, err := tx.ExecContext(ctx, `UPDATE admins SET role = ? WHERE name = ?`, *c.Role, name)
			if err := dbtx.Changed(r, err, "changing a user", ErrNoUser); err != nil {
				return err
			}
		}
		if c.Name != nil && *c.Name != name {
			var taken bool
			if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM admins WHERE name = ?)`, *c.Name).Scan(&taken); err != nil || taken {
				return cmp.Or(err, ErrNameTaken)
			}
			r, err := tx.ExecContext(ctx, `UPDATE admins SET name = ? WHERE name = ?`, *c.Name, name)
			if err := dbtx.Changed(r, err, "renaming a user", ErrNoUser); err != nil {
				return err
			}
		}
		return anAdminIsLeft(ctx, tx)
	})
}

func (s store) removeUser(ctx context.Context, name string) error {
	return dbtx.In(ctx, s.db, "removing a user", func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `DELETE FROM admins WHERE name = ?`, name)
		if err := dbtx.Changed(r, err, "removing a user", ErrNoUser); err != nil {
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
