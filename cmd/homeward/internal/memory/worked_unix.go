//go:build unix

package memory

import (
	"time"

	"golang.org/x/sys/unix"
)

// worked is the processor time that this process has used.
func worked() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
