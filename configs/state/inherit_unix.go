//go:build unix

package state

import (
	"fmt"
	"os"
	"syscall"
)

// inherit gives what root made in the folder from to the owner of the folder to: a
// service that runs as somebody else could not read it.
func inherit(to, from *os.Root, names ...string) error {
	info, err := to.Stat(".")
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 {
		return nil
	}
	for _, name := range names {
		if err := from.Lchown(name, int(owner.Uid), int(owner.Gid)); err != nil {
			return fmt.Errorf("giving %s to the owner of %s: %w", name, to.Name(), err)
		}
	}
	return nil
}
