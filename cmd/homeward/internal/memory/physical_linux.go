package memory

import "golang.org/x/sys/unix"

// physical is the machine's memory in bytes as the kernel says it itself, for a
// service that sees no /proc/meminfo; 0 when it does not.
func physical() uint64 {
	var i unix.Sysinfo_t
	if unix.Sysinfo(&i) != nil {
		return 0
	}
	return uint64(i.Totalram) * uint64(i.Unit)
}
