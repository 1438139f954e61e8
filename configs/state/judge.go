package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"slices"
)

// judge looks at a database that came from outside, and changes nothing: whether
// SQLite finds it whole, that its schema is one of ours, and that nothing else is in
// it, such as triggers.
func judge(ctx context.Context, file string) (err error) {
	db, err := sql.Open("sqlite", readOnly(file))
	if err != nil {
		return fmt.Errorf("opening the restored database: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := check(ctx, db); err != nil {
		return err
	}
	var version int
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return fmt.Errorf("%w: reading its version: %w", ErrCorrupt, err)
	}
	steps, err := migrations()
	if err != nil {
		return err
	}
	if version > len(steps) {
		return fmt.Errorf("%w: it has schema %d and this one knows %d: install the newer version first", ErrNewerSchema, version, len(steps))
	}
	if version < 1 {
		return fmt.Errorf("%w: it is empty", ErrCorrupt)
	}
	ours, err := fresh(ctx, steps[:version])
	if err != nil {
		return err
	}
	theirs, err := objects(ctx, db)
	if err != nil {
		return fmt.Errorf("%w: reading its schema: %w", ErrCorrupt, err)
	}
	for _, o := range theirs {
		if !slices.Contains(ours, o) {
			return fmt.Errorf("%w: homeward did not make the %.80q in it", ErrCorrupt, o)
		}
	}
	if len(theirs) != len(ours) {
		return fmt.Errorf("%w: it has %d tables and indexes, and schema %d has %d", ErrCorrupt, len(theirs), version, len(ours))
	}
	return nil
}

// readOnly is how a database that nobody writes to is opened, with every distrust.
func readOnly(file string) string {
	options := url.Values{"mode": {"ro"}, "immutable": {"1"}, "_pragma": {"cell_size_check(1)", "trusted_schema(0)", "mmap_size(0)"}}
	return (&url.URL{Scheme: "file", Path: file, RawQuery: options.Encode()}).String()
}

// fresh lists what a new database has after some migrations.
func fresh(ctx context.Context, steps []string) (list []string, err error) {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1) // each would be another database
	for _, step := range steps {
		script, err := migrationFiles.ReadFile(step)
		if err == nil {
			_, err = db.ExecContext(ctx, string(script))
		}
		if err != nil {
			return nil, fmt.Errorf("making a database to compare with: %w", err)
		}
	}
	return objects(ctx, db)
}

// objects lists what a database consists of, tables with their columns. The text of
// its statements is not compared: another SQLite may have written it otherwise.
func objects(ctx context.Context, db *sql.DB) (list []string, err error) {
	rows, err := db.QueryContext(ctx, `SELECT m.type || ' ' || m.name || ' ' || m.tbl_name || ' ' ||
		coalesce((SELECT group_concat(x.name || ':' || x.hidden) FROM pragma_table_xinfo(m.name) x WHERE m.type = 'table'), '')
		FROM sqlite_schema m WHERE m.name NOT LIKE 'sqlite\_%' ESCAPE '\'`)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var o string
		if err := rows.Scan(&o); err != nil {
			return nil, err
		}
		list = append(list, o)
	}
	return list, rows.Err()
}
