//go:build linux && amd64

package boots

import (
	"bufio"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"homeward/scripts/initramfs"
)

// agentPath is where the agent lies in a machine, and agentLine the serial line to it.
const (
	agentPath = "/usr/sbin/boots-agent"
	agentLine = "/dev/ttyS1"
)

// begin is the first program. It mounts what Debian's own initramfs mounts, makes the
// list of modules, since those are not all that the package has, and lets init begin.
const begin = `#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs -o mode=755 devtmpfs /dev
mount -t tmpfs -o mode=755 tmpfs /run
depmod 2>/dev/null
exec /sbin/init <>/dev/console >&0 2>&1
`

// write writes a machine's root file system.
func write(path string, c Config) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriterSize(f, 1<<20)
	a := initramfs.New(w)
	if err := a.Tree(c.System); err != nil {
		return err
	}
	for _, name := range []string{"dev", "proc", "sys", "run", "tmp", "root", "var/lib/dpkg", "var/lib/dpkg/info", "var/lib/dpkg/updates", "usr/local/bin"} {
		a.Folder(name, 0o755)
	}
	a.Device("dev/console", 5, 1)
	if err := addModules(a, c.Kernel); err != nil {
		return err
	}
	agent, err := os.ReadFile(c.Agent)
	if err != nil {
		return err
	}
	users, err := os.ReadFile(filepath.Join(c.System, "usr/share/base-passwd/passwd.master"))
	if err != nil {
		return err
	}
	groups, err := os.ReadFile(filepath.Join(c.System, "usr/share/base-passwd/group.master"))
	if err != nil {
		return err
	}
	// What the packages' scripts make when they are installed.
	files := append([]File{
		{Path: "/init", Mode: 0o755, Content: []byte(begin)},
		{Path: agentPath, Mode: 0o755, Content: agent},
		{Path: "/etc/passwd", Mode: 0o644, Content: users},
		{Path: "/etc/group", Mode: 0o644, Content: groups},
		{Path: "/etc/hostname", Mode: 0o644, Content: []byte("box\n")},
		{Path: "/etc/hosts", Mode: 0o644, Content: []byte("127.0.0.1 localhost box\n")},
		{Path: "/etc/fstab", Mode: 0o644},
		{Path: "/var/run", Link: "/run"},
		{Path: "/var/lock", Link: "/run/lock"},
		{Path: "/usr/bin/awk", Link: "mawk"},
		{Path: "/etc/pam.d/common-auth", Mode: 0o644, Content: []byte("auth required pam_unix.so\n")},
		{Path: "/etc/pam.d/common-account", Mode: 0o644, Content: []byte("account required pam_unix.so\n")},
		{Path: "/etc/pam.d/common-password", Mode: 0o644, Content: []byte("password required pam_unix.so\n")},
		{Path: "/etc/pam.d/common-session", Mode: 0o644, Content: []byte("session required pam_unix.so\n")},
		{Path: "/etc/shadow", Mode: 0o640},
		{Path: "/var/lib/dpkg/status", Mode: 0o644},
		{Path: "/var/lib/dpkg/available", Mode: 0o644},
	}, c.Files...)
	made := map[string]bool{}
	for _, file := range files {
		add(a, made, file)
	}
	if err := a.End(); err != nil {
		return err
	}
	return w.Flush()
}

// add adds a file and the folders that it is in.
func add(a *initramfs.Archive, made map[string]bool, f File) {
	name := strings.TrimPrefix(f.Path, "/")
	parts := strings.Split(filepath.Dir(name), "/")
	for i := range parts {
		if dir := strings.Join(parts[:i+1], "/"); dir != "." && !made[dir] {
			a.Folder(dir, 0o755)
			made[dir] = true
		}
	}
	if f.Link != "" {
		a.Symlink(name, f.Link)
	} else {
		a.File(name, f.Mode, f.Content)
	}
}

// addModules adds what udev loads for the network card, what the kernel loads for who
// opens /dev/net/tun, and all that belongs to nftables.
func addModules(a *initramfs.Archive, kernel string) error {
	wanted := []string{"e1000", "tun", "crc32c_generic"} // nftables asks for the last one by what it does
	tables, err := filepath.Glob(filepath.Join(kernel, "lib/modules/*/kernel/net/netfilter/nft_*.ko"))
	if err != nil {
		return err
	}
	for _, path := range tables {
		wanted = append(wanted, strings.TrimSuffix(filepath.Base(path), ".ko"))
	}
	files, err := initramfs.Modules(filepath.Join(kernel, "lib/modules"), wanted...)
	if err != nil {
		return err
	}
	made := map[string]bool{}
	for _, path := range files {
		name, err := filepath.Rel(kernel, path)
		if err != nil {
			return err
		}
		module, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		// "lib" is a link to "usr/lib" in the system.
		add(a, made, File{Path: "/usr/" + name, Mode: 0o644, Content: module})
	}
	return nil
}
