package state

import (
	"fmt"
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
