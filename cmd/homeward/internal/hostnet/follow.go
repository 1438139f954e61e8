package hostnet

import (
	"context"

	"homeward/upnp/kernelnews"
)

// Follow calls changed whenever the kernel changes an interface, an address or a
// route, until ctx ends. It returns nil then. Where the kernel cannot be heard, the
// network has to be looked at from time to time.
func Follow(ctx context.Context, changed func()) error {
	return kernelnews.Hear(ctx, kernelnews.IPv4|kernelnews.IPv6, changed)
}
