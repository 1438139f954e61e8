//go:build linux

package kernelpeer

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"homeward/scripts/initramfs"
	"homeward/scripts/kernelpeer/task"
	"homeward/scripts/labnet"
)

// The cable between the machine and its host, which hides the machine behind its own
// addresses.
const cable = "machine0"

var (
	ours   = []string{"10.255.3.1/24", "fd03::1/64"}
	theirs = []netip.Prefix{netip.MustParsePrefix("10.255.3.2/24"), netip.MustParsePrefix("fd03::2/64")}
)

//go:embed hide.nft
var hide string

// Machine can be started.
type Machine struct {
	host    *labnet.Host
	kernel  string // vmlinuz
	modules []string
	guest   string // the program
	dir     string
}

// New prepares a machine on a host of the lab, with its files in dir and the kernel
// that an unpacked Debian package linux-image has in root.
func New(ctx context.Context, host *labnet.Host, dir, root string) (*Machine, error) {
	kernels, err := filepath.Glob(filepath.Join(root, "boot", "vmlinuz-*"))
	if err != nil || len(kernels) == 0 {
		return nil, fmt.Errorf("there is no kernel in %s", root)
	}
	m := &Machine{host: host, kernel: kernels[0], guest: filepath.Join(dir, "guest"), dir: dir}
	if m.modules, err = initramfs.Modules(filepath.Join(root, "lib", "modules"), "e1000", "wireguard"); err != nil {
		return nil, err
	}
	build := exec.CommandContext(ctx, "go", "build", "-o", m.guest, "homeward/scripts/kernelpeer/guest")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building the guest: %w: %s", err, out)
	}
	return m, m.layCable()
}

func (m *Machine) layCable() error {
	rules := filepath.Join(m.dir, "hide.nft")
	if err := os.WriteFile(rules, []byte(hide), 0o600); err != nil {
		return err
	}
	m.host.Run("ip", "tuntap", "add", "dev", cable, "mode", "tap")
	m.host.Run("ip", "link", "set", cable, "up")
	m.host.Address(cable, ours...)
	m.host.Sysctl("net.ipv4.ip_forward", "1")
	m.host.Sysctl("net.ipv6.conf.all.forwarding", "1")
	m.host.Run("nft", "-f", rules)
	return nil
}

// Run starts the machine, which does what the task says. Cable and modules of the
// task are filled in.
func (m *Machine) Run(ctx context.Context, t task.Task) (task.Result, error) {
	t.Addresses = theirs
	for _, a := range ours {
		t.Gateways = append(t.Gateways, netip.MustParsePrefix(a).Addr())
	}
	image, err := m.image(t)
	if err != nil {
		return task.Result{}, err
	}
	defer os.Remove(image)
	cmd := m.host.Command(ctx, "qemu-system-x86_64", "-machine", "pc,accel=tcg", "-cpu", "max", "-m", "192", "-no-reboot",
		"-nodefaults", "-display", "none", "-serial", "stdio",
		"-netdev", "tap,id=net,script=no,downscript=no,ifname="+cable, "-device", "e1000,netdev=net,romfile=",
		"-kernel", m.kernel, "-initrd", image, "-append", "console=ttyS0 quiet panic=-1")
	console, err := cmd.CombinedOutput()
	return told(console, err)
}

// told finds the result on the console.
func told(console []byte, err error) (task.Result, error) {
	for line := range bytes.Lines(console) {
		text, ok := strings.CutPrefix(strings.TrimSpace(string(line)), task.Marker)
		if !ok {
			continue
		}
		var r task.Result
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			return r, fmt.Errorf("reading what the guest told: %w: %s", err, text)
		}
		if r.Problem != "" {
			return r, errors.New("the guest gave up: " + r.Problem)
		}
		return r, nil
	}
	return task.Result{}, fmt.Errorf("the guest told nothing: %w\n%s", errors.Join(err, errors.New("no result on the console")), console)
}

// image writes the guest's root.
func (m *Machine) image(t task.Task) (string, error) {
	f, err := os.CreateTemp(m.dir, "initramfs-*")
	if err != nil {
		return "", err
	}
	defer f.Close()
	a := initramfs.New(f)
	a.Folder("dev", 0o755)
	a.Device("dev/console", 5, 1)
	a.Device("dev/null", 1, 3)
	for _, path := range m.modules {
		module, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		t.Modules = append(t.Modules, "/"+filepath.Base(path))
		a.File(filepath.Base(path), 0o644, module)
	}
	guest, err := os.ReadFile(m.guest)
	if err != nil {
		return "", err
	}
	a.File("init", 0o755, guest)
	if t.Program.File != "" {
		program, err := os.ReadFile(t.Program.File)
		if err != nil {
			return "", err
		}
		a.File(filepath.Base(task.Run), 0o755, program)
	}
	what, err := json.Marshal(t)
	if err != nil {
		return "", err
	}
	a.File(filepath.Base(task.File), 0o600, what)
	return f.Name(), a.End()
}
