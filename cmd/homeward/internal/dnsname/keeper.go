package dnsname

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"homeward/upnp/ddns"
)

const (
	// vaultName is where the settings are kept.
	vaultName = "dns name"
	// writeTime bounds the storing of what was learnt.
	writeTime = 5 * time.Second
)

// ErrNoSecret says that a change needs the secret to be entered again.
var ErrNoSecret = errors.New("the secret is missing: enter it again, since the account is another one")

// Vault keeps a value that nobody may read.
type Vault interface {
	Keep(ctx context.Context, name string, value []byte) error
	Kept(ctx context.Context, name string) (value []byte, ok bool, err error)
	Forget(ctx context.Context, name string) error
}

// Updater keeps one name; *ddns.Updater is one.
type Updater interface {
	Set(v4, v6 netip.Addr, onlyIPv6 bool)
	Status() ddns.Status
	Changed() <-chan struct{}
	Run(context.Context) error
}

// Config is what a Keeper needs.
type Config struct {
	Vault  Vault
	Logger *slog.Logger
	// NewUpdater makes an updater of checked settings; nil means ddns.New.
	NewUpdater func(ddns.Config) (Updater, error)
}

// Keeper owns the house's DNS name.
type Keeper struct {
	cfg     Config
	changed chan struct{} // the name in use is another one

	mu      sync.Mutex // guards what follows
	now     *running   // nil: there is no name
	problem error      // why the kept settings could not be used
	v4, v6  netip.Addr
	only6   bool
}

// running is a name with its updater. Only the updater changes.
type running struct {
	updater Updater
	record  record // guarded by Keeper.mu
}

// New reads the settings that were kept. What is wrong with them is told in
// Status: a house without a name is better than none. It starts nothing.
func New(ctx context.Context, cfg Config) (*Keeper, error) {
	if cfg.NewUpdater == nil {
		cfg.NewUpdater = func(c ddns.Config) (Updater, error) { return ddns.New(c) }
	}
	k := &Keeper{cfg: cfg, changed: make(chan struct{}, 1)}
	b, ok, err := cfg.Vault.Kept(ctx, vaultName)
	if err == nil && ok {
		var r record
		if r, err = decode(b); err == nil {
			k.now, err = k.start(r)
		}
	}
	if err != nil {
		k.problem = err
		cfg.Logger.Warn("the DNS name is not kept up to date", "err", err)
	}
	return k, nil
}

func (k *Keeper) start(r record) (*running, error) {
	u, err := k.cfg.NewUpdater(ddns.Config{
		Provider: r.Provider, Name: r.Name, Credentials: ddns.NewCredentials(r.User, r.Secret.Reveal()),
		Server: r.Server, Path: r.Path, Zone: r.Zone, Algorithm: r.Algorithm, LastTry: r.lastTry, Logger: k.cfg.Logger,
	})
	if err != nil {
		return nil, err
	}
	u.Set(k.v4, k.v6, k.only6)
	return &running{updater: u, record: r}, nil
}

// Set takes other settings into use, once they are checked and stored. An empty
// secret means the one of before, as long as the account is the same. The error
// names the field that is wrong; nothing has changed then.
func (k *Keeper) Set(ctx context.Context, s Settings) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	next := record{Settings: s}
	if old := k.now; old != nil {
		if s.Secret.IsZero() {
			if !s.sameAccount(old.record.Settings) {
				return ErrNoSecret
			}
			next.Secret = old.record.Secret
		}
		if s.Provider == old.record.Provider { // who counts our requests
			next.lastTry = old.record.lastTry
		}
		next.verified = old.record.verified && s.Name == old.record.Name
	}
	started, err := k.start(next)
	if err != nil {
		return err
	}
	// As the updater understood it: lower case, in the DNS's form.
	started.record.Name = started.updater.Status().Name
	if err := k.keep(ctx, started.record); err != nil {
		return err
	}
	k.now, k.problem = started, nil
	k.kick()
	return nil
}

// Remove ends the keeping. The name itself stays where it points.
func (k *Keeper) Remove(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.cfg.Vault.Forget(ctx, vaultName); err != nil {
		return err
	}
	k.now, k.problem = nil, nil
	k.kick()
	return nil
}

func (k *Keeper) keep(ctx context.Context, r record) error {
	b, err := r.encode()
	if err != nil {
		return fmt.Errorf("storing the settings of the DNS name: %w", err)
	}
	return k.cfg.Vault.Keep(ctx, vaultName, b)
}

func (k *Keeper) kick() {
	select {
	case k.changed <- struct{}{}:
	default:
	}
}

// SetAddresses says where home is; see ddns.Updater.Set. It never waits for the
// network.
func (k *Keeper) SetAddresses(v4, v6 netip.Addr, onlyIPv6 bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.v4, k.v6, k.only6 = v4, v6, onlyIPv6
	if k.now != nil {
		k.now.updater.Set(v4, v6, onlyIPv6)
	}
}

// Status is a snapshot of the name.
type Status struct {
	// Chosen says whether there are settings that can be used; else only Problem
	// has a meaning.
	Chosen   bool
	Settings Settings
	Keeping  ddns.Status
	// Ready says whether codes may have the name: the zone had it once.
	Ready bool
	// Problem is why the kept settings cannot be used; empty while they can.
	Problem string
}

// Status returns what is known now.
func (k *Keeper) Status() Status {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.now == nil {
		s := Status{}
		if k.problem != nil {
			s.Problem = k.problem.Error()
		}
		return s
	}
	keeping := k.now.updater.Status()
	return Status{Chosen: true, Settings: k.now.record.Settings, Keeping: keeping, Ready: k.now.record.verified || keeping.State == ddns.Verified}
}

// Run keeps the name until ctx ends. It returns nil.
func (k *Keeper) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		k.mu.Lock()
		now := k.now
		k.mu.Unlock()
		k.runOne(ctx, now)
	}
	return nil
}

// runOne runs one updater until another takes its place, and keeps what it
// learns.
func (k *Keeper) runOne(ctx context.Context, now *running) {
	if now == nil {
		select {
		case <-ctx.Done():
		case <-k.changed:
		}
		return
	}
	inner, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := now.updater.Run(inner); err != nil {
			k.cfg.Logger.Error("keeping the DNS name ended", "err", err)
		}
	}()
	for another := false; !another && ctx.Err() == nil; {
		select {
		case <-ctx.Done():
		case <-k.changed:
			k.mu.Lock()
			another = k.now != now
			k.mu.Unlock()
		case <-now.updater.Changed():
			k.learn(ctx, now)
		}
	}
	stop()
	<-ended
	k.learn(ctx, now)
}

// learn keeps what a restart must know: when the provider was asked last, so that
// it isn't asked too often, and whether codes may have the name.
func (k *Keeper) learn(ctx context.Context, now *running) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.now != now {
		return
	}
	s := now.updater.Status()
	next := now.record
	next.lastTry = s.LastTry
	next.verified = next.verified || s.State == ddns.Verified
	if next.lastTry.Equal(now.record.lastTry) && next.verified == now.record.verified {
		return
	}
	now.record = next
	bound, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTime)
	defer cancel()
	if err := k.keep(bound, next); err != nil {
		k.cfg.Logger.Warn("what was learnt of the DNS name could not be kept", "err", err)
	}
}
