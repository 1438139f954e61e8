package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"time"

	"homeward/cmd/homeward/internal/backups"
	"homeward/cmd/homeward/internal/hardening"
	"homeward/configs/backup"
	"homeward/configs/secret"
	"homeward/configs/state"
	"homeward/peers/history"
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
