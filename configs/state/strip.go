package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
)

// hasKept counts the tables of the codes that are kept: an earlier schema has none.
const hasKept = `SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'kept_codes'`

// stripKept takes the codes that are kept out of a copy of the database, and returns how
// many there were. The journal is SQLite's mode of one: in memory a crash may spoil the
// file. Snapshots never have codes: those are erased when the operator does not want them
// any more, and nobody looks into every snapshot then.
func (s *State) stripKept(ctx context.Context, name, journal string) (n int64, err error) {
	options := url.Values{"_pragma": {"journal_mode(" + journal + ")", "synchronous(FULL)", "foreign_keys(0)", "trusted_schema(0)", "secure_delete(1)"}}
	location := url.URL{Scheme: "file", Path: s.Path(name), RawQuery: options.Encode()}
	db, err := sql.Open("sqlite", location.String())
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	var there int
	var r sql.Result
	err = db.QueryRowContext(ctx, hasKept).Scan(&there)
	if err == nil && there == 1 {
		r, err = db.ExecContext(ctx, `DELETE FROM kept_codes`)
	}
	if err == nil && r != nil {
		n, err = r.RowsAffected()
	}
	if err != nil {
		return 0, fmt.Errorf("taking the kept codes out: %w", err)
	}
	return n, nil
}
