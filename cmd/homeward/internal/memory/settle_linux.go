package memory

import (
	"context"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// startUp is how long starting takes.
const startUp = 8 * time.Second

// Settle gives memory back that only starting up needed: what is free, and the
// program's pages, which the kernel brings back when they are used again. It
// returns when ctx ends.
func Settle(ctx context.Context) error {
	started := time.NewTimer(startUp)
	defer started.Stop()
	select {
	case <-ctx.Done():
	case <-started.C:
		debug.FreeOSMemory()
		releaseProgram()
		<-ctx.Done()
	}
	return nil
}

// releaseProgram unmaps the pages of the program's file that cannot have been
// changed. What does not work costs nothing.
func releaseProgram() {
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return
	}
	for line := range strings.Lines(string(maps)) {
		f := strings.Fields(line) // range, rights, offset, device, inode, file
		if len(f) != 6 || f[5] != self || strings.Contains(f[1], "w") {
			continue
		}
		from, to, _ := strings.Cut(f[0], "-")
		begin, err1 := strconv.ParseUint(from, 16, 64)
		end, err2 := strconv.ParseUint(to, 16, 64)
		if err1 == nil && err2 == nil && begin < end {
			_, _, _ = unix.Syscall(unix.SYS_MADVISE, uintptr(begin), uintptr(end-begin), unix.MADV_DONTNEED)
		}
	}
}
