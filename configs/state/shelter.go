package state

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
)

// OpenShelter opens the state directory without its database, for a tunnel that
// has to come up although Open failed. It refuses with ErrLocked when another
// homeward has the directory; a read-only file system is no obstacle.
func OpenShelter(dir string) (*State, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("finding the state directory %q: %w", dir, err)
	}
	s := &State{dir: dir}
	if s.root, err = os.OpenRoot(dir); err != nil {
		return nil, fmt.Errorf("opening the state directory %s: %w", dir, err)
	}
	if s.lock, err = takeLockAsItIs(dir); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Try says whether Open would succeed now, for the directory of a shelter. It does
// there what Open does, such as putting back a snapshot, and closes the database again.
// With giveUp, also a database that the disk does not give back is replaced by one.
func (s *State) Try(ctx context.Context, giveUp bool, log *slog.Logger) (err error) {
	if err := tryLock(s.dir); err != nil {
		return err
	}
	whole := &State{dir: s.dir, root: s.root, givenUp: giveUp}
	defer func() {
		if whole.db != nil {
			err = errors.Join(err, whole.db.Close())
		}
	}()
	return whole.openLocked(ctx, log)
}
