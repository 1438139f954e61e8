// Package foreign reads databases that other programs made, with every distrust and
// without changing them.
package foreign

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // pure Go: the binary stays static
)

// maxRows bounds what is read of a table.
const maxRows = 20_000

// Tables reads some tables of an SQLite database, which it puts into folder while it
// reads it: rows by column. A table that is not there is left out. A journal beside
// the database (-wal) is not known: what is only there is missing.
func Tables(ctx context.Context, folder string, database []byte, names ...string) (tables map[string][]map[string]any, err error) {
	dir, err := os.MkdirTemp(folder, "import-")
	if err != nil {
		return nil, fmt.Errorf("making room for the database: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	file := filepath.Join(dir, "foreign.db")
	if err := os.WriteFile(file, database, 0o600); err != nil {
		return nil, fmt.Errorf("making room for the database: %w", err)
	}
	options := url.Values{"mode": {"ro"}, "immutable": {"1"}, "_pragma": {"cell_size_check(1)", "trusted_schema(0)", "mmap_size(0)", "query_only(1)"}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: file, RawQuery: options.Encode()}).String())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tables = map[string][]map[string]any{}
	for _, name := range names {
		var n int
		if err := db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?`, name).Scan(&n); err != nil {
			return nil, err
		}
		if n == 0 {
			continue
		}
		if tables[name], err = table(ctx, db, name); err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
	}
	return tables, nil
}

// table reads a table that is there, by a name of ours.
func table(ctx context.Context, db *sql.DB, name string) (list []map[string]any, err error) {
	rows, err := db.QueryContext(ctx, fmt.Sprintf(`SELECT * FROM %q LIMIT %d`, name, maxRows))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		row := map[string]any{}
		for i, c := range columns {
			row[c] = values[i]
		}
		list = append(list, row)
	}
	return list, rows.Err()
}
