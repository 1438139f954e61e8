package backups

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"homeward/configs/backup"
	"homeward/configs/secret"
)

// What the settings may be.
const (
	DefaultKeep = 7
	maxKeep     = 365
)

// vaultName is where the settings are kept.
const vaultName = "backups"

// The errors that callers act on.
var (
	ErrHasRecovery = errors.New("there is a recovery code already: another one does not open the backups that were made for it")
	ErrNoRecovery  = errors.New("there is no recovery code: make one first, and write it down")
)

// FieldError is a setting that cannot be.
type FieldError struct{ Field, Problem string }

func (e *FieldError) Error() string { return e.Problem }

// Vault keeps the settings.
type Vault interface {
	Keep(ctx context.Context, name string, value []byte) error
	Kept(ctx context.Context, name string) (value []byte, ok bool, err error)
}

// Content is what is sealed; *backup.Content is one.
type Content interface {
	Seal(backup.Recipient, io.Writer) error
	io.Closer
}

// Config is what a Keeper needs. All fields are required.
type Config struct {
	Vault Vault
	// Gather copies what the appliance knows at this moment.
	Gather func(context.Context) (Content, error)
	// Instance tells this homeward's files from another's in the same folder.
	Instance string
	// Own is a folder that is made when it is chosen.
	Own string
	// MayWrite says whether the process kept the right to write to a folder when it
	// gave others up at its start.
	MayWrite func(folder string) bool
	// Tell hears why the nightly backup begins to fail, and of an empty problem when it
	// works again.
	Tell   func(problem string)
	Logger *slog.Logger
}

// record is what is kept.
type record struct {
	Public  string    `json:"recovery_public,omitempty"` // of the recovery code
	Folder  string    `json:"folder,omitempty"`          // empty: nothing is written at night
	Keep    int       `json:"keep,omitempty"`
	Last    time.Time `json:"last,omitzero"`  // when the last backup of any kind was made
	Night   time.Time `json:"night,omitzero"` // when the last one was written to the folder
	Tried   time.Time `json:"tried,omitzero"` // when that was tried last
	Problem string    `json:"problem,omitempty"`
	Advice  string    `json:"advice,omitempty"`
}

// Keeper makes backups.
type Keeper struct {
	cfg  Config
	kick chan struct{} // 1-buffered: the settings are others

	making sync.Mutex // one at a time: a passphrase costs 64 MiB

	mu     sync.Mutex // guards what follows
	record record
}

// New reads the settings. Settings that cannot be read are told and not used: what
// they say can be entered again. It starts nothing.
func New(ctx context.Context, cfg Config) *Keeper {
	k := &Keeper{cfg: cfg, kick: make(chan struct{}, 1)}
	r, err := read(ctx, cfg.Vault)
	if err != nil {
		cfg.Logger.Warn("the settings of the backups cannot be read", "err", err)
		r = record{Problem: err.Error(), Advice: "make a recovery code and choose the folder again"}
	}
	r.Tried = time.Time{} // a restart may be what was missing
	k.record = r
	return k
}

func read(ctx context.Context, v Vault) (record, error) {
	var r record
	b, ok, err := v.Kept(ctx, vaultName)
	if err == nil && ok {
		err = json.Unmarshal(b, &r)
	}
	return r, err
}

// Restored notes in a state that was restored when its backup was made. Settings that
// cannot be read are left for New to tell.
func Restored(ctx context.Context, v Vault, made time.Time) error {
	r, err := read(ctx, v)
	if err != nil {
		return nil
	}
	r.Last, r.Problem, r.Advice = made, "", ""
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return v.Keep(ctx, vaultName, b)
}

// Folder is where backups are written at night, or empty: what a process needs to
// know before it gives its rights up.
func Folder(ctx context.Context, v Vault) string {
	r, err := read(ctx, v)
	if err != nil {
		return "" // New says so
	}
	return r.Folder
}

// Status is a snapshot.
type Status struct {
	HasRecovery bool
	Last        time.Time // the last backup of any kind; zero means none
	// Folder is where one is written at night; empty means nowhere.
	Folder  string
	Keep    int
	Night   time.Time // the last one in the folder; zero means none
	Next    time.Time // when it is tried again
	Problem string    // why the last try failed
	Advice  string
}

// Status returns what is known now.
func (k *Keeper) Status() Status {
	k.mu.Lock()
	defer k.mu.Unlock()
	r := k.record
	s := Status{HasRecovery: r.Public != "", Last: r.Last, Folder: r.Folder, Keep: r.Keep, Night: r.Night, Problem: r.Problem, Advice: r.Advice}
	if r.Folder != "" {
		s.Next = r.due(time.Now())
	}
	return s
}

