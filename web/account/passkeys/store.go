package passkeys

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"

	"homeward/web/account/internal/dbtx"
)

// store is the table of the passkeys.
type store struct{ db *sql.DB }

func (s store) of(ctx context.Context, user int64) (list []Passkey, err error) {
	rows, err := s.db.QueryContext(ctx, `SELECT id, name, site, created_unix, used_unix FROM passkeys WHERE admin_id = ? ORDER BY id`, user)
	if err != nil {
		return nil, fmt.Errorf("reading the passkeys: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var p Passkey
		var created, used int64
		if err := rows.Scan(&p.ID, &p.Name, &p.Site, &created, &used); err != nil {
			return nil, fmt.Errorf("reading the passkeys: %w", err)
		}
		p.Created = time.Unix(created, 0)
		if used != 0 {
			p.Used = time.Unix(used, 0)
		}
		list = append(list, p)
	}
	return list, rows.Err()
}

func (s store) any(ctx context.Context, site string) (found bool, err error) {
	if err := s.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM passkeys WHERE site = ?)`, site).Scan(&found); err != nil {
		return false, fmt.Errorf("looking for passkeys: %w", err)
	}
	return found, nil
}

// owner is the number of the user who has a passkey for a site. It fails with ErrNone.
func (s store) owner(ctx context.Context, credential []byte, site string) (user int64, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT admin_id FROM passkeys WHERE credential_id = ? AND site = ?`, credential, site).Scan(&user)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, ErrNone
	}
	if err != nil {
		return 0, fmt.Errorf("looking for a passkey: %w", err)
	}
	return user, nil
}

// holder is a user with the passkeys for a site. It fails with ErrNone for one who is
// not there.
func (s store) holder(ctx context.Context, user int64, site string) (holder, error) {
	h := holder{id: user}
	err := s.db.QueryRowContext(ctx, `SELECT name FROM admins WHERE id = ?`, user).Scan(&h.name)
	if errors.Is(err, sql.ErrNoRows) {
		return holder{}, ErrNone
	}
	if err != nil {
		return holder{}, fmt.Errorf("reading a user: %w", err)
	}
	rows, err := s.db.QueryContext(ctx, `SELECT credential FROM passkeys WHERE admin_id = ? AND site = ? ORDER BY id`, user, site)
	if err != nil {
		return holder{}, fmt.Errorf("reading a user's passkeys: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var text []byte
		var c webauthn.Credential
		err := rows.Scan(&text)
		if err == nil {
			err = json.Unmarshal(text, &c)
		}
		if err != nil {
			return holder{}, fmt.Errorf("reading a user's passkeys: %w", err)
		}
		h.credentials = append(h.credentials, c)
	}
	return h, rows.Err()
}

// add stores a passkey. It fails with ErrWrong for one that is there already.
func (s store) add(ctx context.Context, user int64, name, site string, c *webauthn.Credential, now time.Time) error {
	text, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("writing a passkey: %w", err)
	}
	r, err := s.db.ExecContext(ctx, `INSERT INTO passkeys (admin_id, name, site, credential_id, credential, created_unix) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (credential_id) DO NOTHING`,
		user, name, site, c.ID, string(text), now.Unix())
	return dbtx.Changed(r, err, "storing a passkey", ErrWrong)
}

// use stores what a passkey is after a login. It fails with ErrWrong for one that was
// removed meanwhile.
func (s store) use(ctx context.Context, c *webauthn.Credential, now time.Time) error {
	text, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("writing a passkey: %w", err)
	}
	r, err := s.db.ExecContext(ctx, `UPDATE passkeys SET credential = ?, used_unix = ? WHERE credential_id = ?`, string(text), now.Unix(), c.ID)
	return dbtx.Changed(r, err, "storing the use of a passkey", ErrWrong)
}

func (s store) remove(ctx context.Context, user, id int64) error {
	r, err := s.db.ExecContext(ctx, `DELETE FROM passkeys WHERE id = ? AND admin_id = ?`, id, user)
	return dbtx.Changed(r, err, "removing a passkey", ErrNone)
}
