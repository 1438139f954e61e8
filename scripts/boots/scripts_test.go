//go:build linux && amd64

package boots

import (
	"strings"
	"testing"
)

// underInit are the files of a system that SysV's init starts, which has OpenRC or
// SysV's own scripts do the rest. Its address is in a LAN where nobody answers.
func underInit(more ...File) []File {
	return append([]File{
		{Path: "/etc/inittab", Mode: 0o644, Content: []byte(`id:2:initdefault:
ne::sysinit:/etc/boots-lan
si::sysinit:/etc/init.d/rcS
l0:0:wait:/etc/init.d/rc 0
l1:1:wait:/etc/init.d/rc 1
l2:2:wait:/etc/init.d/rc 2
l6:6:wait:/etc/init.d/rc 6
ag:12:respawn:` + agentPath + " " + agentLine + "\n")},
		{Path: "/etc/boots-lan", Mode: 0o755, Content: []byte(`#!/bin/sh
ip link set lo up
modprobe e1000
ip link set eth0 up
ip address add 192.168.77.5/24 dev eth0
ip route add default via 192.168.77.1
`)},
	}, more...)
}

func TestTheScriptRunsUnderOpenRC(t *testing.T) {
	// OpenRC has to be told who made the network.
	lan := File{Path: "/etc/init.d/lan", Mode: 0o755, Content: []byte("#!/sbin/openrc-run\ndepend() { provide net; }\nstart() { :; }\n")}
	b := boot(t, "openrc", underInit(append(theReleases(t), settings, lan)...)...)
	b.scriptServes("openrc", "rc-service homeward")
}

func TestTheScriptRunsUnderSysVInit(t *testing.T) {
	b := boot(t, "sysv", underInit(append(theReleases(t), settings)...)...)
	b.scriptServes("sysv", "/etc/init.d/homeward")
}

// itself finds the process of homeward.
const itself = "pgrep -f '^/usr/local/bin/homeward serve'"

// scriptServes installs homeward and follows it through the life of a service; control
// is the command that starts and stops it.
func (b *box) scriptServes(manager, control string) {
	b.Helper()
	b.run("sh /srv/stick/install.sh --from /srv/stick")
	b.until("homeward "+older+"\n", "homeward status")
	if out := b.run("homeward service status"); !strings.Contains(out, "running ("+manager+")") || !strings.Contains(out, "/etc/init.d/homeward") {
		b.Errorf("service status: %s", out)
	}
	if out := b.run("homeward peers add phone"); !strings.Contains(out, "may come in now") {
		b.Errorf("adding a peer: %s", out)
	}
	b.run("%s status", control)
	status := b.run("cat /proc/$(%s)/status", itself)
	for _, want := range []string{"CapEff:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"} {
		if !strings.Contains(status, want+"\n") {
			b.Errorf("the process lacks %q: %s", want, status)
		}
	}
	if strings.Contains(status, "Uid:\t0") {
		b.Errorf("it runs as root")
	}
	if limits := b.run("grep 'open files' /proc/$(%s)/limits", itself); manager == "openrc" && !strings.Contains(limits, " 32768 ") {
		b.Errorf("its limits: %s", limits)
	}

	b.run("kill -KILL $(%s)", itself)
	b.until("phone", "homeward peers list")
	b.run("%s stop", control)
	b.isGone("after a stop")
	b.run("%s start", control)
	b.until("phone", "homeward peers list")
	b.run("%s restart", control)
	b.until("phone", "homeward peers list")

	b.run("init 1")
	b.until("gone", "%s >/dev/null || echo gone", itself)
	b.run("init 2")
	b.until("phone", "homeward peers list")

	b.run("sh /srv/mirror/install.sh --from /srv/mirror")
	b.until("homeward "+newer+"\n", "homeward status")
	b.run("sh /srv/mirror/install.sh uninstall")
	b.isGone("uninstalled")
	b.leaves(ownFiles+" /var/lib/homeward", "/var/lib/homeward/")
	b.run("sh /srv/mirror/install.sh --from /srv/mirror")
	b.until("phone", "homeward peers list")
	b.run("sh /srv/mirror/install.sh uninstall --purge")
	b.isGone("purged")
	b.leaves(ownFiles, "")
}

// isGone checks that no process of homeward's runs.
func (b *box) isGone(when string) {
	b.Helper()
	if out, err := b.try("pgrep -fa '[/]homeward |[s]upervise-daemon homeward'"); err == nil {
		b.Errorf("%s there runs %s", when, out)
	}
}
