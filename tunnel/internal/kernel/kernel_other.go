//go:build !linux

package kernel

import (
	"errors"

	"homeward/tunnel/internal/plane"
)

var errNotLinux = errors.New("the kernel data plane needs Linux: use the netstack plane")

// Open says that this system has no kernel plane.
func Open(plane.Config) (plane.Plane, error) { return nil, errNotLinux }

// Usable says that this system has no kernel plane.
func Usable() error { return errNotLinux }

// Cleanup has nothing to clean up.
func Cleanup(name, stateDir string) error { return nil }