// NewRecovery makes a recovery code and keeps its public half. The code itself is
// not kept anywhere. Unless replace is set, one that there is stays (ErrHasRecovery).
func (k *Keeper) NewRecovery(ctx context.Context, replace bool) (secret.Text, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.record.Public != "" && !replace {
		return secret.Text{}, ErrHasRecovery
	}
	code, public, err := backup.NewRecoveryCode()
	if err != nil {
		return secret.Text{}, err
	}
	next := k.record
	next.Public = public
	if err := k.storeLocked(ctx, next); err != nil {
		return secret.Text{}, err
	}
	return code, nil
}

// SetNightly writes a backup to folder at once and then every night, and keeps the
// newest ones; keep may be zero, for DefaultKeep. It fails with a *FieldError or
// ErrNoRecovery. A folder to which homeward has no right is accepted, and Status says
// what to do.
func (k *Keeper) SetNightly(ctx context.Context, folder string, keep int) error {
	if keep == 0 {
		keep = DefaultKeep
	}
	if keep < 1 || keep > maxKeep {
		return &FieldError{"keep", fmt.Sprintf("keep %d: it must be 1 to %d", keep, maxKeep)}
	}
	if folder == "" {
		return &FieldError{"folder", "the folder is missing"}
	}
	if !filepath.IsAbs(folder) {
		return &FieldError{"folder", fmt.Sprintf("the folder %.200q is no absolute path", folder)}
	}
	folder = filepath.Clean(folder)
	k.mu.Lock()
	has := k.record.Public != ""
	k.mu.Unlock()
	if !has {
		return ErrNoRecovery
	}
	p := k.try(folder)
	if p != nil && !p.rights {
		return &FieldError{"folder", p.text + ": " + p.advice}
	}
	return k.change(ctx, func(r *record) {
		r.Folder, r.Keep, r.Night, r.Tried, r.Problem, r.Advice = folder, keep, time.Time{}, time.Time{}, "", ""
		if p != nil {
			r.Tried, r.Problem, r.Advice = time.Now().UTC(), p.text, p.advice
		}
	})
}

// StopNightly writes no more backups at night. Those that there are stay.
func (k *Keeper) StopNightly(ctx context.Context) error {
	return k.change(ctx, func(r *record) { r.Folder, r.Keep, r.Problem, r.Advice = "", 0, "", "" })
}

// change stores other settings and lets Run look at them.
func (k *Keeper) change(ctx context.Context, how func(*record)) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	next := k.record
	how(&next)
	if err := k.storeLocked(ctx, next); err != nil {
		return err
	}
	select {
	case k.kick <- struct{}{}:
	default:
	}
	return nil
}

func (k *Keeper) storeLocked(ctx context.Context, next record) error {
	b, err := json.Marshal(next)
	if err != nil {
		return fmt.Errorf("storing the settings of the backups: %w", err)
	}
	if err := k.cfg.Vault.Keep(ctx, vaultName, b); err != nil {
		return err
	}
	k.record = next
	return nil
}

// ForRecovery is the recipient that backups without a passphrase are sealed for.
func (k *Keeper) ForRecovery() (backup.Recipient, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.record.Public == "" {
		return backup.Recipient{}, ErrNoRecovery
	}
	return backup.ForRecoveryCode(k.record.Public)
}

// Write writes a backup of this moment. What was written is worth nothing when it
// fails.
func (k *Keeper) Write(ctx context.Context, to backup.Recipient, w io.Writer) error {
	if err := k.seal(ctx, to, w); err != nil {
		return err
	}
	k.note(ctx, func(r *record) { r.Last = time.Now().UTC() })
	return nil
}

func (k *Keeper) seal(ctx context.Context, to backup.Recipient, w io.Writer) error {
	k.making.Lock()
	defer k.making.Unlock()
	c, err := k.cfg.Gather(ctx)
	if err != nil {
		return err
	}
	return errors.Join(c.Seal(to, w), c.Close())
}

// writeTime bounds the storing of what happened.
const writeTime = 5 * time.Second

// note keeps what happened. It is not worth failing for.
func (k *Keeper) note(ctx context.Context, how func(*record)) {
	bound, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTime)
	defer cancel()
	k.mu.Lock()
	defer k.mu.Unlock()
	next := k.record
	how(&next)
	if err := k.storeLocked(bound, next); err != nil {
		k.cfg.Logger.Warn("when the last backup was made could not be kept", "err", err)
		k.record = next // until the next start
	}
}
