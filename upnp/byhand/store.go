package byhand

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"homeward/upnp/guide"
)

// store is the one row of the table by_hand.
type store struct{ db *sql.DB }

func (s store) read(ctx context.Context) (Said, error) {
	var said Said
	var since int64
	var brand string
	err := s.db.QueryRowContext(ctx, `SELECT forwarded_unix, brand, chosen FROM by_hand`).Scan(&since, &brand, &said.Chosen)
	if errors.Is(err, sql.ErrNoRows) {
		return Said{}, nil
	}
	if err != nil {
		return Said{}, fmt.Errorf("reading what was said of the router: %w", err)
	}
	if since != 0 {
		said.Since = time.Unix(since, 0)
	}
	if said.Brand = guide.Brand(brand); !said.Brand.Known() {
		said.Brand, said.Chosen = "", false // of another version
	}
	return said, nil
}

func (s store) write(ctx context.Context, said Said) error {
	var since int64
	if !said.Since.IsZero() {
		since = said.Since.Unix()
	}
	_, err := s.db.ExecContext(ctx, `INSERT INTO by_hand (id, forwarded_unix, brand, chosen) VALUES (1, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET forwarded_unix = excluded.forwarded_unix, brand = excluded.brand, chosen = excluded.chosen`, since, string(said.Brand), said.Chosen)
	if err != nil {
		return fmt.Errorf("storing what was said of the router: %w", err)
	}
	return nil
}
