package peers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/configs/secret"
)

// Config is what a Manager needs. DB, Device, Facts and Logger are required.
type Config struct {
	DB       *sql.DB          // with the tables of configs/state
	Device   Device           // which lets the peers in
	Facts    func() Facts     // the latest ones; must not wait
	Defaults func() Defaults  // for new peers; nil means the zero Defaults
	Now      func() time.Time // nil means time.Now
	HandOver time.Duration    // how long a private key is remembered; zero means ten minutes
	// KeepCodes says whether the keys of codes are kept for longer, sealed with Box; nil
	// means never. It must not wait.
	KeepCodes func() bool
	Box       func() (secret.Box, error)
	// EraseAside erases what was kept from databases that were put aside; nil where there
	// are none. With known, there were codes in the present one.
	EraseAside func(ctx context.Context, known bool) error
	Logger     *slog.Logger
}

// Manager decides who may come in. Its methods may be called from any
// goroutine, before and during Run.
type Manager struct {
	cfg    Config
	store  store
	handed handOver
	places places
	former formerKeys
	subs   subscribers
	kick   chan struct{}            // 1-buffered: Run has something to do
	latest atomic.Pointer[snapshot] // what readers see; never nil after New

	// write makes changes one after the other and guards the fields that
	// follow. It is held over calls of the store and the device, so that the
	// device gets the states in the order of the store.
	write    sync.Mutex
	roster   roster           // as stored
	leftOut  []LeftOut        // what is stored and cannot be read
	lastID   ID               // the greatest that was ever given
	applied  map[ID]int64     // versions of the peers that the device took last; never changed
	settled  bool             // the device has what is wanted
	leaving  map[ID]time.Time // when peers are removed who are to be; replaced, never changed
	nextEnd  time.Time        // when the first of them expires; zero means none does
	pushed   time.Time        // when the device was told last
	refusing bool             // the device refused the last time
	// keptThere says that there may be kept codes in the store.
	keptThere bool
}

