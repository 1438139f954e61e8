package peers

import (
	"context"
	"database/sql"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
)

// writeDown makes an entry in the ledger, or replaces the one of that key.
func writeDown(ctx context.Context, tx *sql.Tx, id ID, key wgtypes.Key, said *fingerprint, now time.Time) error {
	text, err := said.text()
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO issued_configs (public_key, peer_id, said, issued_unix) VALUES (?, ?, ?, ?)
		ON CONFLICT (public_key) DO UPDATE SET said = excluded.said, issued_unix = excluded.issued_unix`, key[:], id, text, now.Unix())
	return err
}

// reissue replaces the ledger's entry of the present key of the row of version
// p.Version with p.said, and makes that the next version.
func (s store) reissue(ctx context.Context, p Peer, now time.Time) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		if err := nextVersion(ctx, tx, p); err != nil {
			return err
		}
		return writeDown(ctx, tx, p.ID, p.PublicKey, p.said, now)
	})
}
