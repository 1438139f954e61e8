package peers

import (
	"context"
	"database/sql"
)

// store keeps peers in the tables that configs/state makes. Names, keys and
// addresses are unique there, whatever the memory says. Private keys never
// get here but sealed, where the operator wants that.
type store struct{ db *sql.DB }

// lastID is the greatest number that a peer ever got.
func (s store) lastID(ctx context.Context) (ID, error) {
	var id ID
	err := s.db.QueryRowContext(ctx, `SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'peers'`).Scan(&id)
	return id, err
}

// inTx runs f in one transaction.
func (s store) inTx(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // without effect after the commit
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

func nextVersion(ctx context.Context, tx *sql.Tx, p Peer) error {
	res, err := tx.ExecContext(ctx, `UPDATE peers SET version = version + 1 WHERE id = ? AND version = ?`, p.ID, p.Version)
	return oneRow(res, err, ErrConflict)
}

// oneRow returns none when a statement changed nothing.
func oneRow(res sql.Result, err, none error) error {
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err == nil && n != 1 {
		err = none
	}
	return err
}

func boolInt(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
