package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// WriteFile replaces the file name in the state directory: after a power cut
// there is the old content or the new one, never a part. Its mode is 0600.
func (s *State) WriteFile(name string, data []byte) error {
	if err := s.replace(name, data); err != nil {
		return fmt.Errorf("writing %s: %w", s.Path(name), err)
	}
	return nil
}

func (s *State) replace(name string, data []byte) error {
	temporary := name + ".new"
	f, err := s.root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, s.root.Remove(temporary))
	}
	if err := s.root.Rename(temporary, name); err != nil {
		return err
	}
	return s.syncDir()
}

// syncDir makes renames survive a power cut.
func (s *State) syncDir() error {
	d, err := s.root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// ReadFile reads the file name in the state directory; ok is false when there
// is none.
func (s *State) ReadFile(name string) (data []byte, ok bool, err error) {
	data, err = s.root.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("reading %s: %w", s.Path(name), err)
	}
	return data, true, nil
}
