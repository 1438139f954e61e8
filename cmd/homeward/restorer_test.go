package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"homeward/configs/backup"
	"homeward/configs/state"
	"homeward/web/api"
)

// sealedBackup is a backup of st, and the recovery code that opens it.
func sealedBackup(t *testing.T, st *state.State) (file []byte, key string) {
	t.Helper()
	plan, err := state.ChooseAddressPlan(nil, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := st.EnsureIdentity(t.Context(), func() (state.Plan, error) { return plan, nil }); err != nil {
		t.Fatal(err)
	}
	code, public, err := backup.NewRecoveryCode()
	if err != nil {
		t.Fatal(err)
	}
	to, err := backup.ForRecoveryCode(public)
	if err != nil {
		t.Fatal(err)
	}
	content, err := backup.Gather(t.Context(), st, "1.2.3", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	var b bytes.Buffer
	if err := content.Seal(to, &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), code.Reveal()
}

// A backup that was looked at waits until somebody confirms it, and is gone when nobody
// does: after ten minutes, when another one comes, when something else is done to the
// state, and at the end.
func TestAHeldBackupIsTakenOnceOrGone(t *testing.T) {
	file, key := sealedBackup(t, openState(t))
	for name, c := range map[string]struct {
		meanwhile func(*testing.T, *restorer, context.CancelFunc)
		taken     bool
	}{
		"confirmed": {func(*testing.T, *restorer, context.CancelFunc) { time.Sleep(9 * time.Minute) }, true},
		"too late":  {func(*testing.T, *restorer, context.CancelFunc) { time.Sleep(11 * time.Minute) }, false},
		"the end":   {func(_ *testing.T, _ *restorer, end context.CancelFunc) { end() }, false},
		"the state is opened": {func(t *testing.T, r *restorer, _ context.CancelFunc) {
			noError(t, r.alone(func() error { return nil }))
		}, false},
		"another one": {func(t *testing.T, r *restorer, _ context.CancelFunc) {
			_, _, err := r.Hold(t.Context(), key, bytes.NewReader(file))
			noError(t, err)
		}, false},
		"one by the command line": {func(t *testing.T, r *restorer, _ context.CancelFunc) {
			_, err := r.Restore(t.Context(), key, bytes.NewReader(file), true)
			noError(t, err)
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			st := openState(t)
			synctest.Test(t, func(t *testing.T) {
				r := newRestorer(st, slog.New(slog.DiscardHandler))
				ctx, end := context.WithCancel(t.Context())
				over := make(chan error, 1)
				go func() { over <- r.Run(ctx) }()
				found, id, err := r.Hold(t.Context(), key, bytes.NewReader(file))
				if err != nil || found.Homeward != "1.2.3" || len(found.Networks) != 2 || found.Aside != "" {
					t.Fatalf("%+v, %v", found, err)
				}
				if r.restored() || len(waiting(t, st, "restore-ready-*")) > 0 {
					t.Error("it is in place before it was confirmed")
				}
				c.meanwhile(t, r, end)
				synctest.Wait()
				done, err := r.Take(t.Context(), id)
				var failure *api.Failure
				switch {
				case c.taken:
					if err != nil || done.Homeward != "1.2.3" || !r.restored() || len(waiting(t, st, "restore-ready-*")) != 1 {
						t.Errorf("%+v, %v; %q", done, err, waiting(t, st, "*"))
					}
					if _, err := r.Take(t.Context(), id); !errors.As(err, &failure) {
						t.Errorf("once more: %v", err)
					}
				case !errors.As(err, &failure) || failure.Status != http.StatusGone || r.restored():
					t.Errorf("%v, want that it is gone; restored: %v", err, r.restored())
				}
				end()
				<-over
				if left := waiting(t, st, "restore-new"); len(left) > 0 {
					t.Errorf("%q is left", left)
				}
				if _, _, err := r.Hold(t.Context(), key, bytes.NewReader(file)); err == nil {
					t.Error("at the end one is held still")
				}
			})
		})
	}
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// waiting are the files of that name in the state directory.
func waiting(t *testing.T, st *state.State, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(st.Path(pattern))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// A file that cannot be opened is not held, and holds nobody up.
func TestABackupThatIsWrongIsNotHeld(t *testing.T) {
	file, key := sealedBackup(t, openState(t))
	st := openState(t)
	r := newRestorer(st, slog.New(slog.DiscardHandler))
	for what, body := range map[string]io.Reader{"cut off": bytes.NewReader(file[:len(file)-1]), "another file": bytes.NewReader([]byte("PK"))} {
		_, id, err := r.Hold(t.Context(), key, body)
		var failure *api.Failure
		if !errors.As(err, &failure) || failure.Field != "file" || id != "" {
			t.Errorf("%s: %q, %v", what, id, err)
		}
		if left := waiting(t, st, "restore-*"); len(left) > 0 {
			t.Errorf("%s: %q is left", what, left)
		}
	}
}
