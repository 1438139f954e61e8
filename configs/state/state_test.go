package state

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var quiet = slog.New(slog.DiscardHandler)

func open(t *testing.T, dir string) *State {
	t.Helper()
	s, err := Open(t.Context(), dir, quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func somePlan() (Plan, error) { return ChooseAddressPlan(nil, rand.Reader) }

func TestFirstStartMakesAPrivateDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "state")
	s := open(t, dir)
	if _, err := s.EnsureIdentity(t.Context(), somePlan); err != nil {
		t.Fatal(err)
	}
	if err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v, want nothing for others", path, info.Mode())
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestAnOpenDirectoryIsMadePrivate(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode = %v, %v", info.Mode(), err)
	}
}

func TestIdentityIsMadeOnce(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	first, err := s.EnsureIdentity(t.Context(), somePlan)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := open(t, dir).EnsureIdentity(t.Context(), func() (Plan, error) { return Plan{}, errors.New("asked again") })
	if err != nil || again != first {
		t.Errorf("second start: %v, %v; want the identity of the first", again, err)
	}
	if first.ListenPort < minPort || first.ListenPort > maxPort || len(first.Instance) != 8 {
		t.Errorf("port %d, instance %q", first.ListenPort, first.Instance)
	}
}

func TestSecondProcessIsRefusedByName(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	_, err := Open(t.Context(), dir, quiet)
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "--state") {
		t.Errorf("error = %v, want ErrLocked with the directory and what to do", err)
	}
}

func TestUnwritableDirectoryIsNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), filepath.Join(file, "state"), quiet)
	if err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "--state") {
		t.Errorf("error = %v, want one that names %s and what to do", err, file)
	}
}

func TestALostDatabaseIsNoFreshStart(t *testing.T) {
	for name, lose := range map[string]func(string) error{
		"removed": os.Remove,
		"emptied": func(f string) error { return os.Truncate(f, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			open(t, dir).Close()
			os.Remove(filepath.Join(dir, databaseFile+"-wal"))
			if err := lose(filepath.Join(dir, databaseFile)); err != nil {
				t.Fatal(err)
			}
			if _, err := Open(t.Context(), dir, quiet); !errors.Is(err, ErrLost) {
				t.Errorf("error = %v, want ErrLost", err)
			}
		})
	}
}

func TestADamagedDatabaseIsRefused(t *testing.T) {
	dir := t.TempDir()
	open(t, dir).Close()
	if err := os.WriteFile(filepath.Join(dir, databaseFile), bytes.Repeat([]byte("junk"), 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), dir, quiet); !errors.Is(err, ErrCorrupt) {
		t.Errorf("error = %v, want ErrCorrupt", err)
	}
}

func TestANewerSchemaIsRefusedUntouched(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if _, err := s.DB().Exec("PRAGMA user_version = 999"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(filepath.Join(dir, databaseFile))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), dir, quiet); !errors.Is(err, ErrNewerSchema) {
		t.Errorf("error = %v, want ErrNewerSchema", err)
	}
	after, err := os.ReadFile(filepath.Join(dir, databaseFile))
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the database was changed (%v)", err)
	}
}

