//go:build !unix

package state

import (
	"errors"
	"os"
)

// takeLock is missing here: two processes on one directory could spoil it.
func takeLock(string) (*os.File, error) {
	return nil, errors.New("locking the state directory: not supported on this system yet")
}

func takeLockAsItIs(dir string) (*os.File, error) { return takeLock(dir) }

func tryLock(dir string) error { _, err := takeLock(dir); return err }
