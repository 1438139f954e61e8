package peers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/configs/secret"
)

var (
	errAddressTaken = errors.New("an address was given out meanwhile")
	errStale        = errors.New("the device was changed meanwhile: try again")
)

// store keeps peers in the tables that configs/state makes. Names, keys and
// addresses are unique there, whatever the memory says. Private keys never
// get here.
type store struct{ db *sql.DB }

// insert stores p and returns it with its new ID. It refuses with ErrNameTaken
// or ErrKeyTaken. When someone else has one of p's addresses meanwhile, p gets
// others by choose, which is told what is taken.
func (s store) insert(ctx context.Context, p Peer, choose func(taken map[netip.Addr]bool) ([]netip.Addr, error)) (Peer, error) {
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		psk := p.PresharedKey.Reveal()
		// This first statement takes the write lock: from here on nobody else
		// gives out addresses.
		err := tx.QueryRowContext(ctx, `INSERT INTO peers
			(name, name_folded, profile, access, public_key, preshared_key, keepalive_seconds, enabled, created_unix, version)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id`,
			string(p.Name), p.Name.folded(), string(p.Profile), string(p.Access), p.PublicKey[:], psk[:],
			int64(p.Keepalive/time.Second), boolInt(p.Enabled), p.Created.Unix(), p.Version).Scan(&p.ID)
		if errors.Is(err, sql.ErrNoRows) {
			return whichTaken(ctx, tx, p)
		}
		if err != nil {
			return err
		}
		if err = insertAddresses(ctx, tx, p); !errors.Is(err, errAddressTaken) {
			return err
		}
		taken, err := takenByOthers(ctx, tx, p.ID)
		if err != nil {
			return err
		}
		if p.Addresses, err = choose(taken); err != nil {
			return err
		}
		return insertAddresses(ctx, tx, p)
	})
	return p, err
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
		a, err := netip.ParseAddr(text)
		if err != nil {
			return nil, fmt.Errorf("an address in the database is damaged: %w", err)
		}
		taken[a] = true
	}
	return taken, rows.Err()
}

// whichTaken names the unique column that kept p out.
func whichTaken(ctx context.Context, tx *sql.Tx, p Peer) error {
	var n int
	err := tx.QueryRowContext(ctx, `SELECT count(*) FROM peers WHERE name_folded = ?`, p.Name.folded()).Scan(&n)
	switch {
	case err != nil:
		return err
	case n > 0:
		return ErrNameTaken
	}
	return ErrKeyTaken
}

// setEnabled changes the row of version p.Version and makes it the next one.
func (s store) setEnabled(ctx context.Context, p Peer, enabled bool) error {
	res, err := s.db.ExecContext(ctx, `UPDATE peers SET enabled = ?, version = version + 1 WHERE id = ? AND version = ?`,
		boolInt(enabled), p.ID, p.Version)
	return oneRow(res, err, errStale)
}

// setAccess changes the row of version p.Version and makes it the next one.
func (s store) setAccess(ctx context.Context, p Peer, access Access) error {
	res, err := s.db.ExecContext(ctx, `UPDATE peers SET access = ?, version = version + 1 WHERE id = ? AND version = ?`, string(access), p.ID, p.Version)
	return oneRow(res, err, errStale)
}

// setNext stores p.Next with the row of version p.Version, and makes that the next
// version.
func (s store) setNext(ctx context.Context, p Peer, now time.Time) error {
	psk := p.Next.PresharedKey.Reveal()
	return s.inTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE peers SET version = version + 1 WHERE id = ? AND version = ?`, p.ID, p.Version)
		if err := oneRow(res, err, errStale); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO peer_next_keys (peer_id, public_key, preshared_key, created_unix) VALUES (?, ?, ?, ?)
			ON CONFLICT (peer_id) DO UPDATE SET public_key = excluded.public_key, preshared_key = excluded.preshared_key, created_unix = excluded.created_unix`,
			p.ID, p.Next.PublicKey[:], psk[:], now.Unix())
		return err
	})
}

// promote makes p.Next the keys of the row of version p.Version.
func (s store) promote(ctx context.Context, p Peer) error {
	psk := p.Next.PresharedKey.Reveal()
	return s.inTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE peers SET public_key = ?, preshared_key = ?, version = version + 1 WHERE id = ? AND version = ?`,
			p.Next.PublicKey[:], psk[:], p.ID, p.Version)
		if err := oneRow(res, err, errStale); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM peer_next_keys WHERE peer_id = ?`, p.ID)
		return err
	})
}

func (s store) remove(ctx context.Context, id ID) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		for _, table := range []string{`DELETE FROM peer_addresses WHERE peer_id = ?`, `DELETE FROM peer_next_keys WHERE peer_id = ?`} {
			if _, err := tx.ExecContext(ctx, table, id); err != nil {
				return err
			}
		}
		res, err := tx.ExecContext(ctx, `DELETE FROM peers WHERE id = ?`, id)
		return oneRow(res, err, errStale)
	})
}

