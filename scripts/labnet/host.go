//go:build linux

package labnet

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Host is one machine of the lab: a network namespace.
type Host struct {
	t    T
	Name string // of the namespace
	dir  string // of the lab
}

// Command makes a command that runs on the host.
func (h *Host) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", h.Name, name}, args...)...)
}

// patience is how long a command may take that should end by itself: one that hangs
// must not take the time of all tests.
const patience = 2 * time.Minute

// Try runs a command to its end and returns what it printed.
func (h *Host) Try(name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	out, err := h.Command(ctx, name, args...).CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

// Run is Try for commands that must work.
func (h *Host) Run(name string, args ...string) string {
	h.t.Helper()
	out, err := h.Try(name, args...)
	if err != nil {
		h.t.Fatal(err)
	}
	return out
}

// Address gives a device of the host addresses with prefix lengths.
func (h *Host) Address(dev string, addrs ...string) {
	h.t.Helper()
	for _, a := range addrs {
		ip(h.t, "-n", h.Name, "addr", "add", a, "dev", dev, "nodad")
	}
}

// AddRoute adds a route; to may be "default".
func (h *Host) AddRoute(to, via string) {
	h.t.Helper()
	family := "-4"
	if strings.Contains(via, ":") {
		family = "-6"
	}
	ip(h.t, family, "-n", h.Name, "route", "add", to, "via", via)
}

// Sysctl sets a value of the host's network: "net.ipv4.ip_forward", "1". For
// the name of a device that has a dot, write the key with slashes.
func (h *Host) Sysctl(key, value string) {
	h.t.Helper()
	if !strings.Contains(key, "/") {
		key = strings.ReplaceAll(key, ".", "/")
	}
	// What is below /proc/sys/net depends on the namespace of the thread that asks.
	err := h.inside(func() error { return os.WriteFile("/proc/sys/"+key, []byte(value), 0) })
	if err != nil {
		h.t.Fatalf("setting %s to %q on %s: %v", key, value, h.Name, err)
	}
}

// SetResolver says which servers the programs on the host ask for names. The
// file is changed in place, so programs that already run see it.
func (h *Host) SetResolver(servers ...string) {
	h.t.Helper()
	var text strings.Builder
	for _, s := range servers {
		fmt.Fprintf(&text, "nameserver %s\n", s)
	}
	h.writeEtc("resolv.conf", text.String())
}

// SetHosts sets the lines of the host's /etc/hosts that follow localhost.
func (h *Host) SetHosts(lines ...string) {
	h.t.Helper()
	h.writeEtc("hosts", strings.Join(append([]string{"127.0.0.1 localhost", "::1 localhost"}, lines...), "\n")+"\n")
}

// etc has the files that ip-netns mounts over those of /etc.
func (h *Host) etc() string { return filepath.Join("/etc/netns", h.Name) }

func (h *Host) writeEtc(name, text string) {
	h.t.Helper()
	if err := os.WriteFile(filepath.Join(h.etc(), name), []byte(text), 0o644); err != nil {
		h.t.Fatal(err)
	}
}
