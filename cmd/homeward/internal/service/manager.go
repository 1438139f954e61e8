package service

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Manager is a kind of service manager.
type Manager string

// The kinds that homeward can be installed for.
const (
	Systemd Manager = "systemd"
	OpenRC  Manager = "openrc"
	SysV    Manager = "sysv"
)

// ErrNoManager says that the system has no service manager that is known.
var ErrNoManager = errors.New("no service manager was found here (systemd, OpenRC or SysV init): let the system's own task planner run \"homeward serve\" at its start")

// ParseManager reads the name of a kind.
func ParseManager(s string) (Manager, error) {
	switch m := Manager(s); m {
	case Systemd, OpenRC, SysV:
		return m, nil
	}
	return "", fmt.Errorf("service manager %.40q is not one of systemd, openrc, sysv", s)
}

// Detect finds the service manager of the system below root. What runs counts
// more than what is installed; below another root nothing runs.
func Detect(root string) (Manager, error) {
	for _, m := range []struct {
		kind  Manager
		signs []string
	}{
		{Systemd, []string{"run/systemd/system"}},
		{OpenRC, []string{"run/openrc"}},
		{Systemd, []string{"usr/lib/systemd/systemd", "lib/systemd/systemd"}},
		{OpenRC, []string{"sbin/openrc-run", "usr/sbin/openrc-run"}},
		{SysV, []string{"etc/init.d/rcS", "etc/rc2.d", "etc/rc.d/init.d"}},
	} {
		for _, sign := range m.signs {
			if _, err := os.Stat(filepath.Join(root, sign)); err == nil {
				return m.kind, nil
			}
		}
	}
	return "", ErrNoManager
}

// unitFile is where the manager keeps the file of a service.
func (m Manager) unitFile() string {
	if m == Systemd {
		return "/etc/systemd/system/homeward.service"
	}
	return "/etc/init.d/homeward"
}

// shipped are where packages put theirs.
func (m Manager) shipped() []string {
	if m == Systemd {
		return []string{"/usr/lib/systemd/system/homeward.service", "/lib/systemd/system/homeward.service"}
	}
	return nil
}

// afterInstall are the commands that make the manager know and start it.
func (m Manager) afterInstall(root string, tun bool) []string {
	var list []string
	if m != Systemd && !hasUser(root) {
		list = append(list, addUser(root))
	}
	switch m {
	case Systemd:
		if tun {
			list = append(list, "systemctl restart systemd-sysctl")
		}
		return append(list, "systemctl daemon-reload", "systemctl enable homeward", "systemctl restart homeward")
	case OpenRC:
		return append(list, "rc-update add homeward default", "rc-service homeward restart")
	}
	enable := "update-rc.d homeward defaults"
	if !exists(root, "/usr/sbin/update-rc.d") {
		enable = "chkconfig --add homeward"
	}
	return append(list, enable, "/etc/init.d/homeward restart")
}

// beforeUninstall are the commands that stop it.
func (m Manager) beforeUninstall(root string) []string {
	switch m {
	case Systemd:
		if exists(root, updateTimer) { // systemd does nothing if one of them is not there
			return []string{"systemctl disable --now homeward-update.timer homeward"}
		}
		return []string{"systemctl disable --now homeward"}
	case OpenRC:
		return []string{"rc-service homeward stop", "rc-update del homeward default"}
	}
	return []string{"/etc/init.d/homeward stop"}
}

// afterUninstall are the commands that make the manager forget it.
func (m Manager) afterUninstall(root string) []string {
	switch {
	case m == Systemd:
		return []string{"systemctl daemon-reload"}
	case m == SysV && exists(root, "/usr/sbin/update-rc.d"):
		return append([]string{"update-rc.d homeward remove"}, delUser(root)...)
	case m == SysV:
		return append([]string{"chkconfig --del homeward"}, delUser(root)...)
	}
	return delUser(root)
}

func exists(root, path string) bool {
	_, err := os.Stat(filepath.Join(root, path))
	return err == nil
}

// hasUser says whether the user homeward is there.
func hasUser(root string) bool {
	b, err := os.ReadFile(filepath.Join(root, "/etc/passwd"))
	return err == nil && strings.Contains("\n"+string(b), "\nhomeward:")
}

// addUser is the command for the tools that the system has: systemd needs none,
// since it makes the user while the service runs.
func addUser(root string) string {
	if exists(root, "/usr/sbin/useradd") {
		return "useradd --system --user-group --home-dir /var/lib/homeward --shell /bin/false homeward"
	}
	return "adduser -S -D -H -h /var/lib/homeward -s /bin/false -G nogroup homeward"
}

func delUser(root string) []string {
	if !hasUser(root) {
		return nil
	}
	if exists(root, "/usr/sbin/userdel") {
		return []string{"userdel homeward"}
	}
	return []string{"deluser homeward"}
}
