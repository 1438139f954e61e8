//go:build linux

package labnet

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// T is what a lab needs of a test: testing.T and testing.B are such.
type T interface {
	Helper()
	Cleanup(func())
	Failed() bool
	Log(args ...any)
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Skip(args ...any)
	Skipf(format string, args ...any)
}

// Builder makes hosts and joins them.
type Builder struct {
	t T

	// ID is unique among the labs of this machine, and short enough to be the
	// name of a network device. The hosts' names begin with it.
	ID string
	// Dir is a folder for the lab's files. It goes with the lab.
	Dir string
	// watchdog is the process that removes the lab.
	watchdog int
}

// Bare starts an empty lab that is gone when the test ends. It skips the test
// when it must run without root.
func Bare(t T) *Builder {
	t.Helper()
	if os.Getenv("HOMEWARD_TEST_UNIT") != "" {
		t.Skip("needs network namespaces, which 'scripts/test unit' leaves out")
	}
	if os.Getuid() != 0 {
		t.Skip("needs root for network namespaces: run scripts/test as root")
	}
	NeedPrograms(t, "ip:iproute2")
	removeStale(t)
	b := &Builder{t: t}
	b.own()
	return b
}

// NeedPrograms skips the test when a program is missing. Each is named with
// the Debian package that has it: "nft:nftables".
func NeedPrograms(t T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		name, pkg, _ := strings.Cut(p, ":")
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("needs the program %s: install the Debian package %s, or run scripts/test as root", name, pkg)
		}
	}
}

// NewHost makes a host without any cable. It looks names up nowhere until
// [Host.SetResolver] says where.
func (b *Builder) NewHost(name string) *Host {
	b.t.Helper()
	h := &Host{t: b.t, Name: b.ID + "-" + name, dir: b.Dir}
	if err := os.MkdirAll(h.etc(), 0o755); err != nil {
		b.t.Fatal(err)
	}
	h.SetResolver()
	h.SetHosts()
	b.ip("netns", "add", h.Name)
	// Addresses that link-local ones wait for could not be used for a second.
	h.Sysctl("net.ipv6.conf.default.accept_dad", "0")
	b.ip("-n", h.Name, "link", "set", "lo", "up")
	return h
}

// Veth joins two hosts by a cable and gives its ends addresses with prefix
// lengths.
func (b *Builder) Veth(a *Host, aDev string, aAddrs []string, z *Host, zDev string, zAddrs []string) {
	b.t.Helper()
	b.ip("link", "add", aDev, "netns", a.Name, "type", "veth", "peer", "name", zDev, "netns", z.Name)
	a.Address(aDev, aAddrs...)
	z.Address(zDev, zAddrs...)
	b.ip("-n", a.Name, "link", "set", aDev, "up")
	b.ip("-n", z.Name, "link", "set", zDev, "up")
}

// Bridge makes a switch on a host out of those devices.
func (b *Builder) Bridge(h *Host, name string, addrs []string, members ...string) {
	b.t.Helper()
	b.ip("-n", h.Name, "link", "add", name, "type", "bridge", "mcast_snooping", "0")
	for _, m := range members {
		b.ip("-n", h.Name, "link", "set", m, "master", name)
	}
	h.Address(name, addrs...)
	b.ip("-n", h.Name, "link", "set", name, "up")
}

// write makes a file of the lab and returns its path.
func (b *Builder) write(name, text string) string {
	b.t.Helper()
	path := filepath.Join(b.Dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		b.t.Fatal(err)
	}
	return path
}

func (b *Builder) ip(args ...string) {
	b.t.Helper()
	ip(b.t, args...)
}

// ip runs the program of that name.
func ip(t T, args ...string) {
	t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		t.Fatal(fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, out))
	}
}
