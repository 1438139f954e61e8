package state

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"
)

// keepQuarantined is how many damaged databases are kept.
const keepQuarantined = 3

// Repair says what was done about a damaged or lost database.
type Repair struct {
	Cause      string    `json:"cause"`
	Snapshot   string    `json:"snapshot"`             // the file that was put in its place
	Taken      time.Time `json:"taken"`                // when that was made
	Quarantine string    `json:"quarantine,omitempty"` // where the damaged one is now; empty when there was none
}

// repairFile says that a database from a snapshot was not brought up to date yet.
const repairFile = "repaired"

// Repaired says what Open had to repair, or nil. It is said again at each start until
// RepairDone.
func (s *State) Repaired() *Repair { return s.repair }

// RepairDone says that the database knows again what there was since its snapshot.
func (s *State) RepairDone() error {
	if err := s.removeIfThere(repairFile); err != nil {
		return fmt.Errorf("removing %s: %w", s.Path(repairFile), err)
	}
	return s.syncDir()
}

// pendingRepair reads what an earlier start repaired without getting any further.
func (s *State) pendingRepair() (*Repair, error) {
	text, ok, err := s.ReadFile(repairFile)
	if err != nil || !ok {
		return nil, err
	}
	var r Repair
	if err := json.Unmarshal(text, &r); err != nil { // that there is one is what counts
		r = Repair{Cause: "it is not known any more"}
	}
	return &r, nil
}

// fallBack puts the newest good snapshot in the place of the database, which is
// damaged for the given cause and kept aside. Without a snapshot it changes
// nothing and returns the cause.
func (s *State) fallBack(ctx context.Context, cause error) error {
	if s.db != nil {
		if err := s.db.Close(); err != nil && !errors.Is(cause, ErrCorrupt) {
			return errors.Join(cause, err)
		}
		s.db = nil
	}
	snapshot, taken, err := s.newestGood(ctx)
	if err != nil {
		return fmt.Errorf("%w: put it back from a backup; to begin anew and void every code, empty the directory (no snapshot could take its place: %w)", cause, err)
	}
	aside, err := s.quarantine()
	if err != nil {
		return fmt.Errorf("%w: putting it aside: %w", cause, err)
	}
	s.repair = &Repair{cause.Error(), s.Path(snapshot), taken, aside}
	text, err := json.Marshal(s.repair)
	if err == nil {
		err = s.WriteFile(repairFile, text) // before the database is there: a crash must not hide it
	}
	if err == nil {
		err = s.duplicate(snapshot, databaseFile)
	}
	if err != nil {
		return fmt.Errorf("%w (it is %s now): putting %s in its place: %w", cause, aside, s.Path(snapshot), err)
	}
	return nil
}

// newestGood finds the newest snapshot that is whole and not of a newer homeward.
func (s *State) newestGood(ctx context.Context) (name string, taken time.Time, err error) {
	var all []string
	for _, pattern := range []string{"snapshots/*.db", "daily/*.db"} {
		list, err := fs.Glob(s.root.FS(), pattern)
		if err != nil {
			return "", time.Time{}, err
		}
		all = append(all, list...)
	}
	slices.SortFunc(all, byAge(time.Now()))
	slices.Reverse(all)
	problems := []error{errors.New("there is none that is whole")}
	for _, name := range all {
		taken, err := stampTime(name)
		if err == nil {
			err = s.checkSnapshot(ctx, name)
		}
		if err == nil {
			return name, taken, nil
		}
		problems = append(problems, fmt.Errorf("%s: %w", s.Path(name), err))
	}
	return "", time.Time{}, errors.Join(problems...)
}

// checkSnapshot looks whether a snapshot could take the database's place.
func (s *State) checkSnapshot(ctx context.Context, name string) error {
	if err := judge(ctx, s.Path(name)); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", readOnly(s.Path(name)))
	if err != nil {
		return err
	}
	defer db.Close()
	var identities int
	if err := db.QueryRowContext(ctx, "SELECT count(*) FROM identity").Scan(&identities); err != nil {
		return err
	}
	if identities != 1 {
		return errors.New("it has no server's identity")
	}
	return nil
}

// quarantine puts the database aside, with what SQLite keeps beside it, and
// returns where it is then.
func (s *State) quarantine() (string, error) {
	if err := s.makeFolder("quarantine"); err != nil {
		return "", err
	}
	base := "quarantine/" + databaseFile + "-" + time.Now().UTC().Format(stampForm)
	moved := ""
	for _, suffix := range []string{"-wal", "-shm", ""} {
		switch err := s.root.Rename(databaseFile+suffix, base+suffix); {
		case err == nil:
			moved = s.Path(base)
		case !errors.Is(err, fs.ErrNotExist):
			return "", err
		}
	}
	old, err := fs.Glob(s.root.FS(), "quarantine/*")
	if err != nil {
		return "", err
	}
	for len(old) > 3*keepQuarantined { // a database and its two companions each
		if err := s.root.Remove(old[0]); err != nil {
			return "", err
		}
		old = old[1:]
	}
	return moved, s.syncDir()
}

func (s *State) makeFolder(name string) error {
	if err := s.root.Mkdir(name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("making %s: %w", s.Path(name), err)
	}
	return nil
}

// duplicate makes to a copy of from, whole or not at all.
func (s *State) duplicate(from, to string) error {
	src, err := s.root.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	temporary := to + ".new"
	dst, err := s.root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	if err = errors.Join(err, dst.Sync(), dst.Close()); err != nil {
		return errors.Join(err, s.root.Remove(temporary))
	}
	if err := s.root.Rename(temporary, to); err != nil {
		return err
	}
	return s.syncDir()
}
