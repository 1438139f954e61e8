package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	_ "modernc.org/sqlite" // pure Go: the binary stays static
)

// The errors that callers act on.
var (
	ErrLocked      = errors.New("the state directory is in use by another homeward")
	ErrNewerSchema = errors.New("the database was written by a newer homeward")
	ErrLost        = errors.New("the database is missing, although this state directory was set up before")
	ErrCorrupt     = errors.New("the database is damaged")
	// ErrUnreadable may pass, unlike ErrCorrupt: a cable, a sector that is read at the third try.
	ErrUnreadable = errors.New("the disk does not give the database back")
)

const (
	databaseFile = "homeward.db"
	lockFile     = "lock"
	// markerFile says that a database existed. It is made after the first
	// database is whole and never removed.
	markerFile = "initialised"
)

// State is an open state directory.
type State struct {
	dir  string
	root *os.Root
	lock *os.File
	db   *sql.DB

	repair  *Repair
	closed  bool
	givenUp bool // what is unreadable counts as damaged

	vaultMu sync.Mutex // so that its key is made once
}

// Open opens the state directory dir, and makes it on the first start. In the
// place of a database that is damaged or lost it puts the newest good snapshot,
// see Repaired. Errors name the directory and what to do; they wrap the package's
// sentinels.
func Open(ctx context.Context, dir string, log *slog.Logger) (*State, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("finding the state directory %q: %w", dir, err)
	}
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	s := &State{dir: dir}
	if s.root, err = os.OpenRoot(dir); err != nil {
		return nil, fmt.Errorf("opening the state directory %s: %w", dir, err)
	}
	if err := s.open(ctx, log); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func makeDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("making the state directory %s: %w: choose a writable one with --state", dir, unwrapPath(err))
	}
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("looking at the state directory %s: %w", dir, err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		if err := os.Chmod(dir, 0o700); err != nil {
			return fmt.Errorf("state directory %s is open to other users: make it private (chmod 700) or choose another with --state: %w", dir, unwrapPath(err))
		}
	}
	return nil
}

// unwrapPath drops the operation and path of a *PathError: our sentence names
// the path already.
func unwrapPath(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

func (s *State) open(ctx context.Context, log *slog.Logger) error {
	var err error
	if s.lock, err = takeLock(s.dir); err != nil {
		return err
	}
	return s.openLocked(ctx, log)
}

// openLocked is open for who has the lock.
func (s *State) openLocked(ctx context.Context, log *slog.Logger) error {
	if err := s.adopt(noStop); err != nil {
		return err
	}
	existed, err := s.exists(databaseFile)
	if err != nil {
		return err
	}
	initialised, err := s.wasSetUp()
	if err != nil {
		return err
	}
	err = s.openWhole(ctx, initialised, existed, log)
	if initialised && (errors.Is(err, ErrCorrupt) || errors.Is(err, ErrLost) || s.givenUp && errors.Is(err, ErrUnreadable)) {
		if err = s.fallBack(ctx, err); err == nil {
			log.Error("the database was put back from a snapshot", "snapshot", s.repair.Snapshot, "of", s.repair.Taken, "because", s.repair.Cause, "damaged", s.repair.Quarantine)
			err = s.openWhole(ctx, true, true, log)
		}
	}
	if err != nil {
		return err
	}
	if s.repair == nil {
		if s.repair, err = s.pendingRepair(); err != nil {
			return err
		}
	}
	marked, err := s.exists(markerFile)
	if err != nil || marked {
		return err
	}
	return s.mark()
}

// wasSetUp says whether there was a database here before: the marker says so, and so
// does whatever is made of a database only. A fresh start would open the setup page.
func (s *State) wasSetUp() (bool, error) {
	for _, name := range []string{markerFile, lastGoodFile, lastGoodBefore, "daily", "snapshots"} {
		if found, err := s.exists(name); found || err != nil {
			return found, err
		}
	}
	return false, nil
}

// openWhole opens the database, if it is whole, and brings its schema up to date.
func (s *State) openWhole(ctx context.Context, initialised, existed bool, log *slog.Logger) error {
	if initialised && !existed {
		return lost(s.Path(databaseFile))
	}
	if err := s.openDatabase(ctx); err != nil {
		return err
	}
	return s.migrate(ctx, initialised, log)
}

// mark notes for all time that there was a database.
func (s *State) mark() error {
	return s.WriteFile(markerFile, []byte("This file says that homeward.db existed. Keep both.\n"))
}

func lost(file string) error { return fmt.Errorf("%w: %s", ErrLost, file) }

func (s *State) exists(name string) (bool, error) {
	_, err := s.root.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking for %s: %w", s.Path(name), err)
	}
	return true, nil
}

// openDatabase opens homeward.db with every acknowledged change on the disk.
func (s *State) openDatabase(ctx context.Context) error {
	f, err := s.root.OpenFile(databaseFile, os.O_RDWR|os.O_CREATE, 0o600) // SQLite would use the umask, and gives its -wal the same mode
	if err != nil {
		return fmt.Errorf("opening %s for writing: %w", s.Path(databaseFile), unwrapPath(err))
	}
	if err := errors.Join(f.Chmod(0o600), f.Close()); err != nil {
		return fmt.Errorf("protecting %s: %w", s.Path(databaseFile), err)
	}
	// One bad read looks like damage, too: the database is judged by what it is each time.
	for try := 1; ; try++ {
		err := s.openChecked(ctx)
		if err == nil {
			return nil
		}
		if try == openTries || !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrUnreadable) {
			return fmt.Errorf("opening %s: %w", s.Path(databaseFile), err)
		}
		_ = s.db.Close() // nothing was written
	}
}

// openTries is how often a database is found damaged until that is believed.
const openTries = 3

// openChecked opens the database's file, and looks whether it is whole.
func (s *State) openChecked(ctx context.Context) (err error) {
	options := url.Values{"_txlock": {"immediate"}, "_pragma": {
		"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "trusted_schema(0)", "secure_delete(1)",
	}}
	location := url.URL{Scheme: "file", Path: s.Path(databaseFile), RawQuery: options.Encode()}
	if s.db, err = sql.Open("sqlite", location.String()); err != nil {
		return err
	}
	s.db.SetMaxOpenConns(4) // each costs memory, and there is one writer
	return check(ctx, s.db)
}

// DB is the database. It is closed by Close.
func (s *State) DB() *sql.DB { return s.db }

// Dir is the state directory, as an absolute path.
func (s *State) Dir() string { return s.dir }

// Path is where the file name lies in the state directory.
func (s *State) Path(name string) string { return filepath.Join(s.dir, name) }

// Close closes the database and gives the directory free.
func (s *State) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	var errs []error
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	if s.root != nil {
		errs = append(errs, s.root.Close())
	}
	if s.lock != nil { // last: nobody may open the database while we have it
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}