// New loads the store. It starts nothing: until Run, the device is only told
// about peers when one of them changes.
func New(ctx context.Context, cfg Config) (*Manager, error) {
	if cfg.DB == nil || cfg.Device == nil || cfg.Facts == nil || cfg.Logger == nil {
		return nil, errors.New("peers: Config lacks DB, Device, Facts or Logger")
	}
	if cfg.KeepCodes != nil && cfg.Box == nil {
		return nil, errors.New("peers: Config lacks Box")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Defaults == nil {
		cfg.Defaults = func() Defaults { return Defaults{} }
	}
	if cfg.HandOver == 0 {
		cfg.HandOver = 10 * time.Minute
	}
	m := &Manager{cfg: cfg, store: store{cfg.DB}, kick: make(chan struct{}, 1), keptThere: true}
	m.write.Lock()
	defer m.write.Unlock()
	if err := m.loadLocked(ctx); err != nil {
		return nil, err
	}
	for _, l := range m.leftOut {
		cfg.Logger.Error("a device is damaged in the database and stays out", "peer", int64(l.ID), "name", l.Name, "err", l.Err)
	}
	return m, nil
}

// Create stores a peer, tells the device and returns the config for the
// hand-over. When it returns, the peer is on the disk; when the device refused
// it, the peer is Pending. It refuses with a FieldError, ErrNoEndpoint or
// ErrNoAddress, and then nothing is stored.
func (m *Manager) Create(ctx context.Context, n NewPeer) (Issued, error) {
	facts, now := m.cfg.Facts(), m.cfg.Now()
	p, err := n.or(m.cfg.Defaults()).peer(now)
	if err != nil {
		return Issued{}, err
	}
	if n.PublicKey != nil {
		if err := CheckPublicKey(*n.PublicKey, facts.PublicKey); err != nil {
			return Issued{}, err
		}
	}
	if facts.Endpoint == nil {
		return Issued{}, ErrNoEndpoint
	}
	var private secret.Key
	if p.PublicKey, private, p.PresharedKey, err = newKeys(n.PublicKey); err != nil {
		return Issued{}, err
	}

	m.write.Lock()
	defer m.write.Unlock()
	if facts = m.cfg.Facts(); facts.Endpoint == nil { // the tunnel may have been renumbered meanwhile
		return Issued{}, ErrNoEndpoint
	}
	if p.kept, err = m.sealLocked(p.PublicKey, private, p.PresharedKey); err != nil {
		return Issued{}, err
	}
	if p, err = m.insertLocked(ctx, p, n.PublicKey != nil, facts); err != nil {
		return Issued{}, err
	}
	client, until := newClientConfig(p, private, *facts.Endpoint, facts), now.Add(m.cfg.HandOver)
	m.handed.keep(p.ID, client, until)
	m.roster, m.lastID = m.roster.with(p), max(m.lastID, p.ID)
	m.cfg.Logger.Info("device added", "peer", p.ID, "name", string(p.Name), "public_key", p.PublicKey.String())
	_ = m.pushLocked()                                 // when refused, the peer shows as Pending
	m.kickRun()                                        // which tries that again, and has a key to forget
	unseen := moment{m.latest.Load(), now, facts, nil} // to ask the device for all takes longer than all the rest
	return Issued{Peer: m.shown(p, unseen), Client: client.clone(), Until: until, Kept: p.kept != nil}, nil
}

// insertLocked gives p its addresses, number and entry in the ledger and stores
// it, or nothing.
func (m *Manager) insertLocked(ctx context.Context, p Peer, ownKey bool, facts Facts) (Peer, error) {
	if err := ctx.Err(); err != nil {
		return Peer{}, err
	}
	choose := func(taken map[netip.Addr]bool) ([]netip.Addr, error) { return allocate(facts.Tunnel, taken) }
	said := func(p Peer) *fingerprint {
		f := fingerprintOf(newClientConfig(p, secret.Key{}, *facts.Endpoint, facts))
		f.OwnKey = ownKey
		return f
	}
	var err error
	if p.Addresses, err = choose(m.takenLocked()); err != nil {
		return Peer{}, err
	}
	if err := newClientConfig(p, secret.Key{}, *facts.Endpoint, facts).check(); err != nil {
		return Peer{}, fmt.Errorf("making the config of device %q: %w", p.Name, err)
	}
	stored, err := m.store.insert(context.WithoutCancel(ctx), p, choose, said)
	switch {
	case err == nil:
		return stored, nil
	case errors.Is(err, ErrNoAddress):
		return Peer{}, err
	case errors.Is(err, ErrNameTaken):
		return Peer{}, nameTaken(p.Name)
	case errors.Is(err, ErrKeyTaken):
		return Peer{}, keyTakenError()
	}
	return Peer{}, fmt.Errorf("storing device %q: %w", p.Name, m.failedLocked(ctx, err))
}

// takenLocked is what we know to be given out.
func (m *Manager) takenLocked() map[netip.Addr]bool {
	taken := make(map[netip.Addr]bool, 2*len(m.roster.byID))
	for _, p := range m.roster.byID {
		for _, a := range p.Addresses {
			taken[a] = true
		}
	}
	return taken
}

// List returns all peers with what is observed of them, sorted by name.
func (m *Manager) List() []Peer {
	seen := m.look()
	list := make([]Peer, 0, len(seen.byName))
	for _, p := range seen.byName {
		list = append(list, m.shown(*p, seen))
	}
	return list
}

// Get returns one peer with what is observed of it, or ErrNotFound.
func (m *Manager) Get(id ID) (Peer, error) {
	seen := m.look()
	p, ok := seen.get(id)
	if !ok {
		return Peer{}, fmt.Errorf("device %d: %w", id, ErrNotFound)
	}
	return m.shown(p, seen), nil
}

// moment is all that a reader is shown, at one time.
type moment struct {
	*snapshot
	now      time.Time
	facts    Facts
	observed map[wgtypes.Key]Observed
}

func (m *Manager) look() moment {
	return moment{m.latest.Load(), m.cfg.Now(), m.cfg.Facts(), m.cfg.Device.Observed()}
}

// shown is p with its state, what is observed, and what follows from the facts.
func (m *Manager) shown(p Peer, at moment) Peer {
	p = p.with(at.observed[p.PublicKey])
	p.State = at.state(p, at.now)
	p.NeedsCode = p.said.outdated(p, at.facts)
	p.NextReady = p.nextSaid != nil && len(p.nextSaid.outdated(p, at.facts)) == 0
	p.OwnKey = p.said != nil && p.said.OwnKey
	p.NextOwnKey = p.nextSaid != nil && p.nextSaid.OwnKey
	p.TwoPlaces = m.places.of(p.PublicKey)
	p.Leaves = at.leaving[p.ID]
	return p
}

// Remove ends a peer's access, frees its name and addresses and forgets its
// keys. The change is on the disk when Remove returns without an error or with
// ErrNotApplied; the latter means that the device refused to end the access,
// and that Run keeps trying.
func (m *Manager) Remove(ctx context.Context, id ID) error { return m.RemoveVersion(ctx, id, 0) }

// RemoveVersion is Remove for somebody who looked at the peer: when its Version is
// another one by now, nothing happens and the error is ErrConflict. Version zero
// removes whatever is there.
func (m *Manager) RemoveVersion(ctx context.Context, id ID, version int64) error {
	m.write.Lock()
	defer m.write.Unlock()
	if m.isLeftOutLocked(id) {
		return m.removeLeftOutLocked(ctx, id)
	}
	p, err := m.findLocked(ctx, id)
	if err != nil {
		return err
	}
	if version != 0 && version != p.Version {
		return fmt.Errorf("device %q: %w", p.Name, ErrConflict)
	}
	if err := m.store.remove(context.WithoutCancel(ctx), id); err != nil {
		return fmt.Errorf("removing device %d: %w", id, m.failedLocked(ctx, err))
	}
	m.roster = m.roster.without(id)
	m.setLeavingLocked(id, time.Time{})
	m.handed.forget(id)
	m.former.add(p, m.cfg.Now(), p.PublicKey, p.Next.PublicKey)
	m.cleanAfterLocked(ctx, p)
	m.cfg.Logger.Info("device removed", "peer", id, "name", string(p.Name))
	if err := m.pushOrRetryLocked(); err != nil {
		return fmt.Errorf("removing device %q: %w: %w", p.Name, ErrNotApplied, err)
	}
	return nil
}

// Issued returns the very config that Create returned, until the hand-over
// time is over (ErrForgotten) or the peer is removed (ErrNotFound). Where codes are
// kept, it returns the latest one afterwards, too, unless that says what is no longer
// so (ErrOutdated).
func (m *Manager) Issued(id ID) (Issued, error) {
	p, err := m.Get(id)
	if err != nil {
		return Issued{}, err
	}
	i, err := m.remembered(p)
	if err != nil {
		return m.unsealed(p)
	}
	return i, nil
}

// remembered is the config of p while it is in memory, or ErrForgotten.
func (m *Manager) remembered(p Peer) (Issued, error) {
	e, ok := m.handed.get(p.ID, m.cfg.Now())
	if !ok {
		return Issued{}, fmt.Errorf("device %q: %w", p.Name, ErrForgotten)
	}
	return Issued{Peer: p, Client: e.client.clone(), Until: e.until, Kept: m.isKept(p)}, nil
}

// Subscribe returns a channel that gets a value after one or more changes of
// peers or their State, and a function that ends the subscription. What the
// device observes does not count as a change. The channel is never closed.
func (m *Manager) Subscribe() (changed <-chan struct{}, cancel func()) { return m.subs.add() }

func (m *Manager) findLocked(ctx context.Context, id ID) (Peer, error) {
	p, ok := m.roster.get(id)
	if !ok {
		return Peer{}, fmt.Errorf("device %d: %w", id, ErrNotFound)
	}
	return p, ctx.Err()
}

// loadLocked takes the store's word for everything.
func (m *Manager) loadLocked(ctx context.Context) error {
	all, leftOut, err := m.store.load(ctx)
	if err != nil {
		return fmt.Errorf("loading the devices: %w", err)
	}
	if m.lastID, err = m.store.lastID(ctx); err != nil {
		return fmt.Errorf("loading the devices: %w", err)
	}
	if m.leaving, err = m.store.removals(ctx); err != nil {
		return fmt.Errorf("loading the devices: %w", err)
	}
	m.roster, m.leftOut, m.settled = newRoster(all), leftOut, false
	m.publishLocked()
	return nil
}

// failedLocked is reloadLocked for callers outside Run, which then takes over.
func (m *Manager) failedLocked(ctx context.Context, err error) error {
	err = m.reloadLocked(ctx, err)
	m.kickRun()
	return err
}

// reloadLocked follows a write that failed and may have happened all the same:
// it makes the memory agree with the disk again and returns the write's error.
func (m *Manager) reloadLocked(ctx context.Context, err error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return errors.Join(err, m.loadLocked(ctx))
}

// publishLocked shows the readers what is wanted and what the device has of it.
func (m *Manager) publishLocked() {
	m.latest.Store(&snapshot{m.roster, m.lastID, m.applied, m.leaving})
	m.subs.tell()
}
