package peers

import (
	"context"
	"database/sql"
)

// storeKept stores what is kept of p, in the place of what was before.
func storeKept(ctx context.Context, tx *sql.Tx, p Peer) error {
	if p.kept == nil {
		_, err := tx.ExecContext(ctx, `DELETE FROM kept_codes WHERE peer_id = ?`, p.ID)
		return err
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO kept_codes (peer_id, public_key, sealed) VALUES (?, ?, ?)
		ON CONFLICT (peer_id) DO UPDATE SET public_key = excluded.public_key, sealed = excluded.sealed`, p.ID, p.kept.key[:], p.kept.sealed)
	return err
}

// hasKept says whether there are any.
func (s store) hasKept(ctx context.Context) (there bool, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM kept_codes)`).Scan(&there)
	return there, err
}

// eraseKept erases all, and returns how many there were. The database overwrites what
// is deleted.
func (s store) eraseKept(ctx context.Context) (int64, error) {
	res, err := s.db.ExecContext(ctx, `DELETE FROM kept_codes`)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	if err == nil {
		err = s.clean(ctx)
	}
	return n, err
}

// clean empties the write-ahead log, where what was overwritten still is. Where somebody
// reads at this moment, the next one does it.
func (s store) clean(ctx context.Context) error {
	_, err := s.db.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`)
	return err
}
