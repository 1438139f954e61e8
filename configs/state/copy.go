package state

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// CopyDatabase gives a copy of the database as it is at one moment, while others go
// on writing: its file, open for reading and removed from the directory already, so
// that nothing is left behind. The caller closes it.
func (s *State) CopyDatabase(ctx context.Context) (*os.File, error) {
	err := s.removeIfThere(copyFile) // of an earlier one
	if err == nil {
		err = s.writeInto(ctx, copyFile)
	}
	var f *os.File
	if err == nil {
		f, err = s.root.Open(copyFile)
	}
	if err = errors.Join(err, s.removeIfThere(copyFile)); err != nil {
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
