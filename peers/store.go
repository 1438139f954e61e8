package peers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
)

var (
	errAddressTaken = errors.New("an address was given out meanwhile")
)

// store keeps peers in the tables that configs/state makes. Names, keys and
// addresses are unique there, whatever the memory says. Private keys never
// get here but sealed, where the operator wants that.
type store struct{ db *sql.DB }

// insertPeer takes editable's columns and the others; without an id it gives one.
const insertPeer = `INSERT INTO peers (name, name_folded, kind, note, profile, access, dns, keepalive_seconds, enabled,
		expires_unix, idle_days, idle_from_unix, idled_out, public_key, preshared_key, created_unix, version, id)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id`

// insert stores p and returns it with its new ID. It refuses with ErrNameTaken
// or ErrKeyTaken. When someone else has one of p's addresses meanwhile, p gets
// others by choose, which is told what is taken. The ledger gets what said makes
// of the peer.
func (s store) insert(ctx context.Context, p Peer, choose func(taken map[netip.Addr]bool) ([]netip.Addr, error), said func(Peer) *fingerprint) (Peer, error) {
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		psk := p.PresharedKey.Reveal()
		// This first statement takes the write lock: from here on nobody else
		// gives out addresses.
		err := tx.QueryRowContext(ctx, insertPeer, append(editable(p), p.PublicKey[:], psk[:], p.Created.Unix(), p.Version, nil)...).Scan(&p.ID)
		if errors.Is(err, sql.ErrNoRows) {
			return whichTaken(ctx, tx, p)
		}
		if err != nil {
			return err
		}
		if err = insertAddresses(ctx, tx, p); errors.Is(err, errAddressTaken) {
			var taken map[netip.Addr]bool
			if taken, err = takenByOthers(ctx, tx, p.ID); err != nil {
				return err
			}
			if p.Addresses, err = choose(taken); err != nil {
				return err
			}
			err = insertAddresses(ctx, tx, p)
		}
		if err != nil {
			return err
		}
		var waiting int // as somebody's next key
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM peer_next_keys WHERE public_key = ?`, p.PublicKey[:]).Scan(&waiting); err != nil {
			return err
		}
		if waiting > 0 {
			return ErrKeyTaken
		}
		if p.kept != nil {
			if err := storeKept(ctx, tx, p); err != nil {
				return err
			}
		}
		p.said = said(p)
		return writeDown(ctx, tx, p.ID, p.PublicKey, p.said, p.Created)
	})
	return p, err
}

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

func nextVersion(ctx context.Context, tx *sql.Tx, p Peer) error {
	res, err := tx.ExecContext(ctx, `UPDATE peers SET version = version + 1 WHERE id = ? AND version = ?`, p.ID, p.Version)
	return oneRow(res, err, ErrConflict)
}

// insertAddresses gives p exactly its addresses, or refuses with errAddressTaken.
func insertAddresses(ctx context.Context, tx *sql.Tx, p Peer) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM peer_addresses WHERE peer_id = ?`, p.ID); err != nil {
		return err
	}
	for _, a := range p.Addresses {
		res, err := tx.ExecContext(ctx, `INSERT INTO peer_addresses (address, peer_id, family)
			VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, a.String(), p.ID, family(a))
		if err := oneRow(res, err, errAddressTaken); err != nil {
			return err
		}
	}
	return nil
}

// takenByOthers reads which addresses peers other than id have.
func takenByOthers(ctx context.Context, tx *sql.Tx, id ID) (map[netip.Addr]bool, error) {
	rows, err := tx.QueryContext(ctx, `SELECT address FROM peer_addresses WHERE peer_id <> ?`, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	taken := make(map[netip.Addr]bool)
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		if a, err := netip.ParseAddr(text); err == nil { // a damaged one is nobody's
			taken[a] = true
		}
	}
	return taken, rows.Err()
}

// whichTaken names the unique column that kept p out.
func whichTaken(ctx context.Context, tx *sql.Tx, p Peer) error {
	var n int
	err := tx.QueryRowContext(ctx, `SELECT count(*) FROM peers WHERE name_folded = ?`, p.folded).Scan(&n)
	switch {
	case err != nil:
		return err
	case n > 0:
		return ErrNameTaken
	}
	return ErrKeyTaken
}

// update changes all that can be edited in the row of version p.Version, and makes
// it the next one. It refuses with ErrNameTaken, or with ErrConflict when there is
// no such row any more.
func (s store) update(ctx context.Context, p Peer) error {
	return s.inTx(ctx, func(tx *sql.Tx) error { // which has the write lock at once
		var others int
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM peers WHERE name_folded = ? AND id <> ?`, p.folded, p.ID).Scan(&others); err != nil {
			return err
		}
		if others > 0 {
			return ErrNameTaken
		}
		res, err := tx.ExecContext(ctx, `UPDATE peers SET name = ?, name_folded = ?, kind = ?, note = ?, profile = ?, access = ?, dns = ?, keepalive_seconds = ?,
			enabled = ?, expires_unix = ?, idle_days = ?, idle_from_unix = ?, idled_out = ?, version = version + 1 WHERE id = ? AND version = ?`,
			append(editable(p), p.ID, p.Version)...)
		return oneRow(res, err, ErrConflict)
	})
}

