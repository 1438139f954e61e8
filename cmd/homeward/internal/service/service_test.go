package service

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// newRoot is a system with files in it.
func newRoot(t *testing.T, files ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, f := range files {
		put(t, filepath.Join(root, f), "")
	}
	return root
}

func put(t *testing.T, path, content string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// tree lists all files below root with their content.
func tree(t *testing.T, root string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		all[strings.TrimPrefix(path, root)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestTheManagerIsFound(t *testing.T) {
	for _, c := range []struct {
		name  string
		signs []string
		want  Manager
	}{
		{"Debian", []string{"run/systemd/system/x", "etc/init.d/rcS", "etc/rc2.d/x"}, Systemd},
		{"Alpine", []string{"run/openrc/softlevel", "sbin/openrc-run", "etc/init.d/x"}, OpenRC},
		{"Debian's root of a card", []string{"usr/lib/systemd/systemd", "etc/rc2.d/x"}, Systemd},
		{"Devuan", []string{"etc/init.d/rcS", "etc/rc2.d/x"}, SysV},
		{"Gentoo with both", []string{"run/openrc/softlevel", "lib/systemd/systemd"}, OpenRC},
	} {
		if got, err := Detect(newRoot(t, c.signs...)); got != c.want || err != nil {
			t.Errorf("%s: %q, %v, want %q", c.name, got, err, c.want)
		}
	}
	if _, err := Detect(newRoot(t, "etc/passwd")); !errors.Is(err, ErrNoManager) {
		t.Errorf("a system without any: %v", err)
	}
}

func TestInstallIsUndoneByUninstall(t *testing.T) {
	for _, c := range []struct {
		manager Manager
		tun     bool
		update  bool
		files   []string
	}{
		{Systemd, false, true, []string{"/etc/systemd/system/homeward.service", "/etc/systemd/system/homeward-update.service", "/etc/systemd/system/homeward-update.timer"}},
		{OpenRC, false, true, []string{"/etc/init.d/homeward", "/etc/periodic/daily/homeward-update"}},
		{Systemd, false, false, []string{"/etc/systemd/system/homeward.service"}},
		{Systemd, true, false, []string{"/etc/systemd/system/homeward.service", "/etc/sysctl.d/60-homeward.conf"}},
		{OpenRC, false, false, []string{"/etc/init.d/homeward"}},
		{SysV, false, false, []string{"/etc/init.d/homeward"}},
	} {
		root := newRoot(t, "etc/passwd", "etc/hosts", "etc/periodic/daily/other")
		before := tree(t, root)
		cfg := Config{Root: root, Manager: c.manager, Binary: "/usr/local/bin/homeward", TUN: c.tun, Update: c.update}
		dry := cfg
		dry.DryRun = true
		if r, err := Install(dry); err != nil || !slices.Equal(r.Written, c.files) || len(tree(t, root)) != len(before) {
			t.Errorf("%s: a dry run wrote %v, %v", c.manager, r.Written, err)
		}
		for range 2 { // the second is an upgrade
			r, err := Install(cfg)
			if err != nil || !slices.Equal(r.Written, c.files) || len(r.Commands) == 0 {
				t.Fatalf("%s: %+v, %v", c.manager, r, err)
			}
		}
		for _, f := range c.files {
			content := tree(t, root)[f]
			if strings.Contains(content, "/usr/bin/homeward") || strings.HasSuffix(f, "homeward") && !strings.HasPrefix(content, "#!") {
				t.Errorf("%s: %s is\n%s", c.manager, f, content)
			}
		}
		if got, err := Installed(cfg); err != nil || !slices.Equal(got, c.files) {
			t.Errorf("%s: installed are %v, %v", c.manager, got, err)
		}
		if r, err := Uninstall(cfg, false); err != nil || !slices.Equal(r.Removed, c.files) {
			t.Errorf("%s: removed %v, %v", c.manager, r.Removed, err)
		}
		if after := tree(t, root); len(after) != len(before) {
			t.Errorf("%s: left are %v", c.manager, after)
		}
	}
}

func TestTheRootlessUnitTakesAwayWhatTheOtherNeeded(t *testing.T) {
	root := newRoot(t)
	cfg := Config{Root: root, Manager: Systemd, Binary: "/usr/local/bin/homeward", TUN: true}
	if _, err := Install(cfg); err != nil {
		t.Fatal(err)
	}
	cfg.TUN = false
	if r, err := Install(cfg); err != nil || !slices.Equal(r.Removed, []string{sysctlFile}) {
		t.Errorf("removed %v, %v", r.Removed, err)
	}
}

func TestUpdatingByItselfIsSwitchedOffAgain(t *testing.T) {
	root := newRoot(t)
	cfg := Config{Root: root, Manager: Systemd, Binary: "/usr/local/bin/homeward", Update: true}
	if on, err := Updates(cfg); on || err != nil {
		t.Errorf("before: %v, %v", on, err)
	}
	r, err := Install(cfg)
	if err != nil || !slices.Contains(r.Commands, "systemctl enable --now homeward-update.timer") {
		t.Errorf("%+v, %v", r, err)
	}
	if on, err := Updates(cfg); !on || err != nil {
		t.Errorf("installed: %v, %v", on, err)
	}
	if stop := Stop(cfg); !slices.Equal(stop, []string{"systemctl disable --now homeward-update.timer homeward"}) {
		t.Errorf("both are stopped by %q", stop)
	}
	for _, made := range []string{updateLink, updateStamp} { // by systemd
		put(t, filepath.Join(root, made), "")
	}
	cfg.Update = false
	if r, err := Install(cfg); err != nil || !slices.Equal(r.Removed, []string{updateService, updateTimer, updateLink, updateStamp}) || !strings.HasPrefix(r.Commands[0], "systemctl stop homeward-update.timer") {
		t.Errorf("removed %v, to be run %q, %v", r.Removed, r.Commands, err)
	}
	if r, err := Install(cfg); err != nil || slices.ContainsFunc(r.Commands, func(c string) bool { return strings.Contains(c, "timer") }) {
		t.Errorf("without any: to be run %q, %v", r.Commands, err)
	}
	if stop := Stop(cfg); !slices.Equal(stop, []string{"systemctl disable --now homeward"}) {
		t.Errorf("the service alone is stopped by %q", stop)
	}
	cfg = Config{Root: root, Manager: SysV, Binary: "/usr/local/bin/homeward", Update: true}
	if _, err := Install(cfg); !errors.Is(err, ErrNoDaily) {
		t.Errorf("where nothing runs every day: %v", err)
	}
	if _, err := os.Stat(filepath.Join(root, "etc/init.d/homeward")); err == nil {
		t.Error("half of the service was installed")
	}
}

func TestSomebodyElsesFilesAreNotTouched(t *testing.T) {
	root := newRoot(t)
	theirs := filepath.Join(root, "etc/systemd/system/homeward.service")
	put(t, theirs, "mine\n")
	put(t, filepath.Join(root, sysctlFile), "mine\n")
	cfg := Config{Root: root, Manager: Systemd, Binary: "/usr/local/bin/homeward"}
	if _, err := Install(cfg); err == nil || !strings.Contains(err.Error(), theirs) {
		t.Errorf("install: %v", err)
	}
	r, err := Uninstall(cfg, true)
	if err != nil || len(r.Removed) > 0 || len(r.Kept) != 2 {
		t.Errorf("uninstall: %+v, %v", r, err)
	}
	for path, content := range tree(t, root) {
		if content != "mine\n" {
			t.Errorf("%s is %q", path, content)
		}
	}
	packaged := newRoot(t, "usr/lib/systemd/system/homeward.service")
	cfg.Root = packaged
	if _, err := Install(cfg); err == nil || !strings.Contains(err.Error(), "package") {
		t.Errorf("beside a package: %v", err)
	}
}

func TestALinkInThePlaceOfAUnitIsNotFollowed(t *testing.T) {
	root := newRoot(t, "etc/systemd/system/x", "etc/shadow")
	if err := os.Symlink(filepath.Join(root, "etc/shadow"), filepath.Join(root, "etc/systemd/system/homeward.service")); err != nil {
		t.Fatal(err)
	}
	if _, err := Install(Config{Root: root, Manager: Systemd, Binary: "/usr/bin/homeward"}); err == nil {
		t.Error("it was installed")
	}
	if tree(t, root)["/etc/shadow"] != "" {
		t.Error("the link was followed")
	}
}

func TestTheStateStaysUnlessItIsPurged(t *testing.T) {
	root := newRoot(t, "var/lib/homeward/homeward.db")
	cfg := Config{Root: root, Manager: OpenRC, Binary: "/usr/bin/homeward"}
	if r, err := Uninstall(cfg, false); err != nil || !slices.Equal(r.Kept, []string{StateDir}) || !exists(root, StateDir) {
		t.Errorf("%+v, %v", r, err)
	}
	cfg.DryRun = true
	if r, err := Uninstall(cfg, true); err != nil || !slices.Equal(r.Removed, []string{StateDir}) || !exists(root, StateDir) {
		t.Errorf("dry: %+v, %v", r, err)
	}
	cfg.DryRun = false
	if _, err := Uninstall(cfg, true); err != nil || exists(root, StateDir) {
		t.Errorf("%v, or it is still there", err)
	}
}

func TestTheLogOfTheScriptsGoesWithThem(t *testing.T) {
	for manager, goes := range map[Manager]bool{OpenRC: true, SysV: true, Systemd: false} {
		root := newRoot(t, logFile)
		r, err := Uninstall(Config{Root: root, Manager: manager, Binary: "/usr/bin/homeward"}, false)
		if err != nil || slices.Contains(r.Removed, logFile) != goes || exists(root, logFile) == goes {
			t.Errorf("%s: %+v, %v", manager, r, err)
		}
	}
}

func TestAProgramsPathCannotWriteIntoTheUnit(t *testing.T) {
	for _, p := range []string{"homeward", "/opt/a b/homeward", "/x\nExecStartPre=/bin/sh", "/x;reboot", "/%n", ""} {
		if _, err := Install(Config{Root: t.TempDir(), Manager: Systemd, Binary: p}); err == nil {
			t.Errorf("%q was accepted", p)
		}
	}
}

func TestInterfacesThatListenToTheRouterGoOnListening(t *testing.T) {
	root := newRoot(t)
	for name, v := range map[string]string{"eth0": "1", "wlan0.5": "1", "br0": "0", "all": "1", "lo": "1"} {
		put(t, filepath.Join(root, "proc/sys/net/ipv6/conf", name, "accept_ra"), v+"\n")
	}
	want := "-net/ipv6/conf/eth0/accept_ra = 2\n-net/ipv6/conf/wlan0.5/accept_ra = 2\n"
	if got := string(acceptRA(filepath.Join(root, "proc/sys"))); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// exposure is what systemd itself says of a unit, from 0 (none) to 10.
func exposure(t *testing.T, unit string) float64 {
	t.Helper()
	out, err := exec.Command("systemd-analyze", "security", "--offline=yes", "--no-pager", unit).CombinedOutput()
	_, after, ok := strings.Cut(string(out), "Overall exposure level for ")
	fields := strings.Fields(after)
	if !ok || len(fields) < 2 {
		t.Fatalf("%v: %s", err, out)
	}
	v, err := strconv.ParseFloat(fields[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestSystemdFindsTheUnitsTight(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		if os.Getenv("HOMEWARD_TEST_UNIT") != "" {
			t.Skip("systemd-analyze is missing: the full run has it")
		}
		t.Fatal(err)
	}
	root := t.TempDir()
	for tun, goal := range map[bool]float64{false: 1.3, true: 2.0} {
		if _, err := Install(Config{Root: root, Manager: Systemd, Binary: "/bin/true", TUN: tun}); err != nil {
			t.Fatal(err)
		}
		unit := filepath.Join(root, "etc/systemd/system/homeward.service")
		if got := exposure(t, unit); got > goal {
			t.Errorf("tun %v: exposure %.1f, want at most %.1f", tun, got, goal)
		}
		if tun {
			continue
		}
		// The measure measures.
		b, err := os.ReadFile(unit)
		if err != nil {
			t.Fatal(err)
		}
		put(t, unit, strings.Replace(string(b), "\nCapabilityBoundingSet=\n", "\n", 1))
		if got := exposure(t, unit); got <= goal {
			t.Errorf("exposure with all capabilities is still %.1f", got)
		}
		if err := os.Remove(unit); err != nil {
			t.Fatal(err)
		}
	}
	// Every line is one that systemd knows.
	if _, err := Install(Config{Root: root, Manager: Systemd, Binary: "/bin/true", Update: true}); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(root, "etc/systemd/system")
	out, _ := exec.Command("systemd-analyze", "verify", "--man=no", filepath.Join(folder, "homeward.service"),
		filepath.Join(folder, "homeward-update.service"), filepath.Join(folder, "homeward-update.timer")).CombinedOutput()
	if strings.Contains(string(out), "homeward") {
		t.Errorf("systemd-analyze verify says:\n%s", out)
	}
}
