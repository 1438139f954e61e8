package state

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"
)

const (
	keepDaily  = 7
	dailyEvery = 24 * time.Hour
	dailyLook  = time.Hour // how often it is looked whether a day is over
)

// KeepDaily keeps a snapshot a day until ctx ends, the newest seven of them. It
// returns nil. Now says what time it is.
func (s *State) KeepDaily(ctx context.Context, now func() time.Time, log *slog.Logger) error {
	failing := false
	for {
		err := s.daily(ctx, now())
		if err != nil && ctx.Err() == nil && !failing {
			log.Error("keeping the daily snapshot failed, trying again every hour", "err", err)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(dailyLook):
		}
	}
}

// daily keeps a snapshot if the newest one is a day old, or of a time that has
// not come yet: the clock was wrong then.
func (s *State) daily(ctx context.Context, now time.Time) error {
	old, err := s.dailies(now)
	if err != nil {
		return err
	}
	recent := func(name string) bool {
		t, err := stampTime(name)
		return err == nil && !t.After(now) && now.Sub(t) < dailyEvery
	}
	if slices.ContainsFunc(old, recent) {
		return nil
	}
	if err := s.makeFolder("daily"); err != nil {
		return err
	}
	unfinished, err := fs.Glob(s.root.FS(), "daily/*.new")
	if err != nil {
		return err
	}
	for _, name := range unfinished { // of a run that was killed
		if err := s.root.Remove(name); err != nil {
			return fmt.Errorf("removing what an earlier snapshot left: %w", err)
		}
	}
	if err := s.vacuumInto(ctx, "daily/day-"+now.UTC().Format(stampForm)+".db", s.checkSnapshot); err != nil {
		return err
	}
	for len(old) >= keepDaily {
		if err := s.root.Remove(old[0]); err != nil {
			return fmt.Errorf("removing an old snapshot: %w", err)
		}
		old = old[1:]
	}
	return nil
}

// dailies lists the daily snapshots, the oldest one first.
func (s *State) dailies(now time.Time) ([]string, error) {
	list, err := fs.Glob(s.root.FS(), "daily/*.db")
	slices.SortFunc(list, byAge(now))
	return list, err
}

// byAge puts the oldest snapshot first, and before it those of a time that has not come:
// the clock was wrong when they were made, and nobody knows how old they are.
func byAge(now time.Time) func(a, b string) int {
	limit := now.UTC().Format(stampForm)
	future := func(name string) int {
		if stamp(name) > limit {
			return 0
		}
		return 1
	}
	return func(a, b string) int {
		return cmp.Or(cmp.Compare(future(a), future(b)), strings.Compare(stamp(a), stamp(b)))
	}
}

// vacuumInto writes the database as it is now into a file of its own, which has its
// name only when it is whole and fit says that it is as it should be. It has no codes
// that are kept.
func (s *State) vacuumInto(ctx context.Context, name string, fit func(ctx context.Context, name string) error) error {
	making := name + ".new"
	err := s.writeInto(ctx, making)
	if err == nil {
		_, err = s.stripKept(ctx, making, "MEMORY")
	}
	if err == nil {
		err = fit(ctx, making)
	}
	if err == nil {
		err = s.root.Rename(making, name)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("keeping the database as %s: %w", s.Path(name), err), s.removeIfThere(making))
	}
	return s.syncDir()
}

func (s *State) writeInto(ctx context.Context, name string) error {
	// An empty file, for its mode: SQLite would use the umask.
	f, err := s.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = s.db.ExecContext(ctx, "VACUUM INTO ?", s.Path(name))
	return errors.Join(err, f.Sync(), f.Close())
}

func (s *State) removeIfThere(name string) error {
	if err := s.root.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
