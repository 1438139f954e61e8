package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
)

// stripKept takes the codes that are kept out of a snapshot: those are erased when the
// operator does not want them any more, and nobody looks into every snapshot then.
func (s *State) stripKept(ctx context.Context, name string) (err error) {
	options := url.Values{"_pragma": {"journal_mode(MEMORY)", "synchronous(FULL)", "foreign_keys(0)", "trusted_schema(0)", "secure_delete(1)"}}
	location := url.URL{Scheme: "file", Path: s.Path(name), RawQuery: options.Encode()}
	db, err := sql.Open("sqlite", location.String())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	var there int
	err = db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'kept_codes'`).Scan(&there)
	if err == nil && there == 1 { // else it is of an earlier schema
		_, err = db.ExecContext(ctx, `DELETE FROM kept_codes`)
	}
	if err != nil {
		return fmt.Errorf("taking the kept codes out: %w", err)
	}
	return nil
}
