package initramfs

import (
	"fmt"
	"io"
)

// Archive writes an initramfs: a cpio archive in the "new ASCII" form (the kernel's
// Documentation/driver-api/early-userspace/buffer-format.rst). Everything in it is
// root's. Names are paths without a slash in front; a folder comes before what is
// in it, and what comes later replaces what came before.
type Archive struct {
	w     io.Writer
	inode int
	err   error
}

// New begins an archive.
func New(w io.Writer) *Archive { return &Archive{w: w} }

// Kinds of files, as in stat's st_mode.
const (
	regular = 0o100000
	folder  = 0o040000
	device  = 0o020000
	symlink = 0o120000
)

// File adds a regular file, whose mode has permissions alone, as chmod(2) takes them.
func (a *Archive) File(name string, mode int, data []byte) {
	a.entry(name, regular|mode, 0, 0, data)
}

// Folder adds a folder, which may be there already.
func (a *Archive) Folder(name string, mode int) { a.entry(name, folder|mode, 0, 0, nil) }

// Symlink adds a symbolic link.
func (a *Archive) Symlink(name, to string) { a.entry(name, symlink|0o777, 0, 0, []byte(to)) }

// Device adds a character device that is root's alone.
func (a *Archive) Device(name string, major, minor int) {
	a.entry(name, device|0o600, major, minor, nil)
}

// End completes the archive, and tells whether anything went wrong.
func (a *Archive) End() error {
	a.entry("TRAILER!!!", 0, 0, 0, nil)
	return a.err
}

func (a *Archive) entry(name string, mode, major, minor int, data []byte) {
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
func (a *Archive) pad(n int) { a.write(make([]byte, (4-n%4)%4)) }

func (a *Archive) write(b []byte) {
	if a.err == nil {
		_, a.err = a.w.Write(b)
	}
}
