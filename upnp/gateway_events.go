package upnp

import (
	"context"

	"homeward/upnp/kernelnews"
)

// hearRoutes calls changed whenever the kernel changes an interface, an IPv4
// address or an IPv4 route, until ctx ends. Where the kernel cannot be heard, the
// route is looked at every few seconds.
func hearRoutes(ctx context.Context, changed func()) error {
	return kernelnews.Hear(ctx, kernelnews.IPv4, changed)
}

// hearRoutes6 is the same for IPv6.
func hearRoutes6(ctx context.Context, changed func()) error {
	return kernelnews.Hear(ctx, kernelnews.IPv6, changed)
}
