package peers

import (
	"context"
	"database/sql"
	"time"
)

// setNext stores p.Next with the row of version p.Version, and makes that the next
// version. An invite other than zero is used up, or the error is ErrInvite.
func (s store) setNext(ctx context.Context, p Peer, invite secretHash, now time.Time) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		if err := nextVersion(ctx, tx, p); err != nil {
			return err
		}
		if invite != (secretHash{}) {
			res, err := tx.ExecContext(ctx, `DELETE FROM invites WHERE peer_id = ? AND token_hash = ? AND expires_unix > ?`, p.ID, invite[:], now.Unix())
			if err := oneRow(res, err, ErrInvite); err != nil {
				return err
			}
		}
		taken, err := keyTaken(ctx, tx, p)
		if err != nil {
			return err
		}
		if taken {
			return ErrKeyTaken
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM issued_configs WHERE public_key = (SELECT public_key FROM peer_next_keys WHERE peer_id = ?)`, p.ID); err != nil {
			return err
		}
		if err := writeDown(ctx, tx, p.ID, p.Next.PublicKey, p.nextSaid, now); err != nil {
			return err
		}
		if err := storeKept(ctx, tx, p); err != nil {
			return err
		}
		return putNext(ctx, tx, p, now)
	})
}

func putNext(ctx context.Context, tx *sql.Tx, p Peer, now time.Time) error {
	psk := p.Next.PresharedKey.Reveal()
	_, err := tx.ExecContext(ctx, `INSERT INTO peer_next_keys (peer_id, public_key, preshared_key, created_unix) VALUES (?, ?, ?, ?)
		ON CONFLICT (peer_id) DO UPDATE SET public_key = excluded.public_key, preshared_key = excluded.preshared_key, created_unix = excluded.created_unix`,
		p.ID, p.Next.PublicKey[:], psk[:], now.Unix())
	return err
}

// keyTaken says whether p.Next's key is one of another peer, or p's present one.
func keyTaken(ctx context.Context, tx *sql.Tx, p Peer) (bool, error) {
	var n int
	err := tx.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM peers WHERE public_key = ?1) + (SELECT count(*) FROM peer_next_keys WHERE public_key = ?1 AND peer_id <> ?2)`,
		p.Next.PublicKey[:], p.ID).Scan(&n)
	return n > 0, err
}

// promote makes p.Next the keys of the row of version p.Version.
func (s store) promote(ctx context.Context, p Peer) error {
	psk := p.Next.PresharedKey.Reveal()
	return s.inTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM issued_configs WHERE public_key = (SELECT public_key FROM peers WHERE id = ?)`, p.ID); err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, `UPDATE peers SET public_key = ?, preshared_key = ?, version = version + 1 WHERE id = ? AND version = ?`,
			p.Next.PublicKey[:], psk[:], p.ID, p.Version)
		if err := oneRow(res, err, ErrConflict); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM peer_next_keys WHERE peer_id = ?`, p.ID)
		return err
	})
}
