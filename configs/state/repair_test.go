package state

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// withSnapshot is a state directory with a daily snapshot and a later change.
func withSnapshot(t *testing.T) (dir string, identity Identity) {
	t.Helper()
	dir = t.TempDir()
	s := open(t, dir)
	identity, err := s.EnsureIdentity(t.Context(), somePlan)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Keep(t.Context(), "early", []byte("1")); err != nil {
		t.Fatal(err)
	}
	if err := s.daily(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := s.Keep(t.Context(), "late", []byte("1")); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, identity
}

func TestADamagedOrLostDatabaseIsPutBackFromTheNewestSnapshot(t *testing.T) {
	for name, spoil := range map[string]func(file string) error{
		"overwritten": func(f string) error { return os.WriteFile(f, bytes.Repeat([]byte("junk"), 4096), 0o600) },
		"truncated": func(f string) error {
			info, err := os.Stat(f)
			if err != nil {
				return err
			}
			return os.Truncate(f, info.Size()/2)
		},
		"emptied": func(f string) error { return os.Truncate(f, 0) },
		"removed": os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			dir, identity := withSnapshot(t)
			if err := spoil(filepath.Join(dir, databaseFile)); err != nil {
				t.Fatal(err)
			}
			s := open(t, dir)
			r := s.Repaired()
			if r == nil || time.Since(r.Taken) > time.Minute {
				t.Fatalf("repaired: %+v", r)
			}
			again, err := s.EnsureIdentity(t.Context(), func() (Plan, error) { return Plan{}, errors.New("made anew") })
			if err != nil || again.PrivateKey.Public() != identity.PrivateKey.Public() {
				t.Errorf("the identity is another: %v", err)
			}
			_, early, err1 := s.Kept(t.Context(), "early")
			_, late, err2 := s.Kept(t.Context(), "late")
			if !early || late || err1 != nil || err2 != nil {
				t.Errorf("from the snapshot: %v %v; later than it: %v %v", early, err1, late, err2)
			}
			if r.Quarantine != "" {
				if _, err := os.Stat(r.Quarantine); err != nil {
					t.Errorf("what was damaged is not kept: %v", err)
				}
			} else if name != "removed" {
				t.Error("what was damaged is not kept")
			}
			if err := s.RepairDone(); err != nil {
				t.Fatal(err)
			}
			s.Close()
			if s = open(t, dir); s.Repaired() != nil {
				t.Error("repaired a second time")
			}
		})
	}
}

func TestABadSnapshotIsPassedOver(t *testing.T) {
	dir, _ := withSnapshot(t)
	later := filepath.Join(dir, "daily", "day-"+time.Now().Add(time.Hour).UTC().Format(stampForm)+".db")
	if err := os.WriteFile(later, bytes.Repeat([]byte("junk"), 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, databaseFile)); err != nil {
		t.Fatal(err)
	}
	if r := open(t, dir).Repaired(); r == nil || r.Snapshot == later {
		t.Errorf("repaired: %+v", r)
	}
}

func TestWhatCannotBeReadNowIsNoDamage(t *testing.T) {
	dir, _ := withSnapshot(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ended, dir, quiet); !errors.Is(err, context.Canceled) || errors.Is(err, ErrCorrupt) {
		t.Errorf("err = %v", err)
	}
	s := open(t, dir)
	if _, late, err := s.Kept(t.Context(), "late"); !late || err != nil || s.Repaired() != nil {
		t.Errorf("the database was replaced: %v, %v", s.Repaired(), err)
	}
}

