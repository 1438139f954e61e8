package state

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// A restore goes through these names in the state directory, each reached by one
// rename. What a crash leaves says how to go on:
//
//	restore-new            is being gathered: removed, the old content stays
//	restore-ready-STAMP    is whole: the old content moves to before-restore-STAMP
//	restore-moving-STAMP   the old content is aside: the new one moves in
const (
	stagingFolder = "restore-new"
	readyPrefix   = "restore-ready-"
	movingPrefix  = "restore-moving-"
	asidePrefix   = "before-restore-"
)

// noStop lets adopt go on.
func noStop(string) error { return nil }

// adopt completes a restore that was committed, and removes one that was not. The
// lock is held and nothing in the directory is open. Before each change it asks step,
// so that a test can stop it there.
func (s *State) adopt(step func(what string) error) error {
	if err := s.adoptAll(step); err != nil {
		return fmt.Errorf("completing the restore in %s: %w", s.dir, err)
	}
	return nil
}

func (s *State) adoptAll(step func(string) error) error {
	all, err := fs.ReadDir(s.root.FS(), ".")
	if err != nil {
		return err
	}
	for _, e := range all {
		name := e.Name()
		if name == stagingFolder {
			err = errors.Join(step("remove"), s.root.RemoveAll(name))
		}
		if stamp, ok := strings.CutPrefix(name, readyPrefix); ok {
			err = s.putAside(all, stamp, step)
		}
		if stamp, ok := strings.CutPrefix(name, movingPrefix); ok {
			err = s.moveIn(stamp, step)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// putAside moves the old content away, and then the new one in.
func (s *State) putAside(all []fs.DirEntry, stamp string, step func(string) error) error {
	aside := asidePrefix + stamp
	if err := s.root.Mkdir(aside, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	var moved []fs.DirEntry
	for _, e := range all {
		if stays(e) {
			continue
		}
		if err := step("put " + e.Name() + " aside"); err != nil {
			return err
		}
		if err := s.root.Rename(e.Name(), aside+"/"+e.Name()); err != nil {
			return err
		}
		moved = append(moved, e)
	}
	if len(moved) == 0 { // a fresh box: an empty folder would only puzzle
		_ = s.root.Remove(aside) // stays if an interrupted run filled it
	} else if err := s.syncFolder(aside); err != nil {
		return err
	}
	if err := errors.Join(s.syncDir(), step("begin to move in")); err != nil {
		return err
	}
	if err := s.root.Rename(readyPrefix+stamp, movingPrefix+stamp); err != nil {
		return err
	}
	return errors.Join(s.syncDir(), s.moveIn(stamp, step))
}

// stays says what is not part of what was restored: what belongs to this box or to
// this process.
func stays(e fs.DirEntry) bool {
	name := e.Name()
	return e.Type()&fs.ModeSocket != 0 || name == lockFile || name == BackupFolder ||
		strings.HasPrefix(name, "kernel-") || // what the network interface changed in the system
		strings.HasPrefix(name, asidePrefix) || strings.HasPrefix(name, "restore-")
}

// moveIn moves the new content to its place; the folder goes last.
func (s *State) moveIn(stamp string, step func(string) error) error {
	from := movingPrefix + stamp
	all, err := fs.ReadDir(s.root.FS(), from)
	if err != nil {
		return err
	}
	for _, e := range all {
		if err := step("move " + e.Name() + " in"); err != nil {
			return err
		}
		if err := s.root.Rename(from+"/"+e.Name(), e.Name()); err != nil {
			return err
		}
	}
	if err := errors.Join(s.syncDir(), step("end")); err != nil {
		return err
	}
	return errors.Join(s.root.Remove(from), s.syncDir())
}

func (s *State) syncFolder(name string) error {
	d, err := s.root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
