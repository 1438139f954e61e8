package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func anything(context.Context, *State) error { return nil }

// boxOf is a state directory with an identity, of which it returns the instance, and
// with the file page.crt that says name.
func boxOf(t *testing.T, name string) (dir, instance string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), name)
	s, err := Open(t.Context(), dir, quiet)
	if err != nil {
		t.Fatal(err)
	}
	id, err := s.EnsureIdentity(t.Context(), somePlan)
	err = errors.Join(err, s.Keep(t.Context(), "secret", []byte(name)), s.WriteFile(PageCertFile, []byte(name)), s.Close())
	if err != nil {
		t.Fatal(err)
	}
	return dir, id.Instance
}

// staged is a staging in dir with everything of another box.
func staged(t *testing.T, dir, other string) *Staging {
	t.Helper()
	g, err := Stage(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close() })
	for _, name := range []string{DatabaseFile, VaultKeyFile, PageCertFile} {
		b, err := os.ReadFile(filepath.Join(other, name))
		if err == nil {
			err = g.Put(name, strings.NewReader(string(b)))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return g
}

// of says whose state a directory has, or fails when it is a mixture.
func of(t *testing.T, dir string) (name, instance string) {
	t.Helper()
	s, err := Open(t.Context(), dir, quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	id, err := s.EnsureIdentity(t.Context(), func() (Plan, error) { return Plan{}, errors.New("there is none") })
	if err != nil {
		t.Fatal(err)
	}
	secret, _, err := s.Kept(t.Context(), "secret") // the vault's key is that of the database
	if err != nil {
		t.Fatal(err)
	}
	cert, _, err := s.ReadFile(PageCertFile)
	if err != nil || string(cert) != string(secret) {
		t.Fatalf("the database is of %q, the certificate of %q (%v)", secret, cert, err)
	}
	return string(secret), id.Instance
}

func TestARestoredStateTakesThePlaceOfTheOldOneWhichIsKept(t *testing.T) {
	dir, old := boxOf(t, "old")
	other, want := boxOf(t, "new")
	for name, content := range map[string]string{"kernel-homeward0.json": "{}", BackupFolder + "/x": "x", "snapshots/schema1-1.db": "x"} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700), os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	g := staged(t, dir, other)
	if _, err := Open(t.Context(), dir, quiet); !errors.Is(err, ErrLocked) {
		t.Errorf("while it is restored: %v", err)
	}
	if err := g.Verify(t.Context(), quiet, anything); err != nil {
		t.Fatal(err)
	}
	aside, err := g.Commit(time.Now())
	if err = errors.Join(err, g.Close()); err != nil {
		t.Fatal(err)
	}
	if name, instance := of(t, dir); name != "new" || instance != want {
		t.Errorf("it is the state of %s, instance %s", name, instance)
	}
	for _, name := range []string{"kernel-homeward0.json", BackupFolder + "/x"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Errorf("what belongs to the box: %v", err)
		}
	}
	if name, instance := of(t, aside); name != "old" || instance != old {
		t.Errorf("aside is the state of %s, instance %s", name, instance)
	}
	if _, err := os.Stat(filepath.Join(dir, "snapshots")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the snapshots of before lie beside the new database: %v", err)
	}
}

func TestAFreshBoxHasNothingToPutAside(t *testing.T) {
	other, want := boxOf(t, "new")
	dir := filepath.Join(t.TempDir(), "state")
	g := staged(t, dir, other)
	aside, err := g.Commit(time.Now())
	if err = errors.Join(err, g.Close()); err != nil {
		t.Fatal(err)
	}
	if _, instance := of(t, dir); instance != want {
		t.Errorf("instance %s", instance)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, asidePrefix+"*")); aside != "" || len(left) > 0 {
		t.Errorf("aside is %q, and there is %q", aside, left)
	}
}

