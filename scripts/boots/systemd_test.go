//go:build linux && amd64

package boots

import (
	"strings"
	"testing"
)

// underSystemd are the files of a system that systemd starts, with an address in a LAN
// where nobody answers.
func underSystemd(more ...File) []File {
	const units = "/etc/systemd/system/"
	return append([]File{
		{Path: "/etc/nsswitch.conf", Mode: 0o644, Content: []byte("passwd: files systemd\ngroup: files systemd\nshadow: files\nhosts: files\n")},
		{Path: "/etc/machine-id", Mode: 0o644, Content: []byte("0123456789abcdef0123456789abcdef\n")},
		{Path: "/etc/systemd/network/lan.network", Mode: 0o644, Content: []byte("[Match]\nType=ether\n[Network]\nAddress=192.168.77.5/24\nGateway=192.168.77.1\nIPv6AcceptRA=no\n")},
		{Path: units + "multi-user.target.wants/systemd-networkd.service", Link: "/lib/systemd/system/systemd-networkd.service"},
		{Path: units + "network-online.target.wants/systemd-networkd-wait-online.service", Link: "/lib/systemd/system/systemd-networkd-wait-online.service"},
		{Path: units + "multi-user.target.wants/boots-agent.service", Link: units + "boots-agent.service"},
		{Path: units + "getty.target", Link: "/dev/null"}, // nobody logs in
		{Path: units + "boots-agent.service", Mode: 0o644, Content: []byte("[Unit]\nAfter=network-online.target\nWants=network-online.target\n[Service]\nExecStart=" + agentPath + " " + agentLine + "\n")},
	}, more...)
}

// settings spare homeward the question to a router that is not there.
var settings = File{Path: "/etc/homeward/homeward.toml", Mode: 0o644, Content: []byte("endpoint = \"home.example.org\"\nmap_port = false\n")}

// runsAs waits until systemd has a unit active, and checks what the process may do.
func (b *box) runsAs(unit, plane, capabilities string) {
	b.Helper()
	b.until("active\n", "systemctl is-active %s", unit)
	if got := b.run("systemctl show -P Type -P NotifyAccess -P NRestarts -P WatchdogUSec %s", unit); got != "notify\nmain\n1min\n0\n" {
		b.Errorf("%s: systemd has %q", unit, got)
	}
	status := b.run("cat /proc/$(systemctl show -P MainPID %s)/status", unit)
	for _, want := range []string{"CapEff:\t" + capabilities, "CapBnd:\t" + capabilities, "NoNewPrivs:\t1", "Seccomp:\t2"} {
		if !strings.Contains(status, want+"\n") {
			b.Errorf("%s: the process lacks %q: %s", unit, want, status)
		}
	}
	if strings.Contains(status, "Uid:\t0") {
		b.Errorf("%s runs as root", unit)
	}
	doctor := b.run("homeward doctor")
	if strings.Count(doctor, "protection") != 3 || strings.Contains(doctor, "not held") || !strings.Contains(doctor, plane) {
		b.Errorf("%s: doctor says %s", unit, doctor)
	}
	if strings.Contains(doctor, "does not work") {
		b.Errorf("%s does not work: %s", unit, doctor)
	}
}

// isSafe checks that systemd's measure of a unit's exposure is no higher.
func (b *box) isSafe(unit, most string) {
	b.Helper()
	// The exit status says it.
	if out, err := b.try("systemd-analyze security --no-pager --threshold=%s %s", most, unit); err != nil {
		b.Errorf("%s: %v: %s", unit, err, out)
	}
}

