package service

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"homeward/configs"
)

const (
	mark       = `Made by "homeward service install", which replaces it, and removed by "homeward service uninstall".`
	shippedBin = "/usr/bin/homeward"
	sysctlFile = "/etc/sysctl.d/60-homeward.conf"
	// logFile is where the scripts of OpenRC and SysV init have the log written.
	logFile = "/var/log/homeward.log"
	// StateDir is where the service keeps its state.
	StateDir = "/var/lib/homeward"
)

// safePath needs no quoting in any of the files.
var safePath = regexp.MustCompile(`^/[A-Za-z0-9._/+-]+$`)

// Config says what to install and where. Manager and Binary are required.
type Config struct {
	Root    string // of the system; empty means /
	Manager Manager
	Binary  string // absolute path of the program, as the service will find it
	TUN     bool   // with a network interface, which needs CAP_NET_ADMIN
	Update  bool   // have the system look for a release that mends a hole, every night
	DryRun  bool   // say what would be done, and do nothing
}

// Report is what was done, or in a dry run what would be, and what remains to
// be done by hand.
type Report struct {
	Written, Removed, Kept []string // paths below the root
	Commands               []string
}

// file is one file of the service.
type file struct {
	path    string
	mode    fs.FileMode
	content []byte
}

// Install writes the service's files.
func Install(c Config) (Report, error) {
	var r Report
	if !safePath.MatchString(c.Binary) {
		return r, fmt.Errorf("installing the service: the program's path %q must be absolute and have only letters, digits and ._/+-", c.Binary)
	}
	for _, p := range c.Manager.shipped() {
		if exists(c.root(), p) {
			return r, fmt.Errorf("installing the service: %s is there already, from a package: use that one (systemctl enable --now homeward), or remove the package", p)
		}
	}
	files, err := c.files()
	if err != nil {
		return r, err
	}
	for _, f := range files { // all are looked at before one is written
		if theirs, err := foreign(c.at(f.path)); err != nil {
			return r, fmt.Errorf("installing the service: %w", err)
		} else if theirs {
			return r, fmt.Errorf("installing the service: %s is there and was not made by homeward: move it away first", c.at(f.path))
		}
	}
	for _, f := range files {
		if !c.DryRun {
			if err := replace(c.at(f.path), f); err != nil {
				return r, fmt.Errorf("installing the service: %w", err)
			}
		}
		r.Written = append(r.Written, f.path)
	}
	// Before its file goes: what is enabled and not there leaves a link behind.
	looked := c.Manager == Systemd && !c.Update && exists(c.root(), updateTimer)
	var former []string // of an earlier install
	if !c.TUN {
		former = append(former, sysctlFile)
	}
	if !c.Update {
		former = append(former, updatePaths()...)
	}
	for _, p := range former {
		if err := c.remove(&r, p); err != nil {
			return r, err
		}
	}
	r.Commands = c.Manager.afterInstall(c.root(), c.TUN)
	if looked {
		if err := c.removeAll(&r, updateLink, updateStamp); err != nil {
			return r, err
		}
		r.Commands = append([]string{"systemctl stop homeward-update.timer || true"}, r.Commands...)
	}
	if c.Update && c.Manager == Systemd {
		r.Commands = append(r.Commands, "systemctl enable --now homeward-update.timer")
	}
	return r, nil
}

// Stop lists the commands that stop the service before Uninstall.
func Stop(c Config) []string { return c.Manager.beforeUninstall(c.root()) }

// Uninstall removes what Install and the service wrote. The state stays unless purge
// is set.
// The service must not run any more.
func Uninstall(c Config, purge bool) (Report, error) {
	var r Report
	for _, p := range append([]string{c.Manager.unitFile(), sysctlFile}, updatePaths()...) {
		if err := c.remove(&r, p); err != nil {
			return r, err
		}
	}
	written := logFile
	if c.Manager == Systemd {
		written = updateStamp
	}
	if err := c.removeAll(&r, written); err != nil {
		return r, err
	}
	r.Commands = c.Manager.afterUninstall(c.root())
	if !purge {
		if exists(c.root(), StateDir) {
			r.Kept = append(r.Kept, StateDir)
		}
		return r, nil
	}
	return r, c.removeAll(&r, StateDir, "/var/lib/private/homeward") // the second is where systemd keeps it
}

