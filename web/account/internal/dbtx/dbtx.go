// Package dbtx is how the accounts, the tokens and the passkeys change the
// database: wholly or not at all, and each change by a statement whose count of
// rows decides who was first. It knows no table.
package dbtx

import (
	"context"
	"database/sql"
	"fmt"
)

// In does all of it in one transaction, or nothing. Errors of the transaction itself
// begin with doing, such as "storing a token"; those of do are returned as they are.
func In(ctx context.Context, db *sql.DB, doing string, do func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	defer tx.Rollback() // without effect after the commit
	if err := do(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

// Changed takes what a statement returned, and fails with none when it changed no
// row. Other errors begin with doing.
func Changed(r sql.Result, err error, doing string, none error) error {
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
