//go:build linux && amd64

package boots

import (
	"strings"
	"testing"
)

// theReleases are the older release where an owner put it and the newer one where the
// machine's own mirror has it.
func theReleases(t *testing.T) []File {
	t.Helper()
	files := ofRelease(t, older, "/srv/stick", "install.sh", "homeward-linux-amd64", "SHA256SUMS", "SHA256SUMS.sig")
	return append(files, ofRelease(t, newer, "/srv/mirror", "install.sh", "homeward-linux-amd64", "SHA256SUMS", "SHA256SUMS.sig", "manifest.json", "manifest.json.sig")...)
}

const ownFiles = "/etc/homeward /etc/homeward/homeward.toml"

func TestTheInstallerAndTheNightlyUpdateUnderSystemd(t *testing.T) {
	b := boot(t, "systemd", underSystemd(append(theReleases(t), settings)...)...)
	b.run("sh /srv/stick/install.sh --from /srv/stick --auto-update")
	b.runs(older)
	if out := b.run("homeward service status"); !strings.Contains(out, "running (systemd)") || !strings.Contains(out, "homeward-update.timer") {
		t.Errorf("service status: %s", out)
	}
	if out := b.run("homeward peers add phone"); !strings.Contains(out, "may come in now") {
		t.Errorf("adding a peer: %s", out)
	}

	b.run("systemd-run --unit=mirror %s serve /srv/mirror %s", agentPath, mirror)
	b.until("homeward", "systemctl list-timers --no-legend homeward-update.timer")
	if out := b.run("homeward version"); out != "homeward "+older+"\n" {
		t.Errorf("it was updated by day: %s", out)
	}
	// The night's look begins at three, and by the unit within two hours from then.
	b.run("mkdir -p /run/systemd/system/homeward-update.timer.d && printf '[Timer]\\nRandomizedDelaySec=0\\nAccuracySec=1s\\n' >/run/systemd/system/homeward-update.timer.d/sharp.conf && systemctl daemon-reload")
	b.run("date -s 'tomorrow 02:59:58'")
	b.until("homeward "+newer+"\n", "homeward version")
	b.until("inactive\nsuccess\n", "systemctl show -P ActiveState homeward-update.service; systemctl show -P Result homeward-update.service")
	b.runs(newer)
	b.until("phone", "homeward peers list")
	if out := b.run("journalctl --no-pager -q -u homeward-update"); !strings.Contains(out, newer+" is installed and runs") {
		t.Errorf("the update said %s", out)
	}

	b.run("sh /srv/mirror/install.sh --from /srv/mirror --plane tun")
	b.runs(newer)
	if out := b.run("cat /proc/sys/net/ipv4/ip_forward; ls /sys/class/net; systemctl is-enabled homeward-update.timer"); !strings.HasPrefix(out, "1\n") || !strings.Contains(out, "homeward0\n") || !strings.Contains(out, "enabled\n") {
		t.Errorf("with an interface: %s", out)
	}
	if out, err := b.try("homeward service uninstall"); err == nil || !strings.Contains(out, "systemctl disable --now homeward") {
		t.Errorf("uninstalling while it runs: %v: %s", err, out)
	}
	b.run("rm -r /run/systemd/system/homeward-update.timer.d")
	b.run("sh /srv/mirror/install.sh uninstall")
	b.leaves(ownFiles+" /var/lib/homeward /var/lib/private/homeward", "/var/lib/private/homeward/")

	b.run("cp /srv/stick/homeward-linux-amd64 /usr/local/bin/homeward && chmod 755 /usr/local/bin/homeward")
	// What it says is to be run.
	b.run("homeward service install | sed -n 's/^  //p' | sh -e")
	b.until("active\n", "systemctl is-active homeward")
	b.run("sh /srv/mirror/install.sh uninstall --purge")
	b.leaves(ownFiles, "")
}

// runs waits until that version runs, as the service that the installer made.
func (b *box) runs(version string) {
	b.Helper()
	b.until("homeward "+version+"\n", "homeward status")
	b.until("active\n", "systemctl is-active homeward")
}
