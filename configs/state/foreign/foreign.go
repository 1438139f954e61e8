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
	"strings"
	"time"

	"modernc.org/sqlite" // pure Go: the binary stays static
)

// Bounds of what is read. A damaged database may tell the same bytes as the content of
// every row, and one made for it computes what it has not.
const (
	maxRows  = 20_000           // of a table
	maxValue = 1 << 20          // bytes of one
	maxBytes = 64 << 20         // of all values together
	maxTime  = 20 * time.Second // all of it
)

// limitLength is SQLite's number for the length of values (SQLITE_LIMIT_LENGTH).
const limitLength = 0

// errTooMuch says that a database is no home's.
var errTooMuch = errors.New("there is more in it than in any WireGuard server's")

// Tables reads some tables of an SQLite database, which it puts into folder while it
// reads it: rows by column. A table that is not there is left out. A journal beside
// the database (-wal) is not known: what is only there is missing.
func Tables(ctx context.Context, folder string, database []byte, names ...string) (tables map[string][]map[string]any, err error) {
	ctx, cancel := context.WithTimeout(ctx, maxTime)
	defer cancel()
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
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if _, err := sqlite.Limit(c, limitLength, maxValue); err != nil {
		return nil, err
	}
	r := reader{c, maxBytes}
	tables = map[string][]map[string]any{}
	for _, name := range names {
		columns, err := r.columns(ctx, name)
		if err != nil {
			return nil, err
		}
		if len(columns) == 0 {
			continue
		}
		if tables[name], err = r.table(ctx, name, columns); err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
	}
	return tables, nil
}

// reader reads one database, as long as it is not too much.
type reader struct {
	db   *sql.Conn
	left int // bytes
}

// columns are those of a table that holds its content itself, and that it holds: what
// would be computed, by a module or an expression, is not asked for. There are none
// where there is no such table.
func (r *reader) columns(ctx context.Context, name string) (list []string, err error) {
	rows, err := r.db.QueryContext(ctx, `SELECT c.name FROM pragma_table_list AS t JOIN pragma_table_xinfo(t.name) AS c WHERE t.schema = 'main' AND t.type = 'table' AND t.name = ? AND c.hidden = 0 ORDER BY c.cid`, name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var column string
		if err := rows.Scan(&column); err != nil {
			return nil, err
		}
		list = append(list, `"`+strings.ReplaceAll(column, `"`, `""`)+`"`)
	}
	return list, rows.Err()
}

// table reads a table that is there, by a name of ours.
func (r *reader) table(ctx context.Context, name string, wanted []string) (list []map[string]any, err error) {
	rows, err := r.db.QueryContext(ctx, fmt.Sprintf(`SELECT %s FROM "%s" LIMIT %d`, strings.Join(wanted, ", "), name, maxRows))
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
			r.left -= 16
			switch v := values[i].(type) {
			case string:
				r.left -= len(v)
			case []byte:
				r.left -= len(v)
			}
		}
		if r.left < 0 {
			return nil, errTooMuch
		}
		list = append(list, row)
	}
	return list, rows.Err()
}
