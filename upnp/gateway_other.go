//go:build !linux

package upnp

import (
	"context"
	"fmt"
	"runtime"
)

// kernelGateway is only written for Linux so far.
func kernelGateway() (Gateway, error) {
	return Gateway{}, fmt.Errorf("reading the default route is not supported on %s: %w", runtime.GOOS, ErrNoGateway)
}

// kernelGateway6 is only written for Linux so far.
func kernelGateway6() (Gateway, error) { return kernelGateway() }

// hearRoutes6 hears nothing either.
func hearRoutes6(ctx context.Context, changed func()) error { return hearRoutes(ctx, changed) }

// hearRoutes hears nothing: the route is looked at every few seconds.
func hearRoutes(ctx context.Context, _ func()) error {
	<-ctx.Done()
	return nil
}
