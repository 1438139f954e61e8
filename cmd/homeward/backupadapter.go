package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/cmd/homeward/internal/backups"
	"homeward/cmd/homeward/internal/hardening"
	"homeward/configs/backup"
	"homeward/configs/secret"
	"homeward/configs/state"
	"homeward/peers"
	"homeward/peers/history"
	"homeward/upnp/forwards"
	"homeward/web/api"
)

// backupKeeper shows the keeper of the backups to the API.
type backupKeeper struct {
	keeper  *backups.Keeper
	state   *state.State
	publish func(history.Event)
	actor   string // who asks
}

// tell writes down what somebody did.
func (b backupKeeper) tell(ctx context.Context, cause string) {
	doer{b.publish, b.actor}.did(ctx, cause, nil)
}

// Backup implements api.Backups.
func (b backupKeeper) Backup() api.BackupState {
	s := b.keeper.Status()
	out := api.BackupState{RecoveryCode: s.HasRecovery, Last: s.Last, Problem: s.Problem, Advice: s.Advice, Suggested: b.state.Path(state.BackupFolder)}
	if s.Folder != "" {
		out.Nightly = &api.NightlyBackup{Folder: s.Folder, Keep: s.Keep, Last: s.Night, Next: s.Next.UTC()}
	}
	return out
}

// MakeBackup implements api.Backups.
func (b backupKeeper) MakeBackup(in api.BackupWanted) (api.SealedBackup, error) {
	to, err := b.recipient(in)
	if err != nil {
		return api.SealedBackup{}, backupFailure(err)
	}
	return api.SealedBackup{Name: backupName(time.Now()), Write: func(ctx context.Context, w io.Writer) error {
		err := b.keeper.Write(ctx, to, w)
		if err == nil {
			b.tell(ctx, "backup-made")
		}
		return err
	}}, nil
}

func (b backupKeeper) recipient(in api.BackupWanted) (backup.Recipient, error) {
	if in.Recovery {
		return b.keeper.ForRecovery()
	}
	return backup.ForPassphrase(secret.NewText(in.Passphrase))
}

// backupName is what a backup's file is called.
func backupName(at time.Time) string {
	return "homeward-" + at.Format("2006-01-02") + ".backup"
}

// NewRecoveryCode implements api.Backups.
func (b backupKeeper) NewRecoveryCode(ctx context.Context, replace bool) (api.RecoveryCode, error) {
	code, err := b.keeper.NewRecovery(ctx, replace)
	if err == nil {
		b.tell(ctx, "recovery-code")
	}
	return api.RecoveryCode{Code: code.Reveal()}, backupFailure(err)
}

// SetNightlyBackup implements api.Backups.
func (b backupKeeper) SetNightlyBackup(ctx context.Context, in api.NightlyWanted) error {
	err := b.keeper.SetNightly(ctx, in.Folder, in.Keep)
	if err == nil {
		b.tell(ctx, "nightly-backup")
	}
	return backupFailure(err)
}

// StopNightlyBackup implements api.Backups.
func (b backupKeeper) StopNightlyBackup(ctx context.Context) error {
	err := b.keeper.StopNightly(ctx)
	if err == nil {
		b.tell(ctx, "nightly-backup")
	}
	return err
}

// backupFailure makes what is the caller's a failure with its status.
func backupFailure(err error) error {
	var tooLarge *http.MaxBytesError
	var refusal *backup.Refusal
	var field *backups.FieldError
	switch {
	case errors.As(err, &tooLarge):
		return &api.Failure{Status: http.StatusRequestEntityTooLarge, Field: "file", Err: fmt.Errorf("the file is larger than any backup: %d MiB are the limit", backup.MaxSize>>20)}
	case errors.As(err, &refusal):
		return &api.Failure{Status: http.StatusBadRequest, Field: refusal.Field, Err: err}
	case errors.As(err, &field):
		return &api.Failure{Status: http.StatusBadRequest, Field: field.Field, Err: err}
	case errors.Is(err, backups.ErrHasRecovery), errors.Is(err, backups.ErrNoRecovery), errors.Is(err, state.ErrRestorePending), errors.Is(err, errRestoring):
		return &api.Failure{Status: http.StatusConflict, Err: err}
	}
	return err
}

// errRestored ends the appliance so that it starts again with what was restored or
// imported, or with another network of the tunnel.
var errRestored = errors.New("a backup was restored, another server imported or the tunnel's network changed")

