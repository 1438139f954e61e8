package main

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"homeward/configs/backup"
	"homeward/configs/state"
	"homeward/web/api"
)

// errRestored ends the appliance so that it starts again with what was restored or
// imported, or with another network of the tunnel.
var errRestored = errors.New("a backup was restored, another server imported or the tunnel's network changed")

var errRestoring = errors.New("another backup is being restored: wait until it is done")

// errNotHeld is for who thought about it for too long.
var errNotHeld = errors.New("this backup does not wait here any more: choose it once more")

// holdFor is how long a backup that was looked at waits to be put in place.
const holdFor = 10 * time.Minute

// restorer puts a backup in the place of a running homeward's state.
type restorer struct {
	state *state.State
	log   *slog.Logger

	one  sync.Mutex  // guards held and over, and restores one at a time
	held *heldBackup // verified, and in the way of the next one; nil: none
	over bool        // nothing is held any more

	done chan struct{}
	once sync.Once // closes done
}

// heldBackup is a backup that was verified and waits in a staging until somebody says
// that it is the right one.
type heldBackup struct {
	id      string
	found   api.Restored
	staging *backup.Restoring
	end     *time.Timer
}

func newRestorer(st *state.State, log *slog.Logger) *restorer {
	return &restorer{state: st, log: log, done: make(chan struct{})}
}

// Restore implements api.Restorer.
func (r *restorer) Restore(ctx context.Context, key string, sealed io.Reader, look bool) (done api.Restored, err error) {
	err = r.alone(func() error {
		found, staging, err := r.verify(ctx, key, sealed)
		if err != nil {
			return err
		}
		if look {
			done = found
			return staging.Close()
		}
		done, err = r.commit(found, staging)
		return err
	})
	return done, backupFailure(err)
}

// Hold implements web.BackupHolder.
func (r *restorer) Hold(ctx context.Context, key string, sealed io.Reader) (found api.Restored, id string, err error) {
	err = r.alone(func() error {
		if r.over {
			return errRestoring
		}
		var staging *backup.Restoring
		if found, staging, err = r.verify(ctx, key, sealed); err != nil {
			return err
		}
		h := &heldBackup{id: rand.Text(), found: found, staging: staging}
		h.end = time.AfterFunc(holdFor, func() { r.drop(h) })
		r.held, id = h, h.id
		return nil
	})
	return found, id, backupFailure(err)
}

// Take implements web.BackupHolder.
func (r *restorer) Take(_ context.Context, id string) (api.Restored, error) {
	if !r.one.TryLock() {
		return api.Restored{}, backupFailure(errRestoring)
	}
	defer r.one.Unlock()
	h := r.held
	if h == nil || h.id != id {
		return api.Restored{}, &api.Failure{Status: http.StatusGone, Field: "file", Err: errNotHeld}
	}
	h.end.Stop()
	r.held = nil
	return r.commit(h.found, h.staging)
}

// verify reads all of a backup into a staging.
func (r *restorer) verify(ctx context.Context, key string, sealed io.Reader) (api.Restored, *backup.Restoring, error) {
	staging, err := r.state.Stage()
	if err != nil {
		return api.Restored{}, nil, err
	}
	return verifyBackup(ctx, staging, sealed, key, r.log)
}

// commit puts what was verified in place, and has homeward start again with it.
func (r *restorer) commit(found api.Restored, staging *backup.Restoring) (done api.Restored, err error) {
	if done, err = commitBackup(found, staging); err == nil {
		r.log.Info("backup restored: starting again with it", "made", done.Made, "aside", done.Aside)
		r.again()
	}
	return done, err
}

// alone does something to the state while nothing is restored, and keeps restores out
// meanwhile. A backup that is held gives way: there is room for one staging, which an
// opening of the state clears away.
func (r *restorer) alone(do func() error) error {
	if !r.one.TryLock() {
		return errRestoring
	}
	defer r.one.Unlock()
	r.dropLocked(r.held)
	return do()
}

// drop removes a backup that nobody put in place, if it is still held.
func (r *restorer) drop(h *heldBackup) {
	r.one.Lock()
	defer r.one.Unlock()
	r.dropLocked(h)
}

func (r *restorer) dropLocked(h *heldBackup) {
	if h == nil || r.held != h {
		return
	}
	h.end.Stop()
	r.held = nil
	if err := h.staging.Close(); err != nil {
		r.log.Warn("a backup that was looked at could not be removed; the next start does it", "err", err)
	}
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

// Run ends with errRestored when the state is another one. A backup that is held then
// is removed.
func (r *restorer) Run(ctx context.Context) error {
	defer func() {
		r.one.Lock()
		defer r.one.Unlock()
		r.over = true
		r.dropLocked(r.held)
	}()
	select {
	case <-ctx.Done():
		return nil
	case <-r.done:
		return errRestored
	}
}
