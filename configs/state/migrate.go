package state

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"time"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// keepSnapshots is how many databases from before a migration are kept.
const keepSnapshots = 7

// migrations returns the numbered files in order; the first one has version 1.
// A file is never changed once it was released.
func migrations() ([]string, error) {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql")
	slices.Sort(names)
	return names, err
}

// migrate brings the schema up to date, each step whole or not at all.
func (s *State) migrate(ctx context.Context, initialised bool, log *slog.Logger) error {
	steps, err := migrations()
	if err != nil {
		return err
	}
	var version int
	if err := s.db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return fmt.Errorf("reading the version of %s: %w", s.Path(databaseFile), err)
	}
	if version > len(steps) {
		return fmt.Errorf("%w: %s has schema %d and this one knows %d: install the newer version again", ErrNewerSchema, s.Path(databaseFile), version, len(steps))
	}
	if version == 0 && initialised {
		return lost(s.Path(databaseFile)) // emptied
	}
	if version == len(steps) {
		return nil
	}
	if version > 0 {
		if err := s.snapshot(ctx, version); err != nil {
			return err
		}
	}
	for i := version; i < len(steps); i++ {
		if err := s.step(ctx, steps[i], i+1); err != nil {
			return fmt.Errorf("migrating %s to schema %d: %w", s.Path(databaseFile), i+1, err)
		}
	}
	if version > 0 {
		log.Info("database migrated", "from", version, "to", len(steps))
	}
	return nil
}

func (s *State) step(ctx context.Context, file string, version int) error {
	script, err := migrationFiles.ReadFile(file)
	if err != nil {
		return err
	}
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, string(script)); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", version)); err != nil {
		return err
	}
	return tx.Commit()
}

// snapshot keeps the database as it is now and drops the oldest snapshots.
func (s *State) snapshot(ctx context.Context, version int) error {
	if err := s.makeFolder("snapshots"); err != nil {
		return err
	}
	fit := func(ctx context.Context, name string) error { return judge(ctx, s.Path(name)) }
	if err := s.vacuumInto(ctx, fmt.Sprintf("snapshots/schema%d-%s.db", version, time.Now().UTC().Format(stampForm)), fit); err != nil {
		return fmt.Errorf("before a migration: %w", err)
	}
	old, err := fs.Glob(s.root.FS(), "snapshots/*.db")
	if err != nil {
		return err
	}
	slices.SortFunc(old, func(a, b string) int { return strings.Compare(stamp(a), stamp(b)) })
	for len(old) > keepSnapshots {
		if err := s.root.Remove(old[0]); err != nil {
			return fmt.Errorf("removing an old snapshot: %w", err)
		}
		old = old[1:]
	}
	return nil
}

// stampForm is the form of the time in a snapshot's name.
const stampForm = "20060102T150405.000"

// stamp is the time in a snapshot's name.
func stamp(name string) string {
	_, t, _ := strings.Cut(name, "-")
	return strings.TrimSuffix(t, ".db")
}

func stampTime(name string) (time.Time, error) { return time.Parse(stampForm, stamp(name)) }
