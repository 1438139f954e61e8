package house

import (
	"context"
	"database/sql"
	"fmt"
)

// store is the table house.
type store struct{ db *sql.DB }

func (s store) load(ctx context.Context) (map[string]string, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT setting, value FROM house`)
	if err != nil {
		return nil, fmt.Errorf("reading the house's settings: %w", err)
	}
	defer rows.Close()
	all := map[string]string{}
	for rows.Next() {
		var setting, value string
		if err := rows.Scan(&setting, &value); err != nil {
			return nil, fmt.Errorf("reading the house's settings: %w", err)
		}
		all[setting] = value
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading the house's settings: %w", err)
	}
	return all, nil
}

// save replaces all rows, or none.
func (s store) save(ctx context.Context, all map[string]string) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err == nil {
		defer tx.Rollback() // does nothing after Commit
		_, err = tx.ExecContext(ctx, `DELETE FROM house`)
	}
	for setting, value := range all {
		if err == nil {
			_, err = tx.ExecContext(ctx, `INSERT INTO house (setting, value) VALUES (?, ?)`, setting, value)
		}
	}
	if err == nil {
		err = tx.Commit()
	}
	if err != nil {
		return fmt.Errorf("storing the house's settings: %w", err)
	}
	return nil
}
