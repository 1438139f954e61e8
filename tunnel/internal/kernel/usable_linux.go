package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"homeward/tunnel/internal/plane"
)

// Usable says in one sentence why the kernel plane would not work here and what
// to do about it, or nil. It leaves nothing behind.
func Usable() error {
	for _, check := range []func() error{tunOpens, mayConfigure, rulesFit, mayForward} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func tunOpens() error {
	f, err := os.OpenFile(tunPath, os.O_RDWR, 0)
	switch {
	case err == nil:
		return f.Close()
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENXIO), errors.Is(err, unix.ENODEV):
		return fmt.Errorf("%s is missing: load the module with \"modprobe tun\", or start the container with --device %s", tunPath, tunPath)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s may not be opened: start homeward as root or by its service, or start the container with --device %s", tunPath, tunPath)
	default:
		return fmt.Errorf("opening the TUN device: %w", err)
	}
}

func mayConfigure() error {
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&hdr, &data[0]); err != nil {
		return fmt.Errorf("reading the capabilities: %w", err)
	}
	if data[0].Effective&(1<<unix.CAP_NET_ADMIN) == 0 {
		return errors.New("the capability CAP_NET_ADMIN is missing: start homeward as root or by its service, or start the container with --cap-add NET_ADMIN")
	}
	return nil
}

// rulesFit writes our rules for an interface that does not exist, and takes
// them back in the same transaction.
func rulesFit() error {
	r := newRuleset(plane.Config{
		Name:       fmt.Sprintf("homeward-%d", os.Getpid()%100000),
		Addresses:  []netip.Prefix{netip.MustParsePrefix("192.0.2.1/24"), netip.MustParsePrefix("2001:db8::1/64")},
		ListenPort: 51820,
	})
	err := tryTable(r)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrPermission):
		return errors.New("nftables may not be changed although CAP_NET_ADMIN is there: this container shares the network with a host that does not let it; give it a network of its own")
	default:
		return fmt.Errorf("the kernel does not take the nftables rules that are needed (%w): load the modules with \"modprobe -a nf_tables nft_ct nft_masq\"; Linux 5.2 is the oldest that can", err)
	}
}

func mayForward() error {
	for _, key := range []string{forward4, forward6} {
		on, err := procSys.read(key)
		if errors.Is(err, fs.ErrNotExist) && key == forward6 {
			continue // no IPv6
		}
		if err != nil {
			return fmt.Errorf("reading whether the host forwards: %w", err)
		}
		if on != "1" && !procSys.writable(key) {
			name := strings.ReplaceAll(key, "/", ".")
			return fmt.Errorf("%s is %s and cannot be changed from here: set %s=1 on the host, or start the container with --sysctl %s=1", name, on, name, name)
		}
	}
	return nil
}
