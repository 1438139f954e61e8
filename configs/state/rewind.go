package state

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// rewindEvery is how often Rewind tries for the directory while somebody has it.
const rewindEvery = 100 * time.Millisecond

// Rewind puts back the database as it was before a migration that began after
// since, for an older homeward that comes back after a failed update. Without
// such a migration it does nothing. What the newer one wrote is kept beside it.
// It waits for the directory until ctx ends.
func Rewind(ctx context.Context, dir string, since time.Time) error {
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("opening the state directory %s: %w", dir, err)
	}
	defer root.Close()
	all, err := fs.Glob(root.FS(), "snapshots/*.db")
	if err != nil {
		return err
	}
	// A name has milliseconds only.
	all = slices.DeleteFunc(all, func(name string) bool {
		at, err := stampTime(name)
		return err != nil || at.Before(since.UTC().Truncate(time.Millisecond))
	})
	if len(all) == 0 {
		return nil
	}
	first := slices.MinFunc(all, func(a, b string) int { return strings.Compare(stamp(a), stamp(b)) })
	lock, err := awaitLock(ctx, dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := root.Rename(databaseFile+suffix, databaseFile+".newer"+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("putting the newer database aside: %w", err)
		}
	}
	if err := root.Rename(first, databaseFile); err != nil {
		return fmt.Errorf("putting %s back: %w", filepath.Join(dir, first), err)
	}
	return (&State{root: root}).syncDir()
}

// awaitLock takes the lock as soon as nobody has it.
func awaitLock(ctx context.Context, dir string) (*os.File, error) {
	tick := time.NewTicker(rewindEvery)
	defer tick.Stop()
	for {
		lock, err := takeLock(dir)
		if !errors.Is(err, ErrLocked) {
			return lock, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-tick.C:
		}
	}
}
