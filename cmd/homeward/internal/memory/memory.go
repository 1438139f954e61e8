// Package memory fits the process to the machine: it finds out how much memory
// there is, tells Go's garbage collector what may be used of it, and gives back
// what only starting up needed.
package memory

import (
	"bufio"
	"fmt"
	"os"
	"path"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
)

// Bounds of what we take, whatever the machine has.
const (
	least = 40 << 20 // so that a container of 64 MiB has room for what Go doesn't count
	most  = 1 << 30
)

// Budget is what the process may use.
type Budget struct {
	Machine uint64 // bytes that the machine, or our container, has; 0 means not known
	Limit   int64  // bytes that we want to stay below
}

// Find reads how much memory there is and takes half of it, within bounds.
func Find() Budget { return find(os.ReadFile, physical()) }

func find(read func(string) ([]byte, error), physical uint64) Budget {
	b := Budget{Machine: machine(read, physical), Limit: 256 << 20}
	if b.Machine > 0 {
		b.Limit = int64(min(max(b.Machine/2, least), most))
	}
	return b
}

// Apply makes the garbage collector work harder near the limit. Who has set
// GOMEMLIMIT knows better.
func (b Budget) Apply() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(b.Limit)
	}
}

// String says it for people.
func (b Budget) String() string {
	if b.Machine == 0 {
		return fmt.Sprintf("at most about %d MiB are used", b.Limit>>20)
	}
	return fmt.Sprintf("%d MiB here, of which at most about %d are used", b.Machine>>20, b.Limit>>20)
}

// unlimited is what version 1 of control groups has above, for no limit.
const unlimited = 1 << 62

// machine is the least of what the machine has and what our control groups may
// use, or 0.
func machine(read func(string) ([]byte, error), physical uint64) uint64 {
	found := physical
	take := func(n uint64) {
		if n > 0 && n < unlimited && (found == 0 || n < found) {
			found = n
		}
	}
	if text, err := read("/proc/meminfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if v, ok := strings.CutPrefix(line, "MemTotal:"); ok {
				kib, _ := strconv.ParseUint(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(v), "kB")), 10, 64)
				take(kib << 10)
			}
		}
	}
	number := func(file string) {
		if text, err := read(file); err == nil {
			n, _ := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64) // "max" is none
			take(n)
		}
	}
	const mount = "/sys/fs/cgroup"
	number(mount + "/memory/memory.limit_in_bytes") // version 1, as containers see it
	groups, _ := read("/proc/self/cgroup")
	for s := bufio.NewScanner(strings.NewReader(string(groups))); s.Scan(); {
		id, kinds, group := fields(s.Text())
		folder, file := "", ""
		switch {
		case id == "0" && kinds == "":
			folder, file = mount, "memory.max"
		case slices.Contains(strings.Split(kinds, ","), "memory"): // version 1, as many NAS still have it
			folder, file = mount+"/memory", "memory.limit_in_bytes"
		default:
			continue
		}
		for at := path.Clean("/" + group); ; at = path.Dir(at) { // a parent's limit holds, too
			number(path.Join(folder, at, file))
			if at == "/" {
				break
			}
		}
	}
	return found
}

// fields takes a line of /proc/self/cgroup apart (cgroups(7)).
func fields(line string) (id, kinds, group string) {
	id, rest, _ := strings.Cut(line, ":")
	kinds, group, _ = strings.Cut(rest, ":")
	return id, kinds, group
}
