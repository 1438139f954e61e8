package kernelpeer

import (
	"fmt"
	"io"
)

// archive writes an initramfs: a cpio archive in the "new ASCII" form (the kernel's
// Documentation/driver-api/early-userspace/buffer-format.rst).
type archive struct {
	w     io.Writer
	inode int
	err   error
}

// Kinds of files, as in stat's st_mode.
const (
	regular = 0o100000
	folder  = 0o040000
	device  = 0o020000
)

func (a *archive) file(name string, mode int, data []byte) { a.entry(name, regular|mode, 0, 0, data) }

func (a *archive) folder(name string) { a.entry(name, folder|0o755, 0, 0, nil) }

// device is a character device.
func (a *archive) device(name string, major, minor int) {
	a.entry(name, device|0o600, major, minor, nil)
}

// end completes the archive.
func (a *archive) end() error {
	a.entry("TRAILER!!!", 0, 0, 0, nil)
	return a.err
}

func (a *archive) entry(name string, mode, major, minor int, data []byte) {
	a.inode++
	fields := []int{a.inode, mode, 0, 0, 1, 0, len(data), 0, 0, major, minor, len(name) + 1, 0}
	header := "070701"
	for _, f := range fields {
		header += fmt.Sprintf("%08X", f)
	}
	a.write([]byte(header + name + "\x00"))
	a.pad(len(header) + len(name) + 1)
	a.write(data)
	a.pad(len(data))
}

// pad fills up to a multiple of four bytes.
func (a *archive) pad(n int) { a.write(make([]byte, (4-n%4)%4)) }

func (a *archive) write(b []byte) {
	if a.err == nil {
		_, a.err = a.w.Write(b)
	}
}
