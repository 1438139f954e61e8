package service

import (
	"bytes"
	"errors"

	"homeward/configs"
)

// The files that look for a release which mends a hole, every night.
const (
	updateService = "/etc/systemd/system/homeward-update.service"
	updateTimer   = "/etc/systemd/system/homeward-update.timer"
	updateLink    = "/etc/systemd/system/timers.target.wants/homeward-update.timer" // of systemctl enable
	updateStamp   = "/var/lib/systemd/timers/stamp-homeward-update.timer"           // systemd's, of the last look
	updateName    = "homeward-update"
)

// dailyFolders are where the managers without timers have a script run every day.
var dailyFolders = []string{"/etc/periodic/daily", "/etc/cron.daily"}

// ErrNoDaily says that nothing here runs a script every day.
var ErrNoDaily = errors.New("nothing here runs a script every day (/etc/periodic/daily and /etc/cron.daily are missing): install cron, or leave --auto-update away")

// updateFiles renders what updates by itself.
func (c Config) updateFiles() ([]file, error) {
	name := func(path string) ([]byte, error) {
		b, err := configs.Units.ReadFile(path)
		return marked(bytes.ReplaceAll(b, []byte(shippedBin), []byte(c.Binary))), err
	}
	if c.Manager == Systemd {
		unit, err := name("systemd/homeward-update.service")
		timer, err2 := name("systemd/homeward-update.timer")
		return []file{{updateService, 0o644, unit}, {updateTimer, 0o644, timer}}, errors.Join(err, err2)
	}
	for _, folder := range dailyFolders {
		if exists(c.root(), folder) {
			script, err := name("cron/" + updateName)
			return []file{{folder + "/" + updateName, 0o755, script}}, err
		}
	}
	return nil, ErrNoDaily
}

// updatePaths are where updateFiles may lie, whatever the manager is.
func updatePaths() []string {
	list := []string{updateService, updateTimer}
	for _, folder := range dailyFolders {
		list = append(list, folder+"/"+updateName)
	}
	return list
}

// Updates says whether the service updates by itself: an earlier Install was told so.
func Updates(c Config) (bool, error) {
	for _, p := range updatePaths() {
		theirs, err := foreign(c.at(p))
		if err != nil {
			return false, err
		}
		if exists(c.root(), p) && !theirs {
			return true, nil
		}
	}
	return false, nil
}