// load reads all peers and refuses rows that this program cannot have written.
func (s store) load(ctx context.Context) ([]Peer, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT p.id, p.name, p.profile, p.access, p.public_key, p.preshared_key,
			p.keepalive_seconds, p.enabled, p.created_unix, p.version, n.public_key, n.preshared_key,
			coalesce(a.address, ''), coalesce(a.family, 0)
		FROM peers p LEFT JOIN peer_next_keys n ON n.peer_id = p.id LEFT JOIN peer_addresses a ON a.peer_id = p.id ORDER BY p.id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var read []*row
	for rows.Next() {
		var (
			r    row
			addr addressRow
		)
		err := rows.Scan(&r.id, &r.name, &r.profile, &r.access, &r.publicKey, &r.presharedKey,
			&r.keepalive, &r.enabled, &r.created, &r.version, &r.nextPublic, &r.nextPreshared, &addr.address, &addr.family)
		if err != nil {
			return nil, fmt.Errorf("device %d in the database: %w", r.id, err)
		}
		if len(read) == 0 || read[len(read)-1].id != r.id {
			read = append(read, &r)
		}
		last := read[len(read)-1]
		last.addresses = append(last.addresses, addr)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	var (
		all      []Peer
		problems []error
	)
	for _, r := range read {
		p, err := r.peer()
		if err != nil {
			problems = append(problems, fmt.Errorf("device %d in the database is damaged: %w", r.id, err))
		}
		all = append(all, p)
	}
	return all, errors.Join(problems...)
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

// row is a peer as the database gives it back, before anything is believed.
type row struct {
	id                      ID
	name, profile, access   string
	publicKey, presharedKey []byte
	keepalive, enabled      int64
	created, version        int64
	nextPublic              []byte // nil: there is no new code
	nextPreshared           []byte
	addresses               []addressRow
}

type addressRow struct {
	address string // empty: the peer has none
	family  int64
}

// peer checks every value of r.
func (r *row) peer() (Peer, error) {
	name, err := ParseName(r.name)
	if err != nil {
		return Peer{}, err
	}
	profile, err := ParseProfile(r.profile)
	if err != nil {
		return Peer{}, err
	}
	access, err := ParseAccess(r.access)
	if err != nil {
		return Peer{}, err
	}
	public, err := wgtypes.NewKey(r.publicKey)
	if err != nil {
		return Peer{}, fmt.Errorf("public key: %w", err)
	}
	preshared, err := wgtypes.NewKey(r.presharedKey)
	if err != nil {
		return Peer{}, errors.New("the preshared key has a wrong length")
	}
	switch {
	case r.id <= 0:
		return Peer{}, errors.New("its number is not positive")
	case string(name) != r.name || string(profile) != r.profile || string(access) != r.access:
		return Peer{}, fmt.Errorf("its name %.80q, profile %.40q or access %.40q is not as it was stored", r.name, r.profile, r.access)
	case !isUsablePublicKey(public):
		return Peer{}, errors.New("its public key is unusable")
	case preshared == wgtypes.Key{}:
		return Peer{}, errors.New("its preshared key is empty")
	case r.keepalive < 0 || r.keepalive > 65535:
		return Peer{}, fmt.Errorf("its keepalive of %d s is impossible", r.keepalive)
	case r.enabled != 0 && r.enabled != 1:
		return Peer{}, fmt.Errorf("enabled is %d", r.enabled)
	case r.version < 1:
		return Peer{}, fmt.Errorf("its version is %d", r.version)
	}
	p := Peer{
		ID: r.id, Name: name, Profile: profile, Access: access,
		PublicKey: public, PresharedKey: secret.NewKey(preshared),
		Keepalive: time.Duration(r.keepalive) * time.Second, Enabled: r.enabled == 1,
		Created: time.Unix(r.created, 0).UTC(), Version: r.version,
	}
	if r.nextPublic != nil {
		if p.Next, err = nextKey(r.nextPublic, r.nextPreshared); err != nil {
			return Peer{}, err
		}
	}
	for _, ar := range r.addresses {
		a, err := netip.ParseAddr(ar.address)
		if err != nil || a.Zone() != "" || a.String() != ar.address || ar.family != family(a) {
			return Peer{}, fmt.Errorf("its address %.80q of family %d is unusable", ar.address, ar.family)
		}
		p.Addresses = append(p.Addresses, a)
	}
	slices.SortFunc(p.Addresses, netip.Addr.Compare)
	return p, nil
}

func nextKey(public, preshared []byte) (NextKey, error) {
	pub, err := wgtypes.NewKey(public)
	if err != nil || !isUsablePublicKey(pub) {
		return NextKey{}, errors.New("its next public key is unusable")
	}
	psk, err := wgtypes.NewKey(preshared)
	if err != nil || psk == (wgtypes.Key{}) {
		return NextKey{}, errors.New("its next preshared key is unusable")
	}
	return NextKey{pub, secret.NewKey(psk)}, nil
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
