package update

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Previous is where the program before the last update lies.
func Previous(target string) string { return target + ".previous" }

// Swap puts the staged program in the place of the installed one, which is kept
// as Previous. There is a whole program in its place at every moment.
func Swap(target, staged string) error {
	if err := os.Remove(Previous(target)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing the program before the last: %w", err)
	}
	if err := os.Link(target, Previous(target)); err != nil {
		return fmt.Errorf("keeping the old program: %w", err)
	}
	if err := os.Rename(staged, target); err != nil {
		return fmt.Errorf("installing the new program: %w", err)
	}
	return syncDir(filepath.Dir(target))
}

// Back puts the previous program in its place again.
func Back(target string) error {
	if err := os.Rename(Previous(target), target); err != nil {
		return fmt.Errorf("putting the old program back: %w", err)
	}
	return syncDir(filepath.Dir(target))
}

// syncDir makes renames survive a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