// editable are the columns from name to idled_out.
func editable(p Peer) []any {
	return []any{
		string(p.Name), p.folded, string(p.Kind), p.Note, string(p.Profile), string(p.Access), boolInt(p.DNS), int64(p.Keepalive / time.Second),
		boolInt(p.Enabled), unixOf(p.Expires), p.IdleDays, unixOf(p.idleFrom), boolInt(p.IdledOut),
	}
}

// setSeen stores when peers were here last. It is no change of a peer.
func (s store) setSeen(ctx context.Context, seen map[ID]time.Time) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		for id, t := range seen {
			if _, err := tx.ExecContext(ctx, `UPDATE peers SET seen_unix = ? WHERE id = ?`, unixOf(t), id); err != nil {
				return err
			}
		}
		return nil
	})
}

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

// setInvite stores an invite in the place of an earlier one.
func (s store) setInvite(ctx context.Context, id ID, hash secretHash, until time.Time) error {
	_, err := s.db.ExecContext(ctx, `INSERT INTO invites (peer_id, token_hash, expires_unix) VALUES (?, ?, ?)
		ON CONFLICT (peer_id) DO UPDATE SET token_hash = excluded.token_hash, expires_unix = excluded.expires_unix`, id, hash[:], until.Unix())
	return err
}

// invited returns whom an invite is for, or ErrInvite.
func (s store) invited(ctx context.Context, hash secretHash, now time.Time) (ID, error) {
	var id ID
	err := s.db.QueryRowContext(ctx, `SELECT peer_id FROM invites WHERE token_hash = ? AND expires_unix > ?`, hash[:], now.Unix()).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, ErrInvite
	}
	return id, err
}

func (s store) remove(ctx context.Context, id ID) error {
	return s.inTx(ctx, func(tx *sql.Tx) error { return removeIn(ctx, tx, id) })
}

func removeIn(ctx context.Context, tx *sql.Tx, id ID) error {
	for _, table := range []string{`DELETE FROM peer_addresses WHERE peer_id = ?`, `DELETE FROM peer_next_keys WHERE peer_id = ?`} {
		if _, err := tx.ExecContext(ctx, table, id); err != nil {
			return err
		}
	}
	res, err := tx.ExecContext(ctx, `DELETE FROM peers WHERE id = ?`, id)
	return oneRow(res, err, ErrConflict)
}

// renumberIn stores the addresses and the access of peers, each in the row of its
// version, which becomes the next one. All give their old addresses up first: one
// may be another's new one.
func renumberIn(ctx context.Context, tx *sql.Tx, list []Peer) error {
	for _, p := range list {
		if _, err := tx.ExecContext(ctx, `DELETE FROM peer_addresses WHERE peer_id = ?`, p.ID); err != nil {
			return err
		}
	}
	for _, p := range list {
		res, err := tx.ExecContext(ctx, `UPDATE peers SET access = ?, version = version + 1 WHERE id = ? AND version = ?`, string(p.Access), p.ID, p.Version)
		if err = oneRow(res, err, ErrConflict); err == nil {
			err = insertAddresses(ctx, tx, p)
		}
		if err != nil {
			return fmt.Errorf("device %q: %w", p.Name, err)
		}
	}
	return nil
}

// replace removes some peers and stores others as they are, number and version
// included, all of it or nothing.
func (s store) replace(ctx context.Context, gone []ID, put []Peer) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		for _, id := range gone {
			if err := removeIn(ctx, tx, id); err != nil {
				return fmt.Errorf("removing device %d: %w", id, err)
			}
		}
		for _, p := range put {
			if err := putIn(ctx, tx, p); err != nil {
				return fmt.Errorf("storing device %q: %w", p.Name, err)
			}
		}
		return nil
	})
}

// adoptIn stores p and its addresses. Without an ID it gets one.
func adoptIn(ctx context.Context, tx *sql.Tx, p Peer) error {
	psk := p.PresharedKey.Reveal()
	err := tx.QueryRowContext(ctx, insertPeer, append(editable(p), p.PublicKey[:], psk[:], p.Created.Unix(), p.Version,
		sql.NullInt64{Int64: int64(p.ID), Valid: p.ID != 0})...).Scan(&p.ID)
	if errors.Is(err, sql.ErrNoRows) {
		return whichTaken(ctx, tx, p)
	}
	if err != nil {
		return err
	}
	return insertAddresses(ctx, tx, p)
}

func putIn(ctx context.Context, tx *sql.Tx, p Peer) error {
	if err := adoptIn(ctx, tx, p); err != nil {
		return err
	}
	if p.said != nil {
		if err := writeDown(ctx, tx, p.ID, p.PublicKey, p.said, p.Created); err != nil {
			return err
		}
	}
	if !p.Renewing() {
		return nil
	}
	if p.nextSaid != nil {
		if err := writeDown(ctx, tx, p.ID, p.Next.PublicKey, p.nextSaid, p.Created); err != nil {
			return err
		}
	}
	return putNext(ctx, tx, p, p.Created)
}

