package memory

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// releaseProgram unmaps the pages of the program's file that were not changed. What
// was, such as addresses that the loader filled in before it took the right to write
// away, would be lost. What does not work costs nothing.
func releaseProgram() {
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	maps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return
	}
	for _, m := range unchanged(string(maps), self) {
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, m.begin, m.end-m.begin, unix.MADV_DONTNEED)
	}
}

// mapping is a range of memory.
type mapping struct{ begin, end uintptr }

// unchanged finds in the text of smaps what is mapped of a file, cannot be written to
// and has no page of the process's own.
func unchanged(maps, file string) (list []mapping) {
	var m mapping
	for line := range strings.Lines(maps) {
		f := strings.Fields(line)
		if len(f) == 3 && f[0] == "Anonymous:" && f[1] == "0" && m.begin < m.end {
			list = append(list, m)
		}
		if strings.HasSuffix(f[0], ":") { // about the mapping of before
			continue
		}
		m = mapping{}
		if len(f) != 6 || f[5] != file || strings.Contains(f[1], "w") { // range, rights, offset, device, inode, file
			continue
		}
		from, to, _ := strings.Cut(f[0], "-")
		begin, err1 := strconv.ParseUint(from, 16, strconv.IntSize)
		end, err2 := strconv.ParseUint(to, 16, strconv.IntSize)
		if err1 == nil && err2 == nil {
			m = mapping{uintptr(begin), uintptr(end)}
		}
	}
	return list
}
