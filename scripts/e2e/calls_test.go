//go:build linux

package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"homeward/scripts/labnet"
)

// group expands a name of a unit's SystemCallFilter, as systemd itself does.
func group(t *testing.T, name string) []string {
	t.Helper()
	if !strings.HasPrefix(name, "@") {
		return []string{name}
	}
	out, err := exec.Command("systemd-analyze", "syscall-filter", "--no-pager", name).Output()
	if err != nil {
		t.Fatalf("asking systemd for %s: %v", name, err)
	}
	var calls []string
	for _, line := range strings.Split(string(out), "\n")[1:] {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			calls = append(calls, group(t, line)...)
		}
	}
	return calls
}

// allowed are the system calls that a unit lets through.
func allowed(t *testing.T, unit string) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(unit)
	if err != nil {
		t.Fatal(err)
	}
	set := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^SystemCallFilter=(~?)(.*)$`).FindAllStringSubmatch(string(text), -1) {
		for _, name := range strings.Fields(m[2]) {
			for _, call := range group(t, name) {
				set[call] = m[1] == ""
			}
		}
	}
	for _, call := range group(t, "@default") { // these always are
		set[call] = true
	}
	return set
}

var traced = regexp.MustCompile(`(?m)^\d+ +(\w+)\(`)

func TestTheUnitsAllowEveryCallAndNoProgramIsStarted(t *testing.T) {
	b := labnet.Bare(t)
	labnet.NeedPrograms(t, "strace:strace", "systemd-analyze:systemd")
	bin := build(t, b.Dir)
	units, err := filepath.Abs("../../configs/systemd")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ plane, unit string }{{"netstack", "homeward.service"}, {"tun", "homeward-tun.service"}} {
		box := b.NewHost(c.plane)
		box.Run("/lib/systemd/systemd-sysctl", filepath.Join(units, "60-homeward.conf"))
		dir := filepath.Join(b.Dir, c.plane)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		labnet.Own(t, dir)
		state := []string{"--state", filepath.Join(dir, "state"), "--config", os.DevNull}
		trace := filepath.Join(dir, "trace")
		serve := append([]string{"-c", asTheUnit, "sh", "strace", "-f", "-qq", "-o", trace,
			bin, "serve", "--plane", c.plane, "--bind", "127.0.0.1", "--endpoint", "home.example.org"}, state...)
		p := box.Start(box.Command(context.Background(), "sh", serve...))
		for _, command := range [][]string{{"peers", "add", "phone"}, {"peers", "rotate", "phone"}, {"doctor"}, {"peers", "remove", "phone"}} {
			labnet.Eventually(t, 20*time.Second, strings.Join(command, " "), func() bool {
				_, err := box.Try(bin, append(command, state...)...)
				return err == nil
			})
		}
		lock, err := os.ReadFile(filepath.Join(dir, "state", "lock"))
		if err != nil {
			t.Fatal(err)
		}
		box.Run("kill", strings.TrimSpace(string(lock))) // strace would keep a signal for itself
		if err := p.Wait(); err != nil {
			t.Errorf("%s: it ended with %v", c.plane, err)
		}
		text, err := os.ReadFile(trace)
		if err != nil {
			t.Fatal(err)
		}
		calls := map[string]int{}
		for _, m := range traced.FindAllStringSubmatch(string(text), -1) {
			calls[m[1]]++
		}
		let := allowed(t, filepath.Join(units, c.unit))
		var refused []string
		for call := range calls {
			if !let[call] {
				refused = append(refused, call)
			}
		}
		slices.Sort(refused)
		if len(calls) < 40 || len(refused) > 0 {
			t.Errorf("%s: of %d kinds of calls the unit refuses %v", c.plane, len(calls), refused)
		}
		if let["mount"] || let["setuid"] || let["init_module"] {
			t.Errorf("%s: the unit refuses too little", c.plane)
		}
		if n := calls["execve"] + calls["execveat"]; n != 1 { // its own start
			t.Errorf("%s: %d programs were started", c.plane, n-1)
		}
	}
}
