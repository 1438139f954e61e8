package backup

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"homeward/configs/secret"
	"homeward/configs/state"
)

// Restoring is a restore that was verified, and may be committed.
type Restoring struct {
	Manifest Manifest
	staging  *state.Staging
}

// Check looks at a restored state, brought to our schema, before it is used.
type Check func(context.Context, Manifest, *state.State) error

// Restore reads a sealed backup into a staging and verifies all of it: the seal, the
// sums, the database, its schema, and what check finds. What is wrong with the file
// or the key is a *Refusal. It takes the staging over; nothing has changed until
// Commit.
func Restore(ctx context.Context, staging *state.Staging, sealed io.Reader, key secret.Text, check Check, log *slog.Logger) (*Restoring, error) {
	a, err := Open(sealed, key)
	if err == nil {
		err = a.Extract(staging.Put)
	}
	if err == nil {
		err = staging.Verify(ctx, log, func(ctx context.Context, st *state.State) error { return check(ctx, a.Manifest, st) })
	}
	if errors.Is(err, state.ErrCorrupt) || errors.Is(err, state.ErrNewerSchema) {
		err = &Refusal{Field: "file", Text: "the backup cannot be used: " + err.Error(), Err: err}
	}
	if err != nil {
		return nil, errors.Join(err, staging.Close())
	}
	return &Restoring{a.Manifest, staging}, nil
}

// Commit puts the restored state in place; see state.Staging.Commit.
func (r *Restoring) Commit() (aside string, err error) { return r.staging.Commit(time.Now()) }

// Close ends the restore. What was not committed is removed.
func (r *Restoring) Close() error { return r.staging.Close() }
