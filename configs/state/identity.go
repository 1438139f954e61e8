package state

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/configs/secret"
)

// The listen port is drawn from a range that no well-known service and no
// usual range of ephemeral ports of home routers starts in.
const (
	minPort = 20000
	maxPort = 60999
)

// ErrPeersExist says that a change would void codes that were handed out.
var ErrPeersExist = errors.New("devices have codes with the old addresses")

// Identity is what every code in every phone depends on. It is made once.
type Identity struct {
	PrivateKey secret.Key
	ListenPort uint16 // UDP
	// OtherPort is listened on, too, and opened on the router instead, where that
	// gives ListenPort to somebody else; zero: there is none.
	OtherPort uint16
	Instance  string // eight hex digits that tell this homeward's router entries from another's
	Plan      Plan
}

// EnsureIdentity returns the identity, and on the first start makes it with
// the address plan that choose returns.
func (s *State) EnsureIdentity(ctx context.Context, choose func() (Plan, error)) (Identity, error) {
	id, err := s.identity(ctx)
	if !errors.Is(err, sql.ErrNoRows) {
		return id, err
	}
	if err := s.mayBegin(ctx); err != nil {
		return Identity{}, err
	}
	if id, err = newIdentity(choose); err != nil {
		return Identity{}, err
	}
	key := id.PrivateKey.Reveal()
	_, err = s.db.ExecContext(ctx, `INSERT INTO identity (id, private_key, listen_port, instance, prefix4, prefix6, created_unix) VALUES (1, ?, ?, ?, ?, ?, ?)`,
		key[:], id.ListenPort, id.Instance, id.Plan.V4.String(), id.Plan.V6.String(), time.Now().Unix())
	if err != nil {
		return Identity{}, fmt.Errorf("storing the server's identity: %w", err)
	}
	return id, nil
}

// mayBegin refuses with ErrLost to make an identity where there was one: another one
// would void every code.
func (s *State) mayBegin(ctx context.Context) error {
	var n int
	if err := s.db.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM peers) + (SELECT count(*) FROM admins)`).Scan(&n); err != nil {
		return fmt.Errorf("%w: looking for the server's identity: %w", ErrCorrupt, err)
	}
	for _, name := range []string{lastGoodFile, lastGoodBefore} {
		found, err := s.exists(name)
		if err != nil {
			return err
		}
		if found {
			n++
		}
	}
	if n > 0 {
		return fmt.Errorf("%w: the server's identity is gone from %s", ErrLost, s.Path(databaseFile))
	}
	return nil
}

func newIdentity(choose func() (Plan, error)) (Identity, error) {
	plan, err := choose()
	if err != nil {
		return Identity{}, err
	}
	key, err := secret.GeneratePrivateKey()
	if err != nil {
		return Identity{}, err
	}
	n, err := rand.Int(rand.Reader, big.NewInt(maxPort-minPort+1))
	if err != nil {
		return Identity{}, fmt.Errorf("choosing the listen port: %w", err)
	}
	var instance [4]byte
	rand.Read(instance[:]) // never fails (crypto/rand)
	return Identity{PrivateKey: key, ListenPort: uint16(minPort + n.Int64()), Instance: hex.EncodeToString(instance[:]), Plan: plan}, nil
}

func (s *State) identity(ctx context.Context) (Identity, error) {
	var id Identity
	var key []byte
	var v4, v6 string
	err := s.db.QueryRowContext(ctx, `SELECT private_key, listen_port, other_port, instance, prefix4, prefix6 FROM identity`).Scan(&key, &id.ListenPort, &id.OtherPort, &id.Instance, &v4, &v6)
	if errors.Is(err, sql.ErrNoRows) {
		return Identity{}, err
	}
	var parsed wgtypes.Key
	if err == nil {
		parsed, err = wgtypes.NewKey(key)
	}
	if err == nil {
		id.Plan, err = parsePlan(v4, v6)
	}
	if err != nil {
		return Identity{}, fmt.Errorf("%w: reading the server's identity: %w", ErrCorrupt, err)
	}
	id.PrivateKey = secret.NewKey(parsed)
	return id, nil
}

// SetOtherPort changes Identity.OtherPort; zero takes it away.
func (s *State) SetOtherPort(ctx context.Context, port uint16) error {
	if _, err := s.db.ExecContext(ctx, `UPDATE identity SET other_port = ?`, port); err != nil {
		return fmt.Errorf("storing the other UDP port %d: %w", port, err)
	}
	return nil
}

// SetPlan changes the address plan, as long as no code was handed out that
// depends on it; else the error is ErrPeersExist and nothing changes.
func (s *State) SetPlan(ctx context.Context, p Plan) error {
	r, err := s.db.ExecContext(ctx, `UPDATE identity SET prefix4 = ?, prefix6 = ? WHERE NOT EXISTS (SELECT 1 FROM peers)`, p.V4.String(), p.V6.String())
	if err != nil {
		return fmt.Errorf("storing the address plan: %w", err)
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, ErrPeersExist)
	}
	return nil
}

// Renumber changes the address plan together with what put stores in the same
// transaction, which are the peers' addresses: all of it or nothing, whenever the
// program ends.
func (s *State) Renumber(ctx context.Context, p Plan, put func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("storing the address plan: %w", err)
	}
	defer tx.Rollback() // without effect after the commit
	if _, err := tx.ExecContext(ctx, `UPDATE identity SET prefix4 = ?, prefix6 = ?`, p.V4.String(), p.V6.String()); err != nil {
		return fmt.Errorf("storing the address plan: %w", err)
	}
	if err := put(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// Adopt makes the identity that of another server, but for the instance, together
// with what put stores in the same transaction: all of it or nothing. It refuses with
// ErrPeersExist as long as there are peers.
func (s *State) Adopt(ctx context.Context, id Identity, put func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("storing the server's identity: %w", err)
	}
	defer tx.Rollback() // without effect after the commit
	key := id.PrivateKey.Reveal()
	r, err := tx.ExecContext(ctx, `UPDATE identity SET private_key = ?, listen_port = ?, other_port = 0, prefix4 = ?, prefix6 = ? WHERE NOT EXISTS (SELECT 1 FROM peers)`,
		key[:], id.ListenPort, id.Plan.V4.String(), id.Plan.V6.String())
	if err != nil {
		return fmt.Errorf("storing the server's identity: %w", err)
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, ErrPeersExist)
	}
	if err := put(tx); err != nil {
		return err
	}
	return tx.Commit()
}