var errRestoring = errors.New("another backup is being restored: wait until it is done")

// restorer puts a backup in the place of a running homeward's state.
type restorer struct {
	state *state.State
	log   *slog.Logger

	one  sync.Mutex // restores one at a time
	done chan struct{}
	once sync.Once // closes done
}

func newRestorer(st *state.State, log *slog.Logger) *restorer {
	return &restorer{state: st, log: log, done: make(chan struct{})}
}

// Restore implements api.Restorer.
func (r *restorer) Restore(ctx context.Context, key string, sealed io.Reader, look bool) (api.Restored, error) {
	if !r.one.TryLock() {
		return api.Restored{}, backupFailure(errRestoring)
	}
	defer r.one.Unlock()
	staging, err := r.state.Stage()
	if err != nil {
		return api.Restored{}, backupFailure(err)
	}
	done, err := restore(ctx, staging, sealed, key, look, r.log)
	if err != nil {
		return api.Restored{}, backupFailure(err)
	}
	if !look {
		r.log.Info("backup restored: starting again with it", "made", done.Made, "aside", done.Aside)
		r.again()
	}
	return done, nil
}

// alone does something to the state while nothing is restored, and keeps restores out
// meanwhile.
func (r *restorer) alone(do func() error) error {
	if !r.one.TryLock() {
		return errRestoring
	}
	defer r.one.Unlock()
	return do()
}

// restored reports whether a backup was restored.
func (r *restorer) restored() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// again makes homeward start again with what its state is now.
func (r *restorer) again() { r.once.Do(func() { close(r.done) }) }

// Run ends with errRestored when the state is another one.
func (r *restorer) Run(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-r.done:
		return errRestored
	}
}

// restore verifies a backup in a staging and, unless it is only to look, commits it.
func restore(ctx context.Context, staging *state.Staging, sealed io.Reader, key string, look bool, log *slog.Logger) (done api.Restored, err error) {
	devices := 0
	check := func(ctx context.Context, m backup.Manifest, st *state.State) (err error) {
		if devices, err = checkRestored(ctx, st, log); err == nil {
			err = backups.Restored(ctx, st, m.Made)
		}
		return err
	}
	r, err := backup.Restore(ctx, staging, sealed, secret.NewText(key), check, log)
	if err != nil {
		return api.Restored{}, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	done = api.Restored{Made: r.Manifest.Made, Homeward: r.Manifest.Homeward, Devices: devices}
	if !look {
		done.Aside, err = r.Commit()
	}
	return done, err
}

// checkRestored has the parts read what was restored: each judges its own. It returns
// how many devices there are.
func checkRestored(ctx context.Context, st *state.State, log *slog.Logger) (int, error) {
	m, err := peers.New(ctx, peers.Config{DB: st.DB(), Device: noDevice{}, Facts: func() peers.Facts { return peers.Facts{} }, Logger: log})
	if err == nil {
		_, err = forwards.New(ctx, forwards.Config{DB: st.DB()})
	}
	if err != nil {
		return 0, fmt.Errorf("%w: %w", state.ErrCorrupt, err)
	}
	return len(m.List()), nil
}

// noDevice is for peers that are only read.
type noDevice struct{}

func (noDevice) SetPeers([]peers.DevicePeer) error        { return nil }
func (noDevice) Observed() map[wgtypes.Key]peers.Observed { return nil }

// gather copies what the appliance knows at this moment.
func (a *appliance) gather(ctx context.Context) (backups.Content, error) {
	return backup.Gather(ctx, a.state, version, time.Now())
}

func (a *appliance) backupKeeper(actor string) backupKeeper {
	return backupKeeper{a.backups, a.state, a.events.Publish, actor}
}

// tellBackup is an alert that no backup could be written at night, or its end.
func (a *appliance) tellBackup(problem string) {
	e := history.Event{At: time.Now(), Kind: history.Alert, Cause: "backup", Detail: problem}
	if problem == "" {
		e.Kind = history.AlertOver
	}
	a.events.Publish(e)
}

// mayWrite says which folders the process may write to after it gave up its rights.
func (b *box) mayWrite(st *state.State) func(folder string) bool {
	confined := slices.ContainsFunc(b.hardened, func(r hardening.Result) bool { return r.Files && r.Problem == "" })
	return func(folder string) bool {
		rel, err := filepath.Rel(st.Dir(), folder)
		return !confined || folder == b.nightly || err == nil && filepath.IsLocal(rel)
	}
}