// load reads all peers. Rows that this program cannot have written are left out
// and told.
func (s store) load(ctx context.Context) ([]Peer, []LeftOut, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT p.id, p.name, p.kind, p.note, p.profile, p.access, p.dns, p.public_key, p.preshared_key,
			p.keepalive_seconds, p.enabled, p.expires_unix, p.idle_days, p.idle_from_unix, p.idled_out, p.seen_unix,
			p.created_unix, p.version, n.public_key, n.preshared_key,
			coalesce(c.said, ''), coalesce(d.said, ''), coalesce(a.address, ''), coalesce(a.family, 0), k.public_key, k.sealed
		FROM peers p LEFT JOIN peer_next_keys n ON n.peer_id = p.id LEFT JOIN peer_addresses a ON a.peer_id = p.id
			LEFT JOIN kept_codes k ON k.peer_id = p.id LEFT JOIN issued_configs c ON c.public_key = p.public_key LEFT JOIN issued_configs d ON d.public_key = n.public_key ORDER BY p.id`)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	var read []*row
	for rows.Next() {
		var (
			r    row
			addr addressRow
		)
		err := rows.Scan(&r.id, &r.name, &r.kind, &r.note, &r.profile, &r.access, &r.dns, &r.publicKey, &r.presharedKey,
			&r.keepalive, &r.enabled, &r.expires, &r.idleDays, &r.idleFrom, &r.idledOut, &r.seen,
			&r.created, &r.version, &r.nextPublic, &r.nextPreshared, &r.said, &r.nextSaid, &addr.address, &addr.family, &r.keptKey, &r.kept)
		if err != nil {
			return nil, nil, fmt.Errorf("device %d in the database: %w", r.id, err)
		}
		if len(read) == 0 || read[len(read)-1].id != r.id {
			read = append(read, &r)
		}
		last := read[len(read)-1]
		last.addresses = append(last.addresses, addr)
	}
	if err := rows.Err(); err != nil {
		return nil, nil, err
	}
	var (
		all     []Peer
		leftOut []LeftOut
	)
	for _, r := range read {
		p, err := r.peer()
		if err != nil {
			leftOut = append(leftOut, LeftOut{r.id, r.name, err})
			continue
		}
		all = append(all, p)
	}
	return all, leftOut, nil
}

// lastID is the greatest number that a peer ever got.
func (s store) lastID(ctx context.Context) (ID, error) {
	var id ID
	err := s.db.QueryRowContext(ctx, `SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'peers'`).Scan(&id)
	return id, err
}

// inTx runs f in one transaction.
func (s store) inTx(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // without effect after the commit
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// family is 4 or 6.
func family(a netip.Addr) int64 {
	if a.Is4() {
		return 4
	}
	return 6
}

// oneRow returns none when a statement changed nothing.
func oneRow(res sql.Result, err, none error) error {
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err == nil && n != 1 {
		err = none
	}
	return err
}

func boolInt(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// setRemoval stores when a peer is removed; the zero time means that it stays.
func (s store) setRemoval(ctx context.Context, id ID, at time.Time) error {
	if at.IsZero() {
		_, err := s.db.ExecContext(ctx, `DELETE FROM peer_removals WHERE peer_id = ?`, id)
		return err
	}
	_, err := s.db.ExecContext(ctx, `INSERT INTO peer_removals (peer_id, at_unix) VALUES (?, ?)
		ON CONFLICT (peer_id) DO UPDATE SET at_unix = excluded.at_unix`, id, at.Unix())
	return err
}

// removals are the peers that are going to be removed.
func (s store) removals(ctx context.Context) (map[ID]time.Time, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT peer_id, at_unix FROM peer_removals`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[ID]time.Time{}
	for rows.Next() {
		var id ID
		var at int64
		if err := rows.Scan(&id, &at); err != nil {
			return nil, err
		}
		all[id] = time.Unix(at, 0).UTC()
	}
	return all, rows.Err()
}

// storeKept stores what is kept of p, in the place of what was before.
func storeKept(ctx context.Context, tx *sql.Tx, p Peer) error {
	if p.kept == nil {
		_, err := tx.ExecContext(ctx, `DELETE FROM kept_codes WHERE peer_id = ?`, p.ID)
		return err
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO kept_codes (peer_id, public_key, sealed) VALUES (?, ?, ?)
		ON CONFLICT (peer_id) DO UPDATE SET public_key = excluded.public_key, sealed = excluded.sealed`, p.ID, p.kept.key[:], p.kept.sealed)
	return err
}

// eraseKept erases all, and returns how many there were. The database overwrites what
// is deleted.
func (s store) eraseKept(ctx context.Context) (int64, error) {
	res, err := s.db.ExecContext(ctx, `DELETE FROM kept_codes`)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	if err == nil {
		err = s.clean(ctx)
	}
	return n, err
}

// clean empties the write-ahead log, where what was overwritten still is. Where somebody
// reads at this moment, the next one does it.
func (s store) clean(ctx context.Context) error {
	_, err := s.db.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`)
	return err
}
