package state

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// CopyDatabase gives a copy of the database as it is at one moment, while others go
// on writing: its file, open for reading and removed from the directory already, so
// that nothing is left behind. The caller closes it.
func (s *State) CopyDatabase(ctx context.Context) (*os.File, error) {
	if err := s.root.Remove(copyFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("removing what an earlier copy left: %w", err)
	}
	defer s.root.Remove(copyFile)
	// The directory is 0700: nobody reads it before its mode is set.
	if _, err := s.db.ExecContext(ctx, "VACUUM INTO ?", s.Path(copyFile)); err != nil {
		return nil, fmt.Errorf("copying %s: %w", s.Path(databaseFile), err)
	}
	f, err := s.root.Open(copyFile)
	if err != nil {
		return nil, fmt.Errorf("copying %s: %w", s.Path(databaseFile), err)
	}
	return f, nil
}

// copyFile is a copy of the database while it is made.
const copyFile = "copy.db"

// Schema is the number of the newest migration that this homeward knows.
func Schema() (int, error) {
	steps, err := migrations()
	return len(steps), err
}