func TestThePackageRunsUnderSystemd(t *testing.T) {
	b := boot(t, "systemd", underSystemd(append(ofRelease(t, older, "/srv", "homeward_"+older+"_amd64.deb"), settings)...)...)
	if out := b.run("dpkg --install /srv/*.deb"); !strings.Contains(out, "homeward runs") {
		t.Errorf("the package says %s", out)
	}
	b.runsAs("homeward", "netstack", "0000000000000000")
	if enabled := b.run("systemctl is-enabled homeward; systemctl is-enabled homeward-tun || :"); enabled != "enabled\ndisabled\n" {
		t.Errorf("the units are %q", enabled)
	}
	if out := b.run("homeward peers add phone"); !strings.Contains(out, "may come in now") {
		t.Errorf("adding a peer: %s", out)
	}
	b.isSafe("homeward", "13")

	b.diesOfSilence()
	b.comesBackUntilItIsSafe()

	b.run("systemctl disable --now homeward && systemctl enable --now homeward-tun")
	b.runsAs("homeward-tun", "tun", "0000000000001400")
	b.isSafe("homeward-tun", "20")
	if out := b.run("cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding /sys/class/net/homeward0/flags; homeward peers list"); !strings.HasPrefix(out, "1\n1\n0x") || !strings.Contains(out, "phone") {
		t.Errorf("with an interface: %s", out)
	}
	b.run("systemctl restart homeward")
	b.until("inactive", "systemctl is-active homeward-tun")
	b.until("phone", "homeward peers list")

	b.run("dpkg --remove homeward")
	b.leaves(ownFiles+" /var/lib/homeward /var/lib/private/homeward", "/var/lib/private/homeward/")
	b.run("dpkg --purge homeward")
	if out, err := b.try("dpkg --status homeward"); err == nil {
		b.Errorf("dpkg still knows it: %s", out)
	}
	b.leaves(ownFiles, "")
}

// leaves checks what there is of homeward in the machine, apart from what the test
// brought and what is below a folder.
func (b *box) leaves(want, below string) {
	b.Helper()
	out := b.run("{ command -v systemctl >/dev/null && systemctl list-units --all --no-legend 'homeward*'; }; ls -d /sys/class/net/homeward* 2>/dev/null; grep homeward /etc/passwd; " +
		"find / -xdev -path /srv -prune -o -path /proc -prune -o -path /var/lib/dpkg -prune -o -path '*homeward*' -print | sort")
	var left []string
	for _, path := range strings.Fields(out) {
		if below == "" || !strings.HasPrefix(path, below) {
			left = append(left, path)
		}
	}
	if got := strings.Join(left, " "); got != want {
		b.Errorf("left is %s", got)
	}
}

// diesOfSilence checks that systemd ends a homeward that hangs, and starts it again.
func (b *box) diesOfSilence() {
	b.Helper()
	b.run("mkdir -p /run/systemd/system/homeward.service.d && printf '[Service]\\nWatchdogSec=20\\n' >/run/systemd/system/homeward.service.d/soon.conf && systemctl daemon-reload && systemctl restart homeward")
	b.run("kill -STOP $(systemctl show -P MainPID homeward)")
	b.until("Watchdog timeout", "journalctl --no-pager -q -u homeward | grep Watchdog")
	b.until("1\nactive\n", "systemctl show -P NRestarts homeward; systemctl is-active homeward")
	b.until("phone", "homeward peers list")
	b.run("rm -r /run/systemd/system/homeward.service.d && systemctl daemon-reload && systemctl restart homeward")
	b.until("phone", "homeward peers list")
}

// comesBackUntilItIsSafe kills homeward until it starts in safe mode, and checks that
// it goes back from there.
func (b *box) comesBackUntilItIsSafe() {
	b.Helper()
	for n := 1; n <= 3; n++ {
		if out := b.until("phone", "homeward peers list"); strings.Contains(b.run("homeward status || :"), "Safe mode") {
			b.Fatalf("it is in safe mode after it was killed %d times: %s", n-1, out)
		}
		pid := b.run("systemctl show -P MainPID homeward")
		b.run("kill -KILL %s", pid)
		b.until("yes", "test $(systemctl show -P MainPID homeward) -gt 0 && test $(systemctl show -P MainPID homeward) != %s && echo yes", strings.TrimSpace(pid))
	}
	b.until("Safe mode", "homeward status")
	b.until("active", "systemctl is-active homeward")
	b.run("homeward admin start-normally")
	b.until("phone", "homeward peers list")
}
