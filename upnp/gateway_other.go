//go:build !linux

package upnp

import (
	"fmt"
	"runtime"
)

// kernelGateway is only written for Linux so far.
func kernelGateway() (Gateway, error) {
	return Gateway{}, fmt.Errorf("reading the default route is not supported on %s: %w", runtime.GOOS, ErrNoGateway)
}

// kernelGateway6 is only written for Linux so far.
func kernelGateway6() (Gateway, error) { return kernelGateway() }