// removeAll removes what the service itself wrote, whatever is in it.
func (c Config) removeAll(r *Report, paths ...string) error {
	for _, p := range paths {
		if _, err := os.Lstat(c.at(p)); err != nil {
			continue
		}
		if !c.DryRun {
			if err := os.RemoveAll(c.at(p)); err != nil {
				return fmt.Errorf("removing what the service wrote: %w", err)
			}
		}
		r.Removed = append(r.Removed, p)
	}
	return nil
}

// Installed says which of the files that Install writes are there.
func Installed(c Config) ([]string, error) {
	var list []string
	for _, p := range append([]string{c.Manager.unitFile(), sysctlFile}, updatePaths()...) {
		theirs, err := foreign(c.at(p))
		if err != nil {
			return nil, err
		}
		if exists(c.root(), p) && !theirs {
			list = append(list, p)
		}
	}
	return list, nil
}

func (c Config) root() string {
	if c.Root == "" {
		return "/"
	}
	return c.Root
}

func (c Config) at(path string) string { return filepath.Join(c.root(), path) }

// files renders what Install writes.
func (c Config) files() ([]file, error) {
	name, mode := string(c.Manager)+"/homeward", fs.FileMode(0o755)
	if c.Manager == Systemd {
		name, mode = "systemd/homeward.service", 0o644
	}
	switch {
	case c.TUN && c.Manager == Systemd:
		name = "systemd/homeward-tun.service"
	case c.TUN:
		return nil, errors.New("installing the service: with a network interface it is for systemd only: leave --plane tun away, or run \"homeward serve\" as root by other means")
	}
	unit, err := configs.Units.ReadFile(name)
	if err != nil {
		return nil, err
	}
	list := []file{{c.Manager.unitFile(), mode, marked(bytes.ReplaceAll(unit, []byte(shippedBin), []byte(c.Binary)))}}
	if c.TUN {
		conf, err := configs.Units.ReadFile("systemd/60-homeward.conf")
		if err != nil {
			return nil, err
		}
		conf = append(conf, acceptRA(filepath.Join(c.root(), "proc/sys"))...)
		list = append(list, file{sysctlFile, 0o644, marked(conf)})
	}
	if c.Update {
		more, err := c.updateFiles()
		if err != nil {
			return nil, err
		}
		list = append(list, more...)
	}
	return list, nil
}

// acceptRA has a line for each interface that now listens to the router's
// announcements and would stop to when forwarding is switched on.
func acceptRA(sys string) []byte {
	var b bytes.Buffer
	found, _ := filepath.Glob(filepath.Join(sys, "net/ipv6/conf/*/accept_ra"))
	slices.Sort(found)
	for _, f := range found {
		name := filepath.Base(filepath.Dir(f))
		v, err := os.ReadFile(f)
		if name == "all" || name == "default" || name == "lo" || err != nil || strings.TrimSpace(string(v)) != "1" {
			continue
		}
		// A slash for the dots in between: names of interfaces may have dots.
		fmt.Fprintf(&b, "-net/ipv6/conf/%s/accept_ra = 2\n", name)
	}
	return b.Bytes()
}

// marked puts the mark into the file's first comment.
func marked(content []byte) []byte {
	line := []byte("# " + mark + "\n")
	if bytes.HasPrefix(content, []byte("#!")) {
		first, rest, _ := bytes.Cut(content, []byte("\n"))
		return slices.Concat(first, []byte("\n"), line, rest)
	}
	return append(line, content...)
}

// foreign says whether path is there and not ours.
func foreign(path string) (bool, error) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if !info.Mode().IsRegular() {
		return true, nil
	}
	b, err := os.ReadFile(path)
	return !bytes.Contains(b, []byte(mark)), err
}

// remove removes path if it is ours.
func (c Config) remove(r *Report, path string) error {
	if !exists(c.root(), path) {
		return nil
	}
	theirs, err := foreign(c.at(path))
	if err != nil {
		return fmt.Errorf("removing the service: %w", err)
	}
	if theirs {
		r.Kept = append(r.Kept, path)
		return nil
	}
	if !c.DryRun {
		if err := os.Remove(c.at(path)); err != nil {
			return fmt.Errorf("removing the service: %w", err)
		}
	}
	r.Removed = append(r.Removed, path)
	return nil
}

// replace writes f whole or not at all.
func replace(at string, f file) error {
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(at), ".homeward-*")
	if err != nil {
		return err
	}
	_, err = temporary.Write(f.content)
	err = errors.Join(err, temporary.Chmod(f.mode), temporary.Sync(), temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), at)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temporary.Name()))
	}
	return nil
}
