package state

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
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
// returns nil.
func (s *State) KeepDaily(ctx context.Context, log *slog.Logger) error {
	failing := false
	for {
		err := s.daily(ctx, time.Now())
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
	old, err := s.dailies()
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
	name := "daily/day-" + now.UTC().Format(stampForm) + ".db"
	if err := s.vacuumInto(ctx, name); err != nil {
		return err
	}
	if err := s.checkSnapshot(ctx, name); err != nil {
		return errors.Join(fmt.Errorf("the snapshot %s is not whole: %w", s.Path(name), err), s.root.Remove(name))
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
func (s *State) dailies() ([]string, error) {
	list, err := fs.Glob(s.root.FS(), "daily/*.db")
	slices.SortFunc(list, func(a, b string) int { return strings.Compare(stamp(a), stamp(b)) })
	return list, err
}

// vacuumInto writes the database as it is now into a file of its own.
func (s *State) vacuumInto(ctx context.Context, name string) error {
	if _, err := s.db.ExecContext(ctx, "VACUUM INTO ?", s.Path(name)); err != nil {
		return errors.Join(fmt.Errorf("keeping the database as %s: %w", s.Path(name), err), s.removeIfThere(name))
	}
	if err := s.root.Chmod(name, 0o600); err != nil {
		return fmt.Errorf("protecting %s: %w", s.Path(name), err)
	}
	f, err := s.root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close(), s.syncDir())
}

func (s *State) removeIfThere(name string) error {
	if err := s.root.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
