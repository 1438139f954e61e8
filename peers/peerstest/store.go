package peerstest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"net/netip"
)

// Fill stores peers in one go until there are n, as their manager would have one by
// one. There must be one already, with the number 1 and the first free addresses,
// after which the others get theirs.
func Fill(ctx context.Context, db *sql.DB, n int64) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var said, text4, text6 string
	err = tx.QueryRowContext(ctx, `SELECT said, (SELECT address FROM peer_addresses WHERE peer_id = 1 AND family = 4), (SELECT address FROM peer_addresses WHERE peer_id = 1 AND family = 6)
		FROM issued_configs WHERE peer_id = 1`).Scan(&said, &text4, &text6)
	if err != nil {
		return fmt.Errorf("reading the first peer: %w", err)
	}
	v4, err := netip.ParseAddr(text4)
	if err != nil {
		return err
	}
	v6, err := netip.ParseAddr(text6)
	if err != nil {
		return err
	}
	for i := int64(2); i <= n; i++ {
		var key, psk [32]byte
		rand.Read(key[:])
		rand.Read(psk[:])
		key[31] &= 0x7f
		v4, v6 = v4.Next(), v6.Next()
		name := fmt.Sprint("device ", i)
		for _, row := range []struct {
			query string
			args  []any
		}{
			{`INSERT INTO peers (id, name, name_folded, profile, public_key, preshared_key, keepalive_seconds, enabled, created_unix, version, idle_from_unix)
				VALUES (?, ?, ?, 'home', ?, ?, 25, 1, 1, 1, 1)`, []any{i, name, name, key[:], psk[:]}},
			{`INSERT INTO peer_addresses (address, peer_id, family) VALUES (?, ?, 4), (?, ?, 6)`, []any{v4.String(), i, v6.String(), i}},
			{`INSERT INTO issued_configs (public_key, peer_id, said, issued_unix) VALUES (?, ?, ?, 1)`, []any{key[:], i, said}},
		} {
			if _, err := tx.ExecContext(ctx, row.query, row.args...); err != nil {
				return fmt.Errorf("storing peer %d: %w", i, err)
			}
		}
	}
	return tx.Commit()
}