func TestSnapshotsAreKeptAndBounded(t *testing.T) {
	s := open(t, t.TempDir())
	for range keepSnapshots + 3 {
		if err := s.snapshot(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
	}
	files, err := os.ReadDir(s.Path("snapshots"))
	if err != nil || len(files) == 0 || len(files) > keepSnapshots {
		t.Errorf("%d snapshots (%v), want at most %d", len(files), err, keepSnapshots)
	}
}

func TestThePlanStaysOnceADeviceHasIt(t *testing.T) {
	s := open(t, t.TempDir())
	if _, err := s.EnsureIdentity(t.Context(), somePlan); err != nil {
		t.Fatal(err)
	}
	next, err := somePlan()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetPlan(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	if id, err := s.identity(t.Context()); err != nil || id.Plan != next {
		t.Errorf("plan = %v, %v; want %v", id.Plan, err, next)
	}
	if _, err := s.DB().Exec(`INSERT INTO peers (name, name_folded, profile, public_key, preshared_key, keepalive_seconds, enabled, created_unix, version)
		VALUES ('p', 'p', 'home', randomblob(32), randomblob(32), 25, 1, 0, 1)`); err != nil {
		t.Fatal(err)
	}
	if err := s.SetPlan(t.Context(), next); !errors.Is(err, ErrPeersExist) {
		t.Errorf("error = %v, want ErrPeersExist", err)
	}
}

func TestChosenPlansKeepClearOfEverythingTaken(t *testing.T) {
	taken := []netip.Prefix{netip.MustParsePrefix("10.64.0.0/10"), netip.MustParsePrefix("192.168.1.0/24"), netip.MustParsePrefix("fd00::/9")}
	for range 500 {
		p, err := ChooseAddressPlan(taken, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if mine, theirs, clash := p.Conflict(slices.Concat(taken, common)); clash {
			t.Fatalf("%v overlaps %v", mine, theirs)
		}
		own := p.Own()
		if p.V4.Bits() != 24 || p.V6.Bits() != 64 || !p.V4.Contains(own[0].Addr()) || !p.V6.Contains(own[1].Addr()) || own[0].Addr() == p.V4.Addr() {
			t.Fatalf("plan %v has own addresses %v", p, own)
		}
	}
}

func TestNoFreeNetworkIsSaid(t *testing.T) {
	if _, err := ChooseAddressPlan([]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, rand.Reader); err == nil {
		t.Error("a plan although everything is taken")
	}
}

func TestWriteFileReplacesWhole(t *testing.T) {
	s := open(t, t.TempDir())
	for _, content := range []string{"a long first content", "short"} {
		if err := s.WriteFile("f", []byte(content)); err != nil {
			t.Fatal(err)
		}
		got, ok, err := s.ReadFile("f")
		if err != nil || !ok || string(got) != content {
			t.Errorf("read %q, %v, %v; want %q", got, ok, err, content)
		}
	}
	if _, ok, err := s.ReadFile("absent"); ok || err != nil {
		t.Errorf("absent file: %v, %v", ok, err)
	}
}

func TestACancelledStartLeavesADirectoryThatOpens(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if s, err := Open(ctx, dir, quiet); err == nil {
		s.Close()
		t.Fatal("opened with a cancelled context")
	}
	open(t, dir)
}

// Imported servers have networks of other sizes, and so must have what follows.
func TestAnotherPlanIsAsLargeAsTheFirst(t *testing.T) {
	for _, bits := range [][2]int{{22, 64}, {26, 112}, {16, 48}} {
		p := Plan{V4: netip.PrefixFrom(netip.MustParseAddr("10.77.4.0"), bits[0]).Masked(), V6: netip.PrefixFrom(netip.MustParseAddr("fd12:3456:789a::"), bits[1])}
		for range 50 {
			next, err := p.Another([]netip.Prefix{p.V6}, rand.Reader)
			if err != nil || next.V4.Bits() != bits[0] || next.V6.Bits() != bits[1] || next.V4 != next.V4.Masked() || next.V6 != next.V6.Masked() || next.V4.Overlaps(p.V4) || next.V6.Overlaps(p.V6) {
				t.Fatalf("/%d and /%d: %+v, %v", bits[0], bits[1], next, err)
			}
		}
	}
	if _, err := (Plan{V4: netip.MustParsePrefix("10.0.0.0/8"), V6: netip.MustParsePrefix("fd00::/64")}).Another(nil, rand.Reader); err == nil || !strings.Contains(err.Error(), "/8") {
		t.Errorf("all of 10.0.0.0/8: %v", err)
	}
}

func TestAnotherPlanKeepsTheNetworkThatIsFree(t *testing.T) {
	p := Plan{V4: netip.MustParsePrefix("10.77.3.0/24"), V6: netip.MustParsePrefix("fd12:3456:789a:4d::/64")}
	taken := []netip.Prefix{netip.MustParsePrefix("10.128.0.0/9"), netip.MustParsePrefix("10.0.0.0/10"), netip.MustParsePrefix("10.96.0.0/11")}
	for range 200 {
		next, err := p.Another(taken, rand.Reader)
		if err != nil || next.V4.Overlaps(p.V4) || next.V6 != p.V6 || next.V4.Bits() != 24 {
			t.Fatalf("%v, %v", next, err)
		}
		if _, _, clash := (Plan{V4: next.V4, V6: next.V6}).Conflict(taken); clash {
			t.Fatalf("%v is taken", next)
		}
	}
	next, err := p.Another([]netip.Prefix{netip.MustParsePrefix("fd12:3456:789a::/48")}, rand.Reader)
	if err != nil || next.V6 == p.V6 {
		t.Errorf("%v, %v", next, err)
	}
	// Drawn first, the old network is not taken again.
	next, err = p.Another(nil, bytes.NewReader([]byte{77, 3, 1, 1, 1, 1, 1, 77, 4, 1, 1, 1, 1, 1}))
	if want := netip.MustParsePrefix("10.77.4.0/24"); err != nil || next.V4 != want {
		t.Errorf("%v, %v, want %v", next.V4, err, want)
	}
}
