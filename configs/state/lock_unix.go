//go:build unix

package state

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// takeLock makes this process the only one in dir. The kernel drops the lock
// when the process ends, however it ends.
func takeLock(dir string) (*os.File, error) {
	f, err := openLock(dir)
	if err != nil {
		return nil, err
	}
	if err := lockOpen(f, dir); err != nil {
		return nil, err
	}
	if err := sign(f); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// openLock opens the lock file as only a directory that can be written to allows.
func openLock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("state directory %s is not writable: %w: change its owner, or choose another with --state", dir, unwrapPath(err))
	}
	return f, nil
}

// sign writes into the lock file whose it is.
func sign(f *os.File) error {
	if err := errors.Join(f.Truncate(0), writeAt(f, strconv.Itoa(os.Getpid())+"\n")); err != nil {
		return fmt.Errorf("writing %s: %w", f.Name(), unwrapPath(err))
	}
	return nil
}

// tryLock does what takeLock does to the disk, for who has the lock already.
func tryLock(dir string) error {
	f, err := openLock(dir)
	if err != nil {
		return err
	}
	return errors.Join(sign(f), f.Close())
}

// takeLockAsItIs is takeLock for a directory that may not be writable.
func takeLockAsItIs(dir string) (*os.File, error) {
	f, err := os.Open(filepath.Join(dir, lockFile))
	if err != nil {
		return nil, fmt.Errorf("locking the state directory %s: %w", dir, unwrapPath(err))
	}
	return f, lockOpen(f, dir)
}

// lockOpen locks dir by its open lock file, which it closes when that fails.
func lockOpen(f *os.File, dir string) error {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return nil
	}
	holder, _ := os.ReadFile(f.Name())
	f.Close()
	if errors.Is(err, unix.EWOULDBLOCK) {
		return fmt.Errorf("%w: %s (process %s): stop that one first, or choose another directory with --state", ErrLocked, dir, strings.TrimSpace(string(holder)))
	}
	return fmt.Errorf("locking the state directory %s: %w", dir, err)
}

func writeAt(f *os.File, text string) error {
	_, err := f.WriteAt([]byte(text), 0)
	return err
}