// Whatever happens to the file's bytes, Open returns; what it returns can be read.
func TestRandomDamageNeverPassesForHealth(t *testing.T) {
	dir, identity := withSnapshot(t)
	file := filepath.Join(dir, databaseFile)
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	repaired := 0
	for range 30 {
		spoiled := bytes.Clone(whole)
		for range 1 + random.IntN(200) {
			spoiled[random.IntN(len(spoiled))] ^= byte(1 + random.IntN(255))
		}
		for _, suffix := range []string{"-wal", "-shm"} {
			os.Remove(file + suffix)
		}
		if err := os.WriteFile(file, spoiled, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(t.Context(), dir, quiet)
		if err != nil {
			if !errors.Is(err, ErrNewerSchema) { // the number of the schema was hit
				t.Fatalf("a snapshot was there: %v", err)
			}
			continue
		}
		if s.Repaired() != nil {
			repaired++
			if again, err := s.EnsureIdentity(t.Context(), somePlan); err != nil || again.PrivateKey.Public() != identity.PrivateKey.Public() {
				t.Errorf("after a repair: %v", err)
			}
		}
		s.Close()
	}
	if repaired < 10 {
		t.Errorf("only %d of 30 damaged files were noticed", repaired)
	}
	quarantined, _ := filepath.Glob(filepath.Join(dir, "quarantine", "*"))
	if len(quarantined) > 3*keepQuarantined {
		t.Errorf("%d files in quarantine", len(quarantined))
	}
}

func TestDailySnapshotsAreKeptForAWeek(t *testing.T) {
	s := open(t, t.TempDir())
	if _, err := s.EnsureIdentity(t.Context(), somePlan); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	unfinished := filepath.Join(s.Dir(), "daily", "day-x.db.new")
	if err := errors.Join(os.Mkdir(filepath.Dir(unfinished), 0o700), os.WriteFile(unfinished, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	for hour := range 10 * 24 {
		if err := s.daily(t.Context(), now.Add(time.Duration(hour)*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(unfinished); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what a killed run left: %v", err)
	}
	list, err := s.dailies(now.Add(100 * 24 * time.Hour))
	if err != nil || len(list) != keepDaily {
		t.Fatalf("%d snapshots, %v", len(list), err)
	}
	if info, err := os.Stat(filepath.Join(s.Dir(), list[0])); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("its mode: %v, %v", info.Mode(), err)
	}
	newest, err := stampTime(list[len(list)-1])
	if want := now.Add(9 * dailyEvery); err != nil || newest.Sub(want).Abs() > time.Second {
		t.Errorf("the newest is of %v, want %v (%v)", newest, want, err)
	}
	// The clock was wrong, and is right again.
	if err := s.daily(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	if list, err = s.dailies(now.Add(100 * 24 * time.Hour)); err != nil || len(list) != keepDaily {
		t.Fatalf("%d snapshots, %v", len(list), err)
	}
	if oldest, err := stampTime(list[0]); err != nil || oldest.Sub(now).Abs() > time.Second {
		t.Errorf("the one of today is not kept: %v, %v", oldest, err)
	}
	// What is of a time that has not come is the last to be put back, and the first to go.
	if _, taken, err := s.newestGood(t.Context()); err != nil || taken.Sub(now).Abs() > time.Second {
		t.Errorf("the newest is taken to be of %v, %v", taken, err)
	}
	if err := s.daily(t.Context(), now.Add(dailyEvery)); err != nil {
		t.Fatal(err)
	}
	if list, err = s.dailies(now.Add(100 * 24 * time.Hour)); err != nil || len(list) != keepDaily {
		t.Fatalf("%d snapshots, %v", len(list), err)
	}
	if oldest, err := stampTime(list[0]); err != nil || oldest.Sub(now).Abs() > time.Second {
		t.Errorf("the one of yesterday is gone: %v, %v", oldest, err)
	}
}

// What an earlier start repaired and could not bring up to date is said until it is.
func TestARepairIsSaidUntilItIsDone(t *testing.T) {
	dir, _ := withSnapshot(t)
	if err := os.Remove(filepath.Join(dir, databaseFile)); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	first := s.Repaired()
	s.Close()
	s = open(t, dir)
	if first == nil || s.Repaired() == nil || *s.Repaired() != *first {
		t.Fatalf("said %+v, and then %+v", first, s.Repaired())
	}
	if err := s.RepairDone(); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if s = open(t, dir); s.Repaired() != nil {
		t.Errorf("said after it was done: %+v", s.Repaired())
	}
}

// A fresh start would open the setup page to whoever comes first.
func TestWhatIsMadeOfADatabaseSaysThatThereWasOne(t *testing.T) {
	dir, identity := withSnapshot(t)
	for _, name := range []string{databaseFile, markerFile} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, dir)
	if again, err := s.EnsureIdentity(t.Context(), somePlan); err != nil || s.Repaired() == nil || again.PrivateKey.Public() != identity.PrivateKey.Public() {
		t.Errorf("repaired: %+v, %v", s.Repaired(), err)
	}
	if err := s.WriteLastGood(LastGood{time.Now(), identity, []byte("[]")}); err != nil {
		t.Fatal(err)
	}
	s.Close()
	for _, name := range []string{databaseFile, markerFile, "daily", "snapshots", "quarantine"} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Open(t.Context(), dir, quiet); !errors.Is(err, ErrLost) {
		t.Errorf("with the last-good file alone: %v", err)
	}
}

func TestALostIdentityIsNotMadeAnew(t *testing.T) {
	for name, leave := range map[string]string{
		"a device": `INSERT INTO peers (name, name_folded, profile, public_key, preshared_key, keepalive_seconds, enabled, created_unix, version) VALUES ('a', 'a', 'home', randomblob(32), randomblob(32), 0, 1, 1, 1)`,
		"an admin": `INSERT INTO admins (name, password_hash, created_unix) VALUES ('a', 'x', 1)`,
	} {
		s := open(t, t.TempDir())
		if _, err := s.EnsureIdentity(t.Context(), somePlan); err != nil {
			t.Fatal(err)
		}
		if _, err := s.DB().Exec(leave + `; DELETE FROM identity`); err != nil {
			t.Fatal(err)
		}
		if _, err := s.EnsureIdentity(t.Context(), somePlan); !errors.Is(err, ErrLost) {
			t.Errorf("with %s: %v", name, err)
		}
	}
}
