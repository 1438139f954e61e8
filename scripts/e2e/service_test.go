//go:build linux

package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"homeward/scripts/labnet"
)

// asTheUnit does what the unit with a network interface does: its capabilities
// alone, settings of the kernel that cannot be changed, and the device open to
// all, as udev makes it.
const asTheUnit = `set -e
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
mount -t tmpfs none /dev/net
mknod -m 666 /dev/net/tun c 10 200
exec setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all,+net_admin,+net_bind_service --ambient-caps=-all,+net_admin,+net_bind_service --bounding-set=-all,+net_admin,+net_bind_service --no-new-privs "$@"`

func TestTheTUNUnitNeedsNoMoreThanItsCapabilitiesAndItsSysctls(t *testing.T) {
	b := labnet.Bare(t)
	bin := build(t, b.Dir)
	settings, err := filepath.Abs("../../configs/systemd/60-homeward.conf")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, says string
		settings   bool
	}{
		{"without", "net.ipv4.ip_forward is 0 and cannot be changed", false},
		{"with", "", true},
	} {
		box := b.NewHost(c.name)
		if c.settings {
			box.Run("/lib/systemd/systemd-sysctl", settings)
		}
		dir := filepath.Join(b.Dir, c.name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		labnet.Own(t, dir)
		state := []string{"--state", filepath.Join(dir, "state"), "--config", os.DevNull}
		serve := append([]string{"-c", asTheUnit, "sh", bin, "serve", "--plane", "tun", "--map-port=false", "--bind", "127.0.0.1"}, state...)
		p := box.Start(box.Command(context.Background(), "sh", serve...))
		if !c.settings {
			if err := p.Wait(); err == nil || !strings.Contains(p.Output(), c.says) {
				t.Errorf("without the settings: %v, said %s", err, p.Output())
			}
			continue
		}
		labnet.Eventually(t, 20*time.Second, "homeward answers", func() bool {
			out, err := box.Try(bin, append([]string{"status"}, state...)...)
			return err == nil && strings.Contains(out, "through a network interface of its own")
		})
		out := box.Run(bin, append([]string{"doctor"}, state...)...)
		if strings.Count(out, "protection") != 3 || strings.Contains(out, "not held") {
			t.Errorf("rights that it has still: %s", out)
		}
		if out := box.Run("ip", "link", "show", "homeward0"); !strings.Contains(out, "UP") {
			t.Errorf("the interface: %s", out)
		}
	}
}
