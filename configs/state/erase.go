package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// EraseKeptAside erases the codes that are kept from all databases that were put aside in
// the directory, for an operator who does not want them kept any more: a damaged one, one
// of a newer homeward that went back, and what a restore replaced. A damaged one is
// removed, since nobody can tell what is left in its pages; where it cannot even be told
// whether it has codes, only with doubtful. The others stay, without the codes. Snapshots
// never have them, and sealed backups keep what they have.
//
// It returns what it changed. The error names each file that still has codes.
func (s *State) EraseKeptAside(ctx context.Context, doubtful bool) (changed []string, err error) {
	asides, err := fs.Glob(s.root.FS(), asidePrefix+"*")
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, folder := range append([]string{"."}, asides...) {
		whole := []string{path.Join(folder, databaseFile+".newer")}
		if folder != "." {
			whole = append(whole, path.Join(folder, databaseFile))
		}
		for _, name := range whole {
			done, err := s.stripAside(ctx, name)
			changed, errs = appendIf(changed, done, s.Path(name)), append(errs, err)
		}
		damaged, err := s.damaged(folder)
		errs = append(errs, err)
		for _, name := range damaged {
			done, err := s.removeDamaged(ctx, name, doubtful)
			changed, errs = appendIf(changed, done, s.Path(name)), append(errs, err)
		}
	}
	return changed, errors.Join(errs...)
}

func appendIf(list []string, yes bool, s string) []string {
	if yes {
		return append(list, s)
	}
	return list
}

// stripAside takes the kept codes out of a database that was put aside whole. It says
// false where there are none, or no such file.
func (s *State) stripAside(ctx context.Context, name string) (done bool, err error) {
	there, err := s.exists(name)
	if err != nil || !there {
		return false, err
	}
	if n, sure := s.sureOfKept(ctx, name); sure && n == 0 {
		return false, nil // and is not written to
	}
	n, err := s.stripKept(ctx, name, "DELETE") // it may be the only one of its time: no crash may spoil it
	if err != nil {
		return false, fmt.Errorf("erasing the codes in %s, which was put aside (remove it if you need it no longer): %w", s.Path(name), err)
	}
	return n > 0, nil
}

// damaged lists the databases in quarantine, without what SQLite keeps beside them.
func (s *State) damaged(folder string) ([]string, error) {
	all, err := fs.Glob(s.root.FS(), path.Join(folder, "quarantine/*"))
	for i, name := range all {
		all[i] = strings.TrimSuffix(strings.TrimSuffix(name, "-wal"), "-shm")
	}
	slices.Sort(all)
	return slices.Compact(all), err
}

// removeDamaged removes a damaged database that has codes, or may have.
func (s *State) removeDamaged(ctx context.Context, name string, doubtful bool) (done bool, err error) {
	if n, sure := s.sureOfKept(ctx, name); n == 0 && (sure || !doubtful) {
		return false, nil
	}
	var errs []error
	for _, suffix := range []string{"-wal", "-shm", ""} {
		errs = append(errs, s.removeIfThere(name+suffix))
	}
	if err := errors.Join(append(errs, s.syncDir())...); err != nil {
		return false, fmt.Errorf("removing %s, which may have codes that were kept: %w", s.Path(name), err)
	}
	return true, nil
}

// sureOfKept counts the codes in a database, and says whether there can be no more of them.
func (s *State) sureOfKept(ctx context.Context, name string) (n int, sure bool) {
	n, err := s.countKept(ctx, name)
	log, _ := s.root.Stat(name + "-wal")
	return n, err == nil && (log == nil || log.Size() == 0) // the log may have more than the file
}

// countKept counts the codes in a database, as far as it can be read; one of an earlier
// schema has none.
func (s *State) countKept(ctx context.Context, name string) (n int, err error) {
	db, err := sql.Open("sqlite", readOnly(s.Path(name)))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var there int
	err = db.QueryRowContext(ctx, hasKept).Scan(&there)
	if err == nil && there > 0 {
		err = db.QueryRowContext(ctx, `SELECT count(*) FROM kept_codes`).Scan(&n)
	}
	if err == nil && n == 0 {
		var sound string
		if err = db.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&sound); err == nil && sound != "ok" {
			err = fmt.Errorf("%w: %s", ErrCorrupt, sound)
		}
	}
	return n, err
}
