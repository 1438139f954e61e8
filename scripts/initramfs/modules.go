package initramfs

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

// Modules returns the files of the wanted modules below root, each after those that it
// needs. Those may be missing, as they are where the kernel has them built in.
func Modules(root string, wanted ...string) ([]string, error) {
	files := map[string]string{}
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if name, ok := strings.CutSuffix(filepath.Base(path), ".ko"); ok {
			files[strings.ReplaceAll(name, "-", "_")] = path
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("looking for the kernel's modules: %w", err)
	}
	var order []string
	var add func(name string) error
	add = func(name string) error {
		path, ok := files[strings.ReplaceAll(name, "-", "_")]
		if !ok || slices.Contains(order, path) {
			return nil
		}
		needs, err := dependencies(path)
		if err != nil {
			return err
		}
		for _, n := range needs {
			if err := add(n); err != nil {
				return err
			}
		}
		order = append(order, path)
		return nil
	}
	for _, w := range wanted {
		if files[w] == "" {
			return nil, fmt.Errorf("the kernel in %s has no module %s", root, w)
		}
		if err := add(w); err != nil {
			return nil, err
		}
	}
	return order, nil
}

// dependencies reads which modules a module names as needed, in its section
// .modinfo. Softdeps, with which WireGuard names its ciphers, count.
func dependencies(path string) ([]string, error) {
	f, err := elf.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the module %s: %w", path, err)
	}
	defer f.Close()
	section := f.Section(".modinfo")
	if section == nil {
		return nil, fmt.Errorf("the module %s has no section .modinfo", path)
	}
	info, err := section.Data()
	if err != nil {
		return nil, fmt.Errorf("reading the module %s: %w", path, err)
	}
	var needs []string
	for field := range bytes.SplitSeq(info, []byte{0}) {
		if list, ok := strings.CutPrefix(string(field), "depends="); ok && list != "" {
			needs = append(needs, strings.Split(list, ",")...)
		}
		if list, ok := strings.CutPrefix(string(field), "softdep=pre: "); ok {
			needs = append(needs, strings.Fields(list)...)
		}
	}
	return needs, nil
}