func TestAnOpenStateIsReplacedAtTheNextStart(t *testing.T) {
	dir, old := boxOf(t, "old")
	other, want := boxOf(t, "new")
	s := open(t, dir)
	if _, err := Stage(dir); !errors.Is(err, ErrLocked) {
		t.Errorf("beside the one that runs: %v", err)
	}
	g, err := s.Stage()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{DatabaseFile, VaultKeyFile, PageCertFile} {
		b, err := os.ReadFile(filepath.Join(other, name))
		if err = errors.Join(err, g.Put(name, strings.NewReader(string(b)))); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.Verify(t.Context(), quiet, anything); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Commit(time.Now()); err != nil {
		t.Fatal(err)
	}
	g.Close()
	if id, err := s.EnsureIdentity(t.Context(), somePlan); err != nil || id.Instance != old {
		t.Errorf("until then: %v, %v", id.Instance, err)
	}
	if _, err := s.Stage(); !errors.Is(err, ErrRestorePending) {
		t.Errorf("a second one: %v", err)
	}
	s.Close()
	if _, instance := of(t, dir); instance != want {
		t.Errorf("instance %s", instance)
	}
}

// TestAnInterruptedRestoreLeavesTheOldOrTheNew stops at every single step, and at the
// next start goes on or back.
func TestAnInterruptedRestoreLeavesTheOldOrTheNew(t *testing.T) {
	other, want := boxOf(t, "new")
	dir, old := boxOf(t, "old")
	g := staged(t, dir, other) // stopped before the commit
	if err := errors.Join(g.Verify(t.Context(), quiet, anything), g.root.Close(), g.state.Close()); err != nil {
		t.Fatal(err)
	}
	g.done, g.owned = true, false
	if _, instance := of(t, dir); instance != old {
		t.Errorf("before the commit: instance %s, want the old one", instance)
	}
	if _, err := os.Stat(filepath.Join(dir, stagingFolder)); !errors.Is(err, fs.ErrNotExist) {
		t.Error("what was gathered is left")
	}
	stopped := errors.New("stopped")
	for n, steps := 0, 1; n < steps; n++ {
		dir, _ := boxOf(t, "old")
		g := staged(t, dir, other)
		if err := g.Verify(t.Context(), quiet, anything); err != nil {
			t.Fatal(err)
		}
		g.owned = false // the commit alone
		aside, err := g.Commit(time.Now())
		if err != nil {
			t.Fatal(err)
		}
		var done []string
		err = g.state.adopt(func(what string) error {
			if len(done) == n {
				return stopped
			}
			done = append(done, what)
			return nil
		})
		if err != nil && !errors.Is(err, stopped) {
			t.Fatal(err)
		}
		if errors.Is(err, stopped) {
			steps++
		}
		if err := g.state.Close(); err != nil {
			t.Fatal(err)
		}
		if _, instance := of(t, dir); instance != want {
			t.Fatalf("stopped after %q: instance %s, want the new one", done, instance)
		}
		if name, _ := of(t, aside); name != "old" {
			t.Fatalf("stopped after %q: aside is %s", done, name)
		}
		left, err := fs.Glob(os.DirFS(dir), "restore-*")
		if err != nil || len(left) > 0 {
			t.Errorf("stopped after %q: %q is left", done, left)
		}
	}
}

func TestADatabaseThatIsNotOursIsNotRestored(t *testing.T) {
	newer := func(db *sql.DB) error { _, err := db.Exec("PRAGMA user_version = 1000"); return err }
	exec := func(statement string) func(*sql.DB) error {
		return func(db *sql.DB) error { _, err := db.Exec(statement); return err }
	}
	for name, c := range map[string]struct {
		change func(*sql.DB) error
		want   error
		says   string
	}{
		"newer schema":      {newer, ErrNewerSchema, "install the newer version"},
		"no schema":         {exec("PRAGMA user_version = 0"), ErrCorrupt, "empty"},
		"a trigger":         {exec("CREATE TRIGGER t AFTER INSERT ON peers BEGIN DELETE FROM admins; END"), ErrCorrupt, "trigger t"},
		"a view":            {exec("CREATE VIEW v AS SELECT 1"), ErrCorrupt, "view v"},
		"another table":     {exec("CREATE TABLE x (a)"), ErrCorrupt, "table x"},
		"a column":          {exec("ALTER TABLE peers ADD COLUMN x INTEGER GENERATED ALWAYS AS (1)"), ErrCorrupt, "table peers"},
		"a missing table":   {exec("DROP TABLE vault"), ErrCorrupt, "tables and indexes"},
		"no identity":       {exec("DELETE FROM identity"), ErrCorrupt, "no identity"},
		"a broken identity": {exec("UPDATE identity SET prefix4 = 'x'"), ErrCorrupt, "identity"},
	} {
		t.Run(name, func(t *testing.T) {
			other, _ := boxOf(t, "new")
			s := open(t, other)
			if err := errors.Join(c.change(s.DB()), s.Close()); err != nil {
				t.Fatal(err)
			}
			dir, old := boxOf(t, "old")
			g := staged(t, dir, other)
			if err := g.Verify(t.Context(), quiet, anything); !errors.Is(err, c.want) || !strings.Contains(fmt.Sprint(err), c.says) {
				t.Errorf("error %v, want %v and %q", err, c.want, c.says)
			}
			g.Close()
			if _, instance := of(t, dir); instance != old {
				t.Error("the state is another one")
			}
		})
	}
	t.Run("no database", func(t *testing.T) {
		for about, content := range map[string]string{"empty": "", "text": strings.Repeat("not a database ", 1000)} {
			g, err := Stage(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(g.Put(DatabaseFile, strings.NewReader(content)), g.Put("../x", strings.NewReader("x"))); err == nil {
				t.Error("a path was written")
			}
			if err := g.Verify(t.Context(), quiet, anything); !errors.Is(err, ErrCorrupt) {
				t.Errorf("%s: %v", about, err)
			}
			g.Close()
		}
	})
}

func TestAnOlderDatabaseIsMigratedAndItsLoginsEnd(t *testing.T) {
	steps, err := migrations()
	if err != nil {
		t.Fatal(err)
	}
	loginsEnd(t, steps[:3], "")
	loginsEnd(t, steps, `INSERT INTO admins (id, name, password_hash, created_unix) VALUES (1, 'admin', '', 1);
		INSERT INTO tokens (admin_id, name, name_folded, hash, scopes, created_unix) VALUES (1, 'a', 'a', zeroblob(32), 'admin', 1)`)
}

// loginsEnd stages a database that some steps made, with a login in it and more.
func loginsEnd(t *testing.T, made []string, more string) {
	t.Helper()
	dir := t.TempDir()
	db, err := sql.Open("sqlite", filepath.Join(dir, DatabaseFile))
	if err != nil {
		t.Fatal(err)
	}
	steps, err := migrations()
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range made {
		script, err := migrationFiles.ReadFile(step)
		if _, err2 := db.Exec(string(script)); errors.Join(err, err2) != nil {
			t.Fatal(err, err2)
		}
	}
	if _, err := db.Exec(fmt.Sprintf(`PRAGMA user_version = %d;
		INSERT INTO identity (id, private_key, listen_port, instance, prefix4, prefix6, created_unix) VALUES (1, zeroblob(32), 5, '01234567', '10.6.0.0/24', 'fd00::/64', 1);
		INSERT INTO sessions VALUES ('a', x'00', 99999999999);`, len(made)) + more); err != nil {
		t.Fatal(err)
	}
	db.Close()
	g, err := Stage(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	b, err := os.ReadFile(filepath.Join(dir, DatabaseFile))
	if err = errors.Join(err, g.Put(DatabaseFile, strings.NewReader(string(b)))); err != nil {
		t.Fatal(err)
	}
	if err := g.Verify(t.Context(), quiet, func(ctx context.Context, s *State) error {
		var version, sessions, tokens int
		if err := s.DB().QueryRowContext(ctx, "SELECT (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sessions), (SELECT count(*) FROM tokens)").Scan(&version, &sessions, &tokens); err != nil {
			return err
		}
		if version != len(steps) || sessions != 0 || tokens != 0 {
			t.Errorf("schema %d with %d logins and %d tokens", version, sessions, tokens)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Commit(time.Now()); err != nil {
		t.Error(err)
	}
}

func TestACopyIsOfOneMomentAndLeavesNothingBehind(t *testing.T) {
	dir, instance := boxOf(t, "box")
	s := open(t, dir)
	for range 2 {
		f, err := s.CopyDatabase(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		b, err := io.ReadAll(f)
		if err != nil || !strings.Contains(string(b), instance) {
			t.Errorf("%d bytes, %v", len(b), err)
		}
	}
	all, err := os.ReadDir(dir)
	if err != nil || slices.ContainsFunc(all, func(e os.DirEntry) bool { return e.Name() == copyFile }) {
		t.Errorf("the directory has %v, %v", all, err)
	}
}
