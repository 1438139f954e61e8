package initramfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Tree adds what is below the folder root, under the same names. Devices and sockets
// are left out.
func (a *Archive) Tree(root string) error {
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil || name == "." {
			return err
		}
		return a.add(name, path, d)
	})
	if err := errors.Join(err, a.err); err != nil {
		return fmt.Errorf("packing %s: %w", root, err)
	}
	return nil
}

func (a *Archive) add(name, path string, d fs.DirEntry) error {
	info, err := d.Info()
	if err != nil {
		return err
	}
	switch mode := permissions(info.Mode()); {
	case d.IsDir():
		a.Folder(name, mode)
	case d.Type() == fs.ModeSymlink:
		to, err := os.Readlink(path)
		if err != nil {
			return err
		}
		a.Symlink(name, to)
	case d.Type().IsRegular():
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		a.File(name, mode, data)
	}
	return a.err
}

// permissions are a mode's as chmod(2) takes them.
func permissions(m fs.FileMode) int {
	mode := int(m.Perm())
	for bit, value := range map[fs.FileMode]int{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000} {
		if m&bit != 0 {
			mode |= value
		}
	}
	return mode
}
