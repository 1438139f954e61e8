package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// sysctls is a tree of kernel settings, /proc/sys outside of tests. Keys are
// paths in it, because names of interfaces may contain dots.
type sysctls string

const procSys sysctls = "/proc/sys"

const (
	forward4 = "net/ipv4/ip_forward"
	forward6 = "net/ipv6/conf/all/forwarding"
)

func (s sysctls) path(key string) string { return filepath.Join(string(s), key) }

func (s sysctls) read(key string) (string, error) {
	b, err := os.ReadFile(s.path(key))
	return strings.TrimSpace(string(b)), err
}

// write sets a key. The error says what a person can do about it.
func (s sysctls) write(key, value string) error {
	err := os.WriteFile(s.path(key), []byte(value), 0)
	if err == nil {
		return nil
	}
	name := strings.ReplaceAll(key, "/", ".")
	if errors.Is(err, syscall.EROFS) || errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("setting %s=%s: %w: set it on the host or start the container with --sysctl %s=%s, or use the netstack plane", name, value, err, name, value)
	}
	return fmt.Errorf("setting %s=%s: %w", name, value, err)
}

// writable says whether write would be allowed to, and changes nothing.
func (s sysctls) writable(key string) bool {
	f, err := os.OpenFile(s.path(key), os.O_WRONLY, 0)
	if err != nil {
		return false
	}
	f.Close()
	return true
}

// hasIPv6 says whether the kernel has IPv6 at all.
func (s sysctls) hasIPv6() bool {
	_, err := os.Stat(s.path("net/ipv6"))
	return err == nil
}

// bootID tells one boot from another: sysctls do not survive it.
func (s sysctls) bootID() string {
	id, err := s.read("kernel/random/boot_id")
	if err != nil {
		return "" // a kernel without it: every boot looks the same
	}
	return id
}

// interfaces lists those with settings below net/<family>/conf.
func (s sysctls) interfaces(family string) []string {
	entries, err := os.ReadDir(s.path("net/" + family + "/conf"))
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		if n := e.Name(); n != "all" {
			names = append(names, n)
		}
	}
	return names
}

// plan says what has to be changed so that the host forwards, in this order,
// for the tunnel interface own. It changes nothing.
func (s sysctls) plan(own string) (journal, error) {
	j := journal{Version: journalVersion, Boot: s.bootID()}
	on, err := s.read(forward4)
	if err != nil {
		return j, fmt.Errorf("reading whether the host forwards: %w", err)
	}
	if on != "1" {
		j.Changes = append(j.Changes, change{
			Key: forward4, Before: on, After: "1",
			// Turning the switch sets these too (ip-sysctl.rst: "resets all
			// configuration parameters to their default state").
			Along: s.current(append([]string{"net/ipv4/conf/all/accept_redirects"}, s.forwardingAlready("ipv4")...)...),
		})
	}
	if !s.hasIPv6() {
		return j, nil
	}
	if on, err = s.read(forward6); err != nil {
		return j, fmt.Errorf("reading whether the host forwards: %w", err)
	}
	if on == "1" {
		return j, nil
	}
	// A router does not listen to other routers, unless accept_ra is 2. Without
	// it, turning the switch would take away the box's own default route.
	for _, name := range s.interfaces("ipv6") {
		base := "net/ipv6/conf/" + name
		ra, _ := s.read(base + "/accept_ra")
		forwarding, _ := s.read(base + "/forwarding")
		if name != own && name != "lo" && ra == "1" && forwarding == "0" {
			j.Changes = append(j.Changes, change{Key: base + "/accept_ra", Before: "1", After: "2"})
		}
	}
	j.Changes = append(j.Changes, change{Key: forward6, Before: on, After: "1", Along: s.current(s.forwardingAlready("ipv6")...)})
	return j, nil
}

// forwardingAlready lists the switches of single interfaces that are on while
// the host's is off: turning the host's back would turn them off as well.
func (s sysctls) forwardingAlready(family string) []string {
	var keys []string
	for _, name := range s.interfaces(family) {
		key := "net/" + family + "/conf/" + name + "/forwarding"
		if v, err := s.read(key); err == nil && v == "1" {
			keys = append(keys, key)
		}
	}
	return keys
}

func (s sysctls) current(keys ...string) []setting {
	var out []setting
	for _, k := range keys {
		if v, err := s.read(k); err == nil {
			out = append(out, setting{Key: k, Value: v})
		}
	}
	return out
}

// apply makes the changes of a plan.
func (s sysctls) apply(j journal) error {
	for _, c := range j.Changes {
		err := s.write(c.Key, c.After)
		if errors.Is(err, fs.ErrNotExist) {
			continue // the interface went away meanwhile
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// restore puts back, last change first, what still is as apply left it.
func (s sysctls) restore(j journal) error {
	if j.Boot != s.bootID() {
		return nil // another boot: nothing of it is left
	}
	var errs []error
	for i := len(j.Changes) - 1; i >= 0; i-- {
		c := j.Changes[i]
		if now, err := s.read(c.Key); err != nil || now != c.After {
			continue // gone, or somebody else's now
		}
		if err := s.write(c.Key, c.Before); err != nil {
			errs = append(errs, err)
			continue
		}
		for _, a := range c.Along {
			if now, err := s.read(a.Key); err == nil && now != a.Value {
				errs = append(errs, s.write(a.Key, a.Value))
			}
		}
	}
	return errors.Join(errs...)
}
