package state

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Files of the state directory that a backup has.
const (
	DatabaseFile = databaseFile
	VaultKeyFile = vaultKeyFile
	PageCertFile = "page.crt" // the admin page's certificate
	PageKeyFile  = "page.key"
)

// BackupFolder is a folder in the state directory for backups. A restore leaves it
// where it is.
const BackupFolder = "backups"

// ErrRestorePending says that a restore waits for the next start.
var ErrRestorePending = errors.New("another backup was restored already: it is in use after the next start")

// Staging is where the content that is to replace the state directory's is gathered
// and judged. Until Commit nothing else in the directory changes.
type Staging struct {
	state *State // of the directory
	owned bool   // its lock is ours
	root  *os.Root
	done  bool
}

// Stage prepares a replacement for the directory dir, which need not exist. Nobody
// else may use the directory: else the error wraps ErrLocked.
func Stage(dir string) (*Staging, error) {
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
	var g *Staging
	if s.lock, err = takeLock(dir); err == nil {
		err = s.adopt(noStop)
	}
	if err == nil {
		g, err = s.Stage()
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	g.owned = true
	return g, nil
}

// Stage prepares a replacement for the open directory s, which takes its place at
// the next Open after Commit. One at a time.
func (s *State) Stage() (*Staging, error) {
	if pending, err := fs.Glob(s.root.FS(), "restore-[rm]*-*"); err != nil || len(pending) > 0 {
		return nil, errors.Join(err, ErrRestorePending)
	}
	err := s.root.RemoveAll(stagingFolder)
	if err == nil {
		err = s.root.Mkdir(stagingFolder, 0o700)
	}
	var root *os.Root
	if err == nil {
		root, err = s.root.OpenRoot(stagingFolder)
	}
	if err != nil {
		return nil, fmt.Errorf("making room for the restored state in %s: %w", s.dir, err)
	}
	return &Staging{state: s, root: root}, nil
}

// Put writes one of the files of a backup. Any other name is an error.
func (g *Staging) Put(name string, content io.Reader) error {
	if !slices.Contains([]string{DatabaseFile, VaultKeyFile, PageCertFile, PageKeyFile}, name) {
		return fmt.Errorf("restoring %q: it is not a file of the state directory", name)
	}
	f, err := g.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("restoring %s: %w", name, err)
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Sync(), f.Close())
}

// Verify judges the database that was put there as hostile, brings it to this
// homeward's schema, ends all logins and tokens that it knows of, of which some may have been
// ended since, and lets check look at it.
func (g *Staging) Verify(ctx context.Context, log *slog.Logger, check func(context.Context, *State) error) (err error) {
	path := g.state.Path(stagingFolder)
	if err := judge(ctx, filepath.Join(path, databaseFile)); err != nil {
		return err
	}
	s := &State{dir: path, root: g.root}
	defer func() {
		if s.db != nil {
			err = errors.Join(err, s.db.Close())
		}
	}()
	if err := s.openDatabase(ctx); err != nil {
		return err
	}
	if err := s.migrate(ctx, true, log); err != nil {
		return err
	}
	if _, err := s.identity(ctx); err != nil {
		return fmt.Errorf("%w: the database has no identity: %w", ErrCorrupt, err)
	}
	if _, err := s.db.ExecContext(ctx, `DELETE FROM sessions; DELETE FROM tokens`); err != nil {
		return fmt.Errorf("ending the logins of before: %w", err)
	}
	if err := check(ctx, s); err != nil {
		return err
	}
	return s.mark()
}

// Commit makes the staged content the directory's: at once when Stage took the lock,
// else at the next Open. From here on a crash leads to the new content, before to the
// old one, which is put aside and never deleted. It returns where; empty means that
// there was none.
func (g *Staging) Commit(now time.Time) (aside string, err error) {
	stamp := now.UTC().Format(stampForm)
	if err := g.seal(); err != nil {
		return "", fmt.Errorf("completing the restored state: %w", err)
	}
	if err := g.state.root.Rename(stagingFolder, readyPrefix+stamp); err != nil {
		return "", fmt.Errorf("putting the restored state in place: %w", err)
	}
	g.done = true
	if err = g.state.syncDir(); err == nil && g.owned {
		err = g.state.adopt(noStop)
		if there, _ := g.state.exists(asidePrefix + stamp); !there { // a fresh box
			return "", err
		}
	}
	return g.state.Path(asidePrefix + stamp), err
}

// seal removes what only the verification needed, gives the files the directory's
// owner, and has all of it on the disk.
func (g *Staging) seal() error {
	if err := g.root.RemoveAll("snapshots"); err != nil {
		return err
	}
	all, err := fs.ReadDir(g.root.FS(), ".")
	if err != nil {
		return err
	}
	names := []string{"."}
	for _, e := range all {
		if strings.HasSuffix(e.Name(), "-wal") || strings.HasSuffix(e.Name(), "-shm") {
			return fmt.Errorf("%s is still in use", e.Name())
		}
		names = append(names, e.Name())
	}
	if err := errors.Join(inherit(g.state.root, g.root, names...), inherit(g.state.root, g.state.root, lockFile)); err != nil {
		return err
	}
	return (&State{root: g.root}).syncDir()
}

// Close removes what was not committed, and gives the directory free if Stage took it.
func (g *Staging) Close() error {
	errs := []error{g.root.Close()}
	if !g.done {
		errs = append(errs, g.state.root.RemoveAll(stagingFolder))
	}
	if g.owned {
		errs = append(errs, g.state.Close())
	}
	return errors.Join(errs...)
}
